"""Statistics of sequence lengths, counted in bins: mean, extremes, quantiles and histogram in a few kilobytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
_FINE: Final = 64  # each length below it has its own bin; above it there are 16 bins per octave
_BINS: Final = _FINE + 16 * 26


def bins_of(lengths: Ints) -> Ints:
    """The bin of each length."""
    octave = np.floor(np.log2(np.maximum(lengths, _FINE))).astype(np.int64)
    place = (np.maximum(lengths, _FINE) >> (octave - 4)) - 16
    return np.where(lengths < _FINE, lengths, _FINE + (octave - 6) * 16 + place)


def bin_range(number: int) -> tuple[int, int]:
    """The smallest and the largest length in a bin."""
    if number < _FINE:
        return number, number
    octave, place = divmod(number - _FINE, 16)
    return (16 + place) << (octave + 2), ((17 + place) << (octave + 2)) - 1


@dataclass
class Lengths:
    """Lengths of sequences: mean, extremes and histogram."""

    count: int = 0
    total: int = 0
    shortest: int = 0
    longest: int = 0

    def __post_init__(self) -> None:
        self.bins = np.zeros(_BINS, np.int64)

    def add(self, lengths: Ints) -> None:
        """Count lengths."""
        if len(lengths):
            self._join(len(lengths), int(lengths.sum()), int(lengths.min()), int(lengths.max()))
            self.bins += np.bincount(bins_of(lengths), minlength=_BINS)

    def merge(self, other: Lengths) -> None:
        """Add the counts of another object."""
        if other.count:
            self._join(other.count, other.total, other.shortest, other.longest)
            self.bins += other.bins

    def _join(self, count: int, total: int, shortest: int, longest: int) -> None:
        self.shortest = min(self.shortest, shortest) if self.count else shortest
        self.longest = max(self.longest, longest)
        self.count += count
        self.total += total

    def quantile(self, share: float) -> int:
        """The length that this share of the sequences does not exceed; above 63 it is rounded up by at most 6 %."""
        if not self.count:
            return 0
        number = int(np.searchsorted(np.cumsum(self.bins), share * self.count))
        return min(bin_range(number)[1], self.longest)

    def report(self) -> dict[str, Any]:
        """The figures for JSON; an entry of the histogram is (from, to, number of sequences)."""
        return {
            "mean": round(self.total / self.count, 2) if self.count else 0.0,
            "min": self.shortest,
            "median": self.quantile(0.5),
            "p90": self.quantile(0.9),
            "p99": self.quantile(0.99),
            "max": self.longest,
            "histogram": [[*bin_range(number), count] for number, count in enumerate(self.bins.tolist()) if count],
        }
