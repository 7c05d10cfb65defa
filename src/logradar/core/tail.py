"""The upper tail of scores: a fitted distribution, for shares that are too small to be counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_SHARE: Final = 0.02  # of all scores, which are the tail
_PEAKS: Final = 50  # scores that a tail has at least
_FEWEST: Final = 20  # scores below which no tail is fitted
_SHAPES: Final = (-1.0, 0.5)  # from the sharp end of a uniform distribution to infinite variance


@dataclass(frozen=True)
class Tail:
    """A generalised Pareto distribution of the scores above ``start``; ``share`` of all scores are above it.

    Peaks over threshold as in Siffer et al., KDD 2017. ``shape`` and ``scale`` are estimated by probability-weighted
    moments (Hosking and Wallis, Technometrics 1987), which are stable for small samples.
    """

    start: float
    share: float
    shape: float
    scale: float

    def beyond(self, share: float) -> float:
        """The score that ``share`` of all scores exceed; ``share`` is at most the share of the tail."""
        ratio = share / self.share
        if abs(self.shape) < 1e-9:
            return self.start - self.scale * float(np.log(ratio))
        return self.start + self.scale / self.shape * float(ratio**-self.shape - 1.0)

    def share_above(self, scores: Floats) -> Floats:
        """The share of all scores that exceed each of ``scores``, which are at or above ``start``."""
        over = np.maximum(scores - self.start, 0.0) / self.scale
        if abs(self.shape) < 1e-9:
            return self.share * np.exp(-over)
        inside = np.maximum(1.0 + self.shape * over, 0.0)  # 0: beyond the end of a tail that has one
        with np.errstate(divide="ignore"):
            ratio: Floats = inside ** (-1.0 / self.shape)
        return self.share * ratio


def fit_tail(scores: Floats) -> Tail | None:
    """The tail of ``scores``; None where it cannot be fitted: few scores, or few distinct ones at the top."""
    finite = np.sort(scores[np.isfinite(scores)])
    peaks = min(max(_PEAKS, int(_SHARE * len(finite))), len(finite) // 4)
    if peaks < _FEWEST or len(finite) < len(scores):
        return None
    start = float(finite[-peaks - 1])
    over = finite[finite > start] - start
    if len(over) < _FEWEST or len(np.unique(over)) < len(over) / 2:
        return None
    below = (np.arange(1, len(over) + 1) - 0.35) / len(over)
    mean, weighted = float(over.mean()), float(((1.0 - below) * over).mean())
    shape = float(np.clip(2.0 - mean / (mean - 2.0 * weighted), *_SHAPES))
    return Tail(start, len(over) / len(scores), shape, mean * (1.0 - shape))
