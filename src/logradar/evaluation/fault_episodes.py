"""Fault episodes: anomalies of one kind that follow each other are one fault; its first alert detects it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.evaluation.curves import Bools

APART: Final = 3600.0  # seconds without an anomaly of the kind, after which the next one begins a new episode


def fault_episodes(
    kinds: npt.NDArray[np.str_],
    starts: npt.NDArray[np.datetime64],
    ends: npt.NDArray[np.datetime64],
    labels: Bools,
    alarmed: Bools,
    apart: float = APART,
) -> dict[str, Any] | None:
    """How many fault episodes were detected, and how long after their beginning; None without times.

    All arrays have one entry per session. Anomalous sessions of one of ``kinds`` belong to the same episode while
    each starts within ``apart`` seconds of the one before. An episode is detected when one of its sessions raises an
    alarm. ``seconds`` is the time from the start of its first session to the end of the first session with an alarm,
    ``sessions`` how many of its sessions had begun by then; both have ``median`` and ``max`` over the detected ones.
    """
    rows = np.flatnonzero(labels & ~np.isnat(starts) & ~np.isnat(ends))
    if not len(rows):
        return None
    codes = np.unique(kinds[rows], return_inverse=True)[1].reshape(-1)
    order = np.lexsort((starts[rows], codes))
    rows, codes = rows[order], codes[order]
    new = (np.diff(codes) != 0) | (np.diff(starts[rows]) / np.timedelta64(1, "s") > apart)
    bounds = np.concatenate([[0], np.flatnonzero(new) + 1, [len(rows)]])
    seconds, begun = [], []
    for begin, end in pairwise(bounds.tolist()):
        episode = rows[begin:end]
        detected = episode[alarmed[episode]]
        if len(detected):
            when = ends[detected].min()
            seconds.append(float((when - starts[episode[0]]) / np.timedelta64(1, "s")))
            begun.append(int((starts[episode] <= when).sum()))
    return {
        "episodes": len(bounds) - 1,
        "detected": len(seconds),
        "seconds": {"median": float(np.median(seconds)), "max": max(seconds)} if seconds else None,
        "sessions": {"median": float(np.median(begun)), "max": max(begun)} if begun else None,
    }
