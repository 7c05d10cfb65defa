"""The score axis of a histogram: the place of each score, the bins and the ticks.

Most scores of real logs are near zero, a few are a thousand times larger than the median, and
some are infinite. So a long tail is drawn on an asinh axis (linear near zero, logarithmic far from
zero, for both signs), whole numbers get bins of whole width, and infinite scores a bin of their own at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BINS: Final = 60
_LONG: Final = 25.0  # a tail is long when the largest score is more than so many times the median
_APART: Final = 0.09  # smallest distance of two ticks, as a share of the axis


@dataclass(frozen=True, eq=False)
class ScoreAxis:
    """Bin ``edges`` as places on the axis; ``width`` is the width of the linear part in scores (None: all linear)."""

    edges: Floats
    low: float
    high: float
    width: float | None
    below: bool = False
    above: bool = False
    whole: bool = False

    @classmethod
    def fitting(cls, scores: Floats, threshold: float | None = None) -> ScoreAxis:
        """An axis with room for all ``scores`` and for the ``threshold``."""
        finite = scores[np.isfinite(scores)]
        whole = len(finite) > 0 and np.array_equal(finite, np.round(finite))
        if threshold is not None and np.isfinite(threshold):
            finite = np.append(finite, threshold)
        finite = finite if len(finite) else np.zeros(1)
        low, high = float(finite.min()), float(finite.max())
        size = np.abs(finite[finite != 0])
        width = None
        if len(size) and float(size.max()) > _LONG * (median := float(np.median(size))):
            width = max(median / 4, float(size.max()) / 1e5)
        elif len(size) and np.count_nonzero(finite) < len(finite) / 2 and size.max() > _LONG * np.quantile(size, 0.1):
            width = float(np.quantile(size, 0.1)) / 2
        whole = whole and width is None and abs(high) + abs(low) < 2**52
        ends = _place(np.array([low, high]), width)
        edges = _edges(float(ends[0]), float(ends[1]), whole)
        step = float(edges[1] - edges[0])
        below, above = bool(np.isneginf(scores).any()), bool(np.isposinf(scores).any())
        if below:
            edges = np.concatenate([[edges[0] - 3 * step, edges[0] - 2 * step], edges])
        if above:
            edges = np.concatenate([edges, [edges[-1] + 2 * step, edges[-1] + 3 * step]])
        return cls(edges, low, high, width, below, above, whole)

    def place(self, scores: Floats) -> Floats:
        """The x coordinate of each score; what is infinite lies in the outermost bin."""
        places = _place(np.clip(scores, self.low, self.high), self.width)
        places[np.isposinf(scores)] = (self.edges[-2] + self.edges[-1]) / 2
        places[np.isneginf(scores)] = (self.edges[0] + self.edges[1]) / 2
        return places

    @property
    def ends(self) -> tuple[float, float]:
        """Where the axis begins and ends: all bins and a small margin."""
        margin = 0.015 * float(self.edges[-1] - self.edges[0])
        return float(self.edges[0]) - margin, float(self.edges[-1]) + margin

    @property
    def note(self) -> str:
        """A remark for the axis label, where the axis is not linear."""
        return " (axis compressed)" if self.width else ""

    def ticks(self) -> tuple[list[float], list[str]]:
        """Places and texts of ticks that do not overlap."""
        candidates = self._round()
        places = _place(np.array(candidates), self.width)
        span = float(self.edges[-1] - self.edges[0])
        chosen: list[tuple[float, str]] = []
        if self.below:
            chosen.append((float(self.edges[:2].mean()), "−∞"))
        if self.above:
            chosen.append((float(self.edges[-2:].mean()), "∞"))
        for score, place in zip(candidates, places.tolist(), strict=True):
            if all(abs(place - used) >= _APART * span for used, _ in chosen):
                chosen.append((place, f"{score:.6g}"))
        chosen.sort()
        return [place for place, _ in chosen], [text for _, text in chosen]

    def _round(self) -> list[float]:
        """Round scores within the axis, the most important first."""
        if self.low == self.high:
            return [self.low]
        if self.width is None:
            from matplotlib.ticker import MaxNLocator

            locator = MaxNLocator(7, steps=[1, 2, 2.5, 5, 10], integer=self.whole)
            ticks = np.asarray(locator.tick_values(self.low, self.high), np.float64)
        else:
            top = np.ceil(np.log10(max(abs(self.low), abs(self.high))))
            least = np.floor(np.log10(self.width))
            powers = 10.0 ** np.arange(top, least - 1, -1)
            ticks = np.concatenate([[0.0], np.column_stack([powers, -powers]).ravel()])
            ticks = np.concatenate([ticks, ticks * 3]) if len(powers) < 4 else ticks
        inside = (ticks >= self.low - 1e-12) & (ticks <= self.high + 1e-12)
        return ticks[inside].tolist() or [self.low, self.high]


def _place(scores: Floats, width: float | None) -> Floats:
    return scores.astype(np.float64, copy=True) if width is None else np.arcsinh(scores / width)


def _edges(low: float, high: float, whole: bool) -> Floats:
    if whole:  # bins of equal whole width: else some bins would contain more numbers than others, and look fuller
        low, high = np.floor(low), np.ceil(high)
        step = max(1.0, np.ceil((high - low + 1) / BINS))
        edges = np.arange(low - 0.5, high + step, step)
        return edges if len(edges) > 4 else np.concatenate([[low - 1.5], edges, [edges[-1] + 1]])
    if high - low <= abs(high) * 1e-12:
        half = 0.5 if abs(low) < 1e6 else abs(low) / 100
        return np.array([low - half, low + half])
    margin = (high - low) / BINS / 2
    return np.linspace(low - margin, high + margin, BINS + 1)
