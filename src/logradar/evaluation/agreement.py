"""Agreement: do detectors alarm the same sessions, and which of them found which anomalies?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from logradar.evaluation.curves import Bools

MOST: Final = 200  # combinations of detectors that are told


def agreement(alarmed: Mapping[str, Bools], labels: Bools | None = None) -> dict[str, Any]:
    """How alike the alarms of detectors are, as JSON values.

    ``jaccard[i][j]`` is the share of the sessions alarmed by either that both alarmed (None: neither
    alarmed any), ``kappa[i][j]`` Cohen's agreement beyond chance over all sessions (Educational and
    Psychological Measurement, 1960; None where one is left no choice). ``patterns`` are the combinations that occur,
    most sessions first: the ``detectors`` that alarmed, how many ``sessions``, and with labels how
    many of these are ``anomalies``; an empty list of detectors are the anomalies that all missed.
    """
    names = list(alarmed)
    table = np.column_stack([alarmed[name] for name in names]) if names else np.empty((0, 0), bool)
    truth = np.zeros(len(table), bool) if labels is None else labels
    found, inverse = np.unique(table, axis=0, return_inverse=True)
    sessions = np.bincount(inverse.reshape(-1), minlength=len(found))
    odd = np.bincount(inverse.reshape(-1), truth, len(found)).astype(int)
    patterns: list[dict[str, Any]] = [
        {
            "detectors": [name for name, there in zip(names, row, strict=True) if there],
            "sessions": int(total) if any(row) else int(some),
            "anomalies": int(some) if labels is not None else None,
        }
        for row, total, some in zip(found.tolist(), sessions, odd, strict=True)
        if any(row) or some
    ]
    patterns.sort(key=lambda one: (-one["sessions"] if one["detectors"] else 1, one["detectors"]))
    return {
        "names": names,
        "jaccard": [[_jaccard(a, b) for b in alarmed.values()] for a in alarmed.values()],
        "kappa": [[_kappa(a, b) for b in alarmed.values()] for a in alarmed.values()],
        "patterns": patterns[:MOST],
    }


def alone(alarmed: Mapping[str, Bools], labels: Bools) -> dict[str, int]:
    """For each detector how many anomalies it found and no other did."""
    times = np.sum(list(alarmed.values()), axis=0)
    return {name: int((alarm & labels & (times == 1)).sum()) for name, alarm in alarmed.items()}


def _jaccard(first: Bools, second: Bools) -> float | None:
    either = int((first | second).sum())
    return int((first & second).sum()) / either if either else None


def _kappa(first: Bools, second: Bools) -> float | None:
    a, b = float(first.mean()), float(second.mean())
    chance = a * b + (1 - a) * (1 - b)
    return (float((first == second).mean()) - chance) / (1 - chance) if chance < 1 else None
