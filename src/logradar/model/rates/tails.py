"""Tails: how probable it is that a count is at least what was seen, and that a pause is so long.

Counts are negative binomial: mean ``m``, variance ``m + d * m**2`` with dispersion ``d``; ``d = 0`` is Poisson.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
LEAST_DISPERSION: Final = 1e-3  # no log is steadier than three per cent
SMALLEST: Final = 1e-300  # probability; less cannot be distinguished from 0


def at_least(count: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """Probability of ``count`` or more.

    >>> at_least(np.array([0.0, 3.0]), np.array([2.0, 2.0]), np.array([0.5, 0.5])).round(3).tolist()
    [1.0, 0.312]
    """
    size, chance = _parameters(mean, dispersion)
    return np.where(count <= 0, 1.0, np.maximum(special.betainc(np.maximum(count, 1e-9), size, 1 - chance), SMALLEST))


def log_none(mean: Floats, spread: Floats) -> Floats:
    """Logarithm of the probability that there is none at all; ``spread`` is a dispersion above 0."""
    return -np.log1p(spread * mean) / spread


def log_ratio(count: Floats, mean: Floats, size: Floats, factor: float) -> Floats:
    """Logarithm of how much more probable ``count`` is with ``factor`` times the mean; ``size`` is 1 / dispersion."""
    return count * np.log(factor) - (count + size) * np.log((size + factor * mean) / (size + mean))


def pause(length: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Probability that a pause is at least so long: a gamma distribution with that mean and standard deviation."""
    shape = (mean / deviation) ** 2
    return np.maximum(special.gammaincc(shape, length * shape / mean), SMALLEST)


def band(mean: float, dispersion: float) -> tuple[int, int]:
    """The counts between which 98 of 100 lie.

    >>> band(8.0, 0.001), band(0.0, 0.1)
    ((2, 15), (0, 0))
    """
    from scipy import stats

    if mean <= 0:
        return 0, 0
    size, chance = _parameters(np.array(mean), np.array(dispersion))
    low, high = stats.nbinom.ppf([0.01, 0.99], float(size), float(chance))
    return int(low), int(high)


def _parameters(mean: Floats, dispersion: Floats) -> tuple[Floats, Floats]:
    size = 1 / np.maximum(dispersion, LEAST_DISPERSION)
    return size, size / (size + np.maximum(mean, 1e-12))
