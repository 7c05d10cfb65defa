"""Agreement: do detectors raise alarms on the same sessions, and which of them found which anomalies?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from logradar.evaluation.curves import Bools

MOST: Final = 200  # combinations of detectors in the result, at most


def agreement(alarmed: Mapping[str, Bools], labels: Bools | None = None) -> dict[str, Any]:
    """How similar the alarms of detectors are, as JSON values.

    ``alarmed`` says for each detector which sessions raised an alarm, ``labels`` which are anomalous.

    - ``jaccard[i][j]``: of the sessions with an alarm of either detector, the share with an alarm of both
      (None: neither raised any).
    - ``kappa[i][j]``: Cohen's agreement beyond chance over all sessions (Educational and Psychological Measurement,
      1960; None where both decide the same on all sessions).
    - ``patterns``: the combinations of detectors that occur, most sessions first: the ``detectors`` that raised an
      alarm, the number of ``sessions``, and with labels the number of ``anomalies`` among these. The pattern without
      detectors counts the anomalies that all detectors missed.
    """
    names = list(alarmed)
    table = np.column_stack([alarmed[name] for name in names]) if names else np.empty((0, 0), bool)
    truth = np.zeros(len(table), bool) if labels is None else labels
    combinations, inverse = np.unique(table, axis=0, return_inverse=True)
    sessions = np.bincount(inverse.reshape(-1), minlength=len(combinations))
    anomalies = np.bincount(inverse.reshape(-1), truth, len(combinations)).astype(int)
    patterns: list[dict[str, Any]] = [
        {
            "detectors": [name for name, alarm in zip(names, row, strict=True) if alarm],
            "sessions": int(total) if any(row) else int(anomalous),
            "anomalies": int(anomalous) if labels is not None else None,
        }
        for row, total, anomalous in zip(combinations.tolist(), sessions, anomalies, strict=True)
        if any(row) or anomalous
    ]
    patterns.sort(key=lambda pattern: (-pattern["sessions"] if pattern["detectors"] else 1, pattern["detectors"]))
    return {
        "names": names,
        "jaccard": [[_jaccard(a, b) for b in alarmed.values()] for a in alarmed.values()],
        "kappa": [[_kappa(a, b) for b in alarmed.values()] for a in alarmed.values()],
        "patterns": patterns[:MOST],
    }


def alone(alarmed: Mapping[str, Bools], labels: Bools) -> dict[str, int]:
    """For each detector the number of anomalies that it found and no other detector did."""
    times = np.sum(list(alarmed.values()), axis=0)
    return {name: int((alarm & labels & (times == 1)).sum()) for name, alarm in alarmed.items()}


def _jaccard(first: Bools, second: Bools) -> float | None:
    either = int((first | second).sum())
    return int((first & second).sum()) / either if either else None


def _kappa(first: Bools, second: Bools) -> float | None:
    a, b = float(first.mean()), float(second.mean())
    chance = a * b + (1 - a) * (1 - b)
    return (float((first == second).mean()) - chance) / (1 - chance) if chance < 1 else None
