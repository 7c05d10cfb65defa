"""A random sample of the numbers of each of many keys, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_WAITING: Final = 1 << 20  # entries that wait until they are merged into the sample
_EARLY: Final = 10  # values of a key after which new highs and lows are counted


@dataclass(frozen=True, eq=False)
class Sample:
    """The sample: the numbers of ``keys[i]`` are ``values[offsets[i]:offsets[i + 1]]``, in ascending order."""

    keys: Ints
    values: Floats
    offsets: Ints
    counts: Ints  # numbers of the key
    missing: Ints  # values of the key that were no numbers
    low: Floats
    high: Floats
    drifting: npt.NDArray[np.bool_]


class Samples:
    """Collects numbers, in pieces of any size; keeps ``size`` of each key, for the first ``most`` keys at most.

    The sample has the numbers of the smallest priorities; the priority of a number is a hash of seed, key and
    the count of numbers before it (bottom-k sampling: Cohen and Kaplan, PODC 2007). So the same
    numbers give the same sample, whatever the pieces.
    """

    def __init__(self, size: int, most: int, seed: int) -> None:
        self.size, self.most, self.seed = size, most, seed
        self._keys = np.empty(0, np.int64)  # sorted
        self._slots = np.empty(0, np.int64)  # the slot of each of them
        self._names = np.empty(0, np.int64)  # the key of each slot
        self._counts, self._missing = np.empty(0, np.int64), np.empty(0, np.int64)
        self._low, self._high = np.empty(0), np.empty(0)
        self._records = np.empty(0, np.int64)
        self._cut = np.empty(0, np.uint64)  # numbers of a higher priority are not kept
        self._kept: list[tuple[Ints, npt.NDArray[np.uint64], Floats]] = []
        self._waiting = 0

    def add(self, keys: Ints, values: Floats) -> None:
        """Add one value for each key; NaN means that it is no number."""
        slots = self._slots_of(keys)
        inside = slots >= 0
        slots, values = slots[inside], values[inside]
        priority = np.zeros(len(slots), np.uint64)
        state = (self._counts, self._missing, self._low, self._high, self._records)
        names = self._names[slots].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(self.seed)
        _observe(slots, names, values, *state, priority)
        kept = np.flatnonzero((priority < self._cut[slots]) & ~np.isnan(values))
        self._kept.append((slots[kept], priority[kept], values[kept]))
        self._waiting += len(kept)
        if self._waiting > _WAITING:
            self._sort_in()

    def close(self) -> Sample:
        """The sample of what was added so far; more may be added later."""
        self._sort_in()
        slots, _, values = self._kept[0]
        order = np.lexsort((values, slots))
        sizes = np.bincount(slots, minlength=len(self._counts))
        place = self._slots
        offsets = np.concatenate([[0], np.cumsum(sizes[place])])
        begin = np.cumsum(sizes) - sizes
        rows = np.repeat(begin[place] - offsets[:-1], sizes[place]) + np.arange(offsets[-1])
        counts = self._counts[place]
        # Numbers of one distribution reach a new high or low about 2 ln(n) times; counters and times do so always.
        drifting = self._records[place] > 10 + 4 * np.log(np.maximum(counts, 1))
        return Sample(
            self._keys.copy(),
            values[order][rows],
            offsets,
            counts,
            self._missing[place],
            self._low[place],
            self._high[place],
            drifting,
        )

    def _slots_of(self, keys: Ints) -> Ints:
        """The slot of each key, -1 for keys above the limit; new keys get slots in order of appearance."""
        distinct, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        place = np.minimum(np.searchsorted(self._keys, distinct), max(len(self._keys) - 1, 0))
        known = self._keys[place] == distinct if len(self._keys) else np.zeros(len(distinct), bool)
        slots = np.full(len(distinct), -1, np.int64)
        slots[known] = self._slots[place[known]]
        new = np.flatnonzero(~known)
        new = new[np.argsort(first[new], kind="stable")][: max(self.most - len(self._keys), 0)]
        if len(new):
            slots[new] = len(self._keys) + np.arange(len(new))
            self._grow(distinct[new])
        found: Ints = slots[inverse]
        return found

    def _grow(self, keys: Ints) -> None:
        names = np.empty(len(self._keys) + len(keys), np.int64)
        names[self._slots] = self._keys
        names[len(self._keys) :] = keys
        self._names = names
        self._slots = np.argsort(names, kind="stable")
        self._keys = names[self._slots]
        more = len(keys)
        self._counts = np.concatenate([self._counts, np.zeros(more, np.int64)])
        self._missing = np.concatenate([self._missing, np.zeros(more, np.int64)])
        self._records = np.concatenate([self._records, np.zeros(more, np.int64)])
        self._low = np.concatenate([self._low, np.full(more, np.inf)])
        self._high = np.concatenate([self._high, np.full(more, -np.inf)])
        self._cut = np.concatenate([self._cut, np.full(more, np.iinfo(np.uint64).max)])

    def _sort_in(self) -> None:
        """Keep the numbers of smallest priority of each key; drop all others."""
        nothing = (np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0))
        slots, priority, values = (np.concatenate(parts) for parts in zip(nothing, *self._kept, strict=True))
        order = np.lexsort((priority, slots))
        slots, priority, values = slots[order], priority[order], values[order]
        sizes = np.bincount(slots, minlength=len(self._counts))
        rank = np.arange(len(slots)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        full = rank == self.size - 1
        self._cut[slots[full]] = priority[full]
        kept = rank < self.size
        self._kept = [(slots[kept], priority[kept], values[kept])]
        self._waiting = 0


@numba.njit(cache=True, nogil=True)
def _observe(slots, names, values, counts, missing, low, high, records, priority):  # type: ignore[no-untyped-def]
    """Count values, and give each the priority that its place among the values of its key has."""
    for i in range(len(slots)):
        slot, value = slots[i], values[i]
        if np.isnan(value):
            missing[slot] += 1
            continue
        counts[slot] += 1
        if value > high[slot]:
            high[slot] = value
            records[slot] += counts[slot] > _EARLY
        if value < low[slot]:
            low[slot] = value
            records[slot] += counts[slot] > _EARLY
        x = names[i] + np.uint64(counts[slot]) * np.uint64(0xD1B54A32D192ED03)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        priority[i] = x ^ (x >> np.uint64(31))
