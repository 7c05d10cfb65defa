"""Averages over seeds: mean and interval of figures when the same training is repeated with other seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

FIGURES: Final = ("f1", "precision", "recall", "fpr", "pr_auc", "roc_auc", "false_alarms_per_day")
UNBOUNDED: Final = "false_alarms_per_day"  # all others are at most 1


def over_seeds(runs: Sequence[Mapping[str, Any]], level: float = 0.95) -> dict[str, Any]:
    """Mean and interval of each figure over runs that differ only in their seed.

    Returns ``{figure: {"mean", "low", "high", "deviation", "runs"}}``. ``low`` and ``high`` are the ends of Student's
    interval of the mean (Biometrika, 1908), limited to possible values; they are None with one run. A figure that is
    not defined in a run is averaged over the other runs, and None without any. The interval shows the effect
    of the seed alone; the bootstrap shows that of the choice of sessions.

    >>> over_seeds([{"f1": 0.25}, {"f1": 0.5}, {"f1": 0.75}])["f1"]["mean"]
    0.5
    """
    return {
        figure: _mean([run[figure] for run in runs if run.get(figure) is not None], level, figure != UNBOUNDED)
        for figure in FIGURES
    }


def _mean(values: list[float], level: float, bounded: bool) -> dict[str, Any] | None:
    if not values:
        return None
    mean = float(np.mean(values))
    average: dict[str, Any] = {"mean": mean, "low": None, "high": None, "deviation": None, "runs": len(values)}
    if len(values) > 1:
        from scipy.stats import t

        deviation = float(np.std(values, ddof=1))
        half = float(t.ppf((1 + level) / 2, len(values) - 1)) * deviation / len(values) ** 0.5
        low, high = mean - half, mean + half
        if bounded:
            high = min(high, 1.0)
        average |= {"low": max(low, 0.0), "high": high, "deviation": deviation}
    return average
