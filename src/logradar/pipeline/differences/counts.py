"""Counts: whether a kind came more or less often than between good runs, honest about how little was seen.

Counts of log lines vary more than chance alone would have it. How much more (the dispersion of a negative binomial
distribution) is estimated over all frequent kinds: between the good runs, where there are several, else between the two
sides, robustly, since most kinds do not change. Runs of other lengths are made comparable by the median ratio of their
counts (Anders and Huber, Genome Biology 2010). What is reported is the false discovery rate (Benjamini and Hochberg
1995).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
FEW: Final = 10  # frequent kinds below which the dispersion cannot be estimated
TYPICAL: Final = 0.1  # dispersion then
LEAST: Final = 0.01
_FREQUENT: Final = 5  # records of a kind in every run compared
_HALF: Final = 0.5  # added to every count, so that none has a logarithm of minus infinity
_NORMAL: Final = 1.4826  # times the median absolute deviation is the deviation of a normal distribution


@dataclass(frozen=True)
class Compared:
    """For each kind: ``expected`` count in the bad run, ``ratio`` to it, ``q`` (false discovery rate).

    ``scale`` is how long the bad run is compared with the mean good run, ``dispersion`` how much counts vary.
    """

    expected: Floats
    ratio: Floats
    q: Floats
    scale: float
    dispersion: float


def compared(good: npt.NDArray[Any], bad: npt.NDArray[Any]) -> Compared:
    """Compare counts ``good`` (kinds by runs) with ``bad`` (kinds)."""
    good, bad = good.astype(np.float64), bad.astype(np.float64)
    runs = good.shape[1]
    sizes = np.array([_scale(good.mean(axis=1), good[:, run]) for run in range(runs)])
    level = (good / sizes).mean(axis=1)
    scale = _scale(level, bad)
    expected = level * scale
    dispersion = _between(good / sizes) if runs > 1 else _between(np.column_stack([level, bad / scale]))
    change = np.log(bad + _HALF) - np.log(expected + _HALF)
    variance = 1 / (bad + _HALF) + 1 / (good.sum(axis=1) + _HALF) + dispersion * (1 + 1 / runs)
    p = 2 * stats.norm.sf(np.abs(change) / np.sqrt(variance))
    q = stats.false_discovery_control(p) if len(p) else p
    return Compared(expected, (bad + _HALF) / (expected + _HALF), q, scale, dispersion)


def _scale(of: Floats, counts: Floats) -> float:
    shared = (of > 0) & (counts > 0)
    if shared.any():
        return float(np.median(counts[shared] / of[shared]))
    return max(float(counts.sum()), 1.0) / max(float(of.sum()), 1.0)


def _between(counts: Floats) -> float:
    """The dispersion between columns of counts of equal size."""
    frequent = counts[(counts >= _FREQUENT).all(axis=1)]
    if len(frequent) < FEW:
        return TYPICAL
    logs = np.log(frequent)
    if frequent.shape[1] == 2:
        change = (logs[:, 1] - logs[:, 0]) / np.sqrt(2)
        spread = (_NORMAL * float(np.median(np.abs(change)))) ** 2
    else:
        degrees = frequent.shape[1] - 1
        spread = float(np.median(logs.var(axis=1, ddof=1))) * degrees / float(stats.chi2.median(degrees))
    return max(spread - float(np.median(1 / frequent)), LEAST)
