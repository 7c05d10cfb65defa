"""Incidents: anomalies of one kind that follow each other are one trouble, told when its first alert comes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.evaluation.curves import Bools

APART: Final = 3600.0  # seconds without an anomaly of the kind after which the next one is another incident


def incidents(
    kinds: npt.NDArray[np.str_],
    starts: npt.NDArray[np.datetime64],
    ends: npt.NDArray[np.datetime64],
    labels: Bools,
    alarmed: Bools,
    apart: float = APART,
) -> dict[str, Any] | None:
    """How many incidents were told, and how long after they began; None without times.

    Anomalous sessions of the same of ``kinds`` belong to one incident while each starts within ``apart``
    seconds of the one before. ``seconds`` is the time from the start of its first session to the end of
    the first one that was alarmed, ``sessions`` how many of its sessions had begun by then; both have ``median`` and
    ``max`` over the incidents that were told.
    """
    rows = np.flatnonzero(labels & ~np.isnat(starts) & ~np.isnat(ends))
    if not len(rows):
        return None
    codes = np.unique(kinds[rows], return_inverse=True)[1].reshape(-1)
    order = np.lexsort((starts[rows], codes))
    rows, codes = rows[order], codes[order]
    new = (np.diff(codes) != 0) | (np.diff(starts[rows]) / np.timedelta64(1, "s") > apart)
    bounds = np.concatenate([[0], np.flatnonzero(new) + 1, [len(rows)]])
    seconds, passed = [], []
    for begin, end in pairwise(bounds.tolist()):
        some = rows[begin:end]
        told = some[alarmed[some]]
        if len(told):
            when = ends[told].min()
            seconds.append(float((when - starts[some[0]]) / np.timedelta64(1, "s")))
            passed.append(int((starts[some] <= when).sum()))
    return {
        "incidents": len(bounds) - 1,
        "told": len(seconds),
        "seconds": {"median": float(np.median(seconds)), "max": max(seconds)} if seconds else None,
        "sessions": {"median": float(np.median(passed)), "max": max(passed)} if passed else None,
    }
