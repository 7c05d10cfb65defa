"""How surprising a number is, judged by the tails of a sample of normal ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.columns import Columns
from logradar.detectors.value_models.samples import Sample

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_TAIL: Final = 0.05  # share of a sample at either end that its tail is fitted on
_LEAST: Final = 5  # numbers in a tail
_SKEWED: Final = 3.0  # times that the median is farther from one end than from the other: then the scale is logarithmic
_FINEST: Final = 0.02  # of a number's size: smaller differences do not count
LIMIT: Final = 25.0  # nats that count in full; what is above counts by its logarithm, so that all stays finite
_COLUMNS: Final = ("scale", "lower", "upper", "below", "above", "share", "low", "high")


@dataclass(frozen=True, eq=False)
class Tails:
    """For each key where most of its numbers end, below and above, and how fast numbers become rare beyond that.

    Beyond the 95 % quantile of the sample the excess is modelled as exponential (peaks over
    threshold: Pickands, Annals of Statistics 1975); its mean is that of the excesses, or higher
    where the largest of them is farther out than such a tail would reach. Skewed numbers are
    measured by ``asinh(x / scale)``, a logarithm that is defined for 0 and for both signs: there the same tail
    is a power law. ``scale`` is 0 for numbers that are not skewed. Findings name ``low`` and ``high`` as the normal
    range.
    """

    keys: Ints
    scale: Floats
    lower: Floats
    upper: Floats
    below: Floats
    above: Floats
    share: Floats
    low: Floats
    high: Floats

    @classmethod
    def fit(cls, sample: Sample, rows: Ints, finest: float = 0.0) -> Tails:
        """From the sample's keys ``rows`` (each with numbers); ``finest`` is the smallest difference that counts."""
        start, count = sample.offsets[:-1][rows], np.diff(sample.offsets)[rows]
        tail = np.minimum(np.maximum(np.ceil(_TAIL * count).astype(np.int64), _LEAST), np.maximum(count // 2, 1))

        def at(place: Ints | Floats) -> Floats:
            found: Floats = sample.values[start + np.asarray(place, np.int64)]
            return found

        middle, first, last = at((count - 1) // 2), at(np.zeros(len(rows))), at(count - 1)
        near, far = at(tail - 1), at(count - tail)
        up, down = far - middle, middle - near
        skewed = np.maximum(up, down) > _SKEWED * np.minimum(up, down)
        spread = np.maximum(np.abs(middle), np.maximum(_smallest(sample, rows), finest))
        scale = np.where(skewed & (spread > 0), spread, 0.0)
        inner_high, inner_low = _scaled(at(np.maximum(count - tail - 1, 0)), scale), _scaled(at(tail), scale)
        reach = np.log(tail + 1.0)
        # What the smallest difference that counts is worth at either end of the range.
        steps = [np.maximum(_FINEST * np.abs(end), finest) for end in (far, near)]
        ends = zip((far, near), steps, strict=True)
        grain = [np.abs(_scaled(end + step, scale) - _scaled(end, scale)) for end, step in ends]
        means = _tail_means(sample, rows, start, count, tail, scale)
        above = np.maximum.reduce([means[1] - inner_high, (_scaled(last, scale) - inner_high) / reach, grain[0]])
        below = np.maximum.reduce([inner_low - means[0], (inner_low - _scaled(first, scale)) / reach, grain[1]])
        tiny = np.finfo(np.float64).tiny
        edge = np.maximum(count // 200, 0)
        return cls(
            sample.keys[rows],
            scale,
            inner_low,
            inner_high,
            np.maximum(below, tiny),
            np.maximum(above, tiny),
            tail / count,
            at(edge),
            at(count - 1 - edge),
        )

    def find(self, keys: Ints) -> Ints:
        """The row of each key, -1 for a key that has none."""
        if not len(self.keys):
            return np.full(len(keys), -1, np.int64)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, place, -1)

    def surprisal(self, rows: Ints, values: Floats, both: bool) -> Floats:
        """-log of the probability of a number that is so far out, in nats; only above, or on ``both`` sides.

        0 for a number inside the range of 90 % of them; finite, and larger the farther out the number is.
        """
        y = _scaled(values, self.scale[rows])
        with np.errstate(over="ignore"):
            beyond = np.where(y > self.upper[rows], (y - self.upper[rows]) / self.above[rows], -np.inf)
            if both:
                short = np.where(y < self.lower[rows], (self.lower[rows] - y) / self.below[rows], -np.inf)
                beyond = np.maximum(beyond, short)
        nats = beyond - np.log(np.minimum(self.share[rows] * (2 if both else 1), 1.0))
        return damped(np.maximum(nats, 0.0))

    def without(self, keys: Ints) -> Tails:
        """The same without the named keys."""
        kept = ~np.isin(self.keys, keys)
        return Tails(self.keys[kept], *(getattr(self, name)[kept] for name in _COLUMNS))

    def save(self, path: Path) -> None:
        """Write as Parquet."""
        columns = {"key": self.keys, **{name: getattr(self, name) for name in _COLUMNS}}
        pq.write_table(pa.table(columns), path, compression="zstd")

    @classmethod
    def load(cls, path: Path) -> Tails:
        """What `save` wrote; `ValueError` where a number is not one that `fit` gives."""
        saved = Columns(path).only("key", *_COLUMNS)
        tiny = float(np.finfo(np.float64).tiny)
        within = {"scale": (0.0, None), "below": (tiny, None), "above": (tiny, None), "share": (tiny, 1.0)}
        keys = saved.numbers("key", np.int64, (0, None), "strictly")
        tails = cls(keys, *(saved.numbers(name, np.float64, within.get(name, (None, None))) for name in _COLUMNS))
        if (tails.low > tails.high).any():
            raise ValueError(f"{path.name} has a range whose lower end is above the upper one")
        return tails


def damped(nats: Floats) -> Floats:
    """The same up to `LIMIT`; above it only the logarithm of the excess is added."""
    excess = np.minimum(np.maximum(nats - LIMIT, 0.0), 1e300)
    return np.minimum(nats, LIMIT) + np.log1p(excess)


def _scaled(values: Floats, scale: Floats) -> Floats:
    plain = scale == 0
    with np.errstate(over="ignore"):
        bent = np.arcsinh(values / np.where(plain, 1.0, scale))
    return np.where(plain, values, bent)


def _smallest(sample: Sample, rows: Ints) -> Floats:
    """The smallest size above 0 in the sample of each row, 0 where all are 0."""
    sizes = np.where(sample.values == 0, np.inf, np.abs(sample.values))
    if not len(sizes):
        return np.zeros(len(rows))
    starts = sample.offsets[:-1]
    filled = np.diff(sample.offsets) > 0
    least = np.full(len(starts), np.inf)
    least[filled] = np.minimum.reduceat(sizes, starts[filled])
    found: Floats = np.where(np.isinf(least[rows]), 0.0, least[rows])
    return found


def _tail_means(
    sample: Sample, rows: Ints, start: Ints, count: Ints, tail: Ints, scale: Floats
) -> tuple[Floats, Floats]:
    """Means of the ``tail`` smallest and largest numbers of each row, on its scale."""
    means = []
    for begin in (start, start + count - tail):
        at = np.repeat(begin - (np.cumsum(tail) - tail), tail) + np.arange(tail.sum())
        of = np.repeat(np.arange(len(rows)), tail)
        means.append(np.bincount(of, _scaled(sample.values[at], scale[of]), minlength=len(rows)) / tail)
    return means[0], means[1]
