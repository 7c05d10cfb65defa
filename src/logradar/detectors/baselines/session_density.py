"""How many training sessions are like a session: the kernel density of its count vector, and the kernels for it.

Count vectors are held as sorted rows of template ids, as in `nearest_counts`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logradar.core.kernels import kernel, lower_bound, read_only
from logradar.core.sequences import Sequences
from logradar.detectors.baselines.count_tails import Rarity
from logradar.detectors.baselines.nearest_counts import postings

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Distinct count vectors with the sessions that each stands for, and an index from templates to them.

    The distance of two count vectors is the sum, over templates, of the difference between the square roots of their
    counts, times the weight of the template: a rare template tells more, the tenth repetition less than the first.
    """

    rows: Sequences
    total: int
    templates: Ids
    weights: Floats
    index: tuple[Ints, Ints, Ints]
    sizes: Floats

    @classmethod
    def of(cls, rows: Sequences, rarity: Rarity) -> Prototypes:
        """From sorted distinct rows with counts, and what was learnt of all ``total`` sessions.

        The weight of a template is 1 + the natural logarithm of total over the sessions that hold it; the last one is
        that of unknown templates.
        """
        templates = rarity.templates.astype(np.int32)
        weights = 1.0 + np.log(max(rarity.total, 1) / np.append(rarity.held, 1))
        index = postings(rows.values, rows.offsets, templates)
        sizes = np.zeros(len(rows))
        begin, at, counts = index
        template = np.repeat(np.arange(len(templates)), np.diff(begin))
        np.add.at(sizes, at, weights[template] * np.sqrt(counts))
        return cls(rows, rarity.total, templates, weights, index, sizes)

    def distances(self, row: Ids) -> Floats:
        """The distance of each prototype from one sorted ``row`` of known templates, to twelve decimal places."""
        begin, at, counts = self.index
        templates, times = np.unique(row, return_counts=True)
        shared = np.zeros(len(self.sizes))
        places = np.searchsorted(self.templates, templates)
        for place, count in zip(places.tolist(), times.tolist(), strict=True):
            held = slice(begin[place], begin[place + 1])
            shared[at[held]] += self.weights[place] * np.sqrt(np.minimum(counts[held], count))
        size = float((self.weights[places] * np.sqrt(times)).sum())
        apart: Floats = np.maximum(self.sizes + size - 2.0 * shared, 0.0)
        return apart.round(12)

    def rarity(self, rows: Sequences, bandwidth: float) -> tuple[Floats, Ints]:
        """For each sorted row -ln of its density, and the prototype that adds most to it.

        The density is the sum over prototypes of their sessions times exp(-distance / ``bandwidth``), divided by all
        sessions (Parzen, 1962); 0.03 means: as if 3 % of the sessions were equal to it.
        """
        surprise, chosen = np.empty(len(rows)), np.zeros(len(rows), np.int64)
        arrays = (read_only(self.templates), self.weights, *self.index, self.sizes)
        sessions = np.log(self.rows.counts.astype(np.float64))
        room = np.zeros(len(self.rows))
        _rarity(
            read_only(rows.values), rows.offsets, *arrays, sessions, 1.0 / bandwidth, room, surprise, chosen
        )  # fmt: skip
        return surprise + np.log(self.total), chosen


@kernel
def _rarity(values, offsets, templates, weights, begin, at, counts, sizes, sessions, scale, shared, out, chosen):  # type: ignore[no-untyped-def]
    """-ln of the sum of exp(ln sessions - distance * scale), stable for any distance; ``shared`` is scratch, all 0."""
    for row in range(len(out)):
        start, stop = offsets[row], offsets[row + 1]
        size, unknown = 0.0, 0
        i = start
        while i < stop:
            last = i
            while last < stop and values[last] == values[i]:
                last += 1
            template = lower_bound(templates, values[i])
            if template < len(templates) and templates[template] == values[i]:
                weight = weights[template]
                size += weight * np.sqrt(last - i)
                for entry in range(begin[template], begin[template + 1]):
                    shared[at[entry]] += weight * np.sqrt(min(counts[entry], last - i))
            else:
                unknown += last - i
            i = last
        size += weights[len(templates)] * np.sqrt(unknown)
        best, highest = 0, -np.inf
        for prototype in range(len(sizes)):
            apart = max(size + sizes[prototype] - 2.0 * shared[prototype], 0.0)
            shared[prototype] = sessions[prototype] - apart * scale
            if shared[prototype] > highest:
                best, highest = prototype, shared[prototype]
        total = 0.0
        for prototype in range(len(sizes)):
            total += np.exp(shared[prototype] - highest)
            shared[prototype] = 0.0
        out[row] = -(highest + np.log(total)) if len(sizes) else 0.0
        chosen[row] = best
