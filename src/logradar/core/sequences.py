"""Ragged integer sequences with multiplicity: logs repeat, so most work is done once.

HDFS holds 575,061 sessions but 26,814 distinct sequences. Detectors train and score on
distinct sequences with their counts and broadcast the result back by `Sequences.inverse`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]
_NONE = pa.array([], pa.list_(pa.int32()))
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))


@dataclass(frozen=True, eq=False)
class Sequences:
    """Rows of integers of unequal length: row ``i`` is ``values[offsets[i]:offsets[i + 1]]``.

    ``counts[i]`` says how many originals row ``i`` stands for, ``inverse[j]`` which row
    original ``j`` became.

    >>> s = Sequences.from_lists([[3, 4], [5], [3, 4]]).distinct()
    >>> len(s), s.counts.tolist(), s.inverse.tolist()
    (2, [2, 1], [0, 1, 0])
    """

    values: Ids
    offsets: Ints
    counts: Ints
    inverse: Ints

    @classmethod
    def of(cls, values: Ids, offsets: Ints) -> Sequences:
        """Every row stands for itself."""
        rows = len(offsets) - 1
        return cls(values, offsets, np.ones(rows, np.int64), np.arange(rows, dtype=np.int64))

    @classmethod
    def from_lists(cls, rows: list[list[int]]) -> Sequences:
        """From Python lists, for tests and small inputs."""
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        flat = [value for row in rows for value in row]
        return cls.of(np.array(flat, np.int32), offsets)

    @classmethod
    def from_arrow(cls, column: pa.ChunkedArray | pa.Array) -> Sequences:
        """From a ``list<int32>`` column; zero-copy when the column is one chunk."""
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [_NONE])
        lists = cast(pa.ListArray, column)
        offsets = lists.offsets.to_numpy().astype(np.int64, copy=False)
        values = lists.values.to_numpy(zero_copy_only=True)
        first, last = int(offsets[0]), int(offsets[-1])
        return cls.of(values[first:last], offsets - first if first else offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[Ids]:
        for start, end in zip(self.offsets[:-1], self.offsets[1:], strict=True):
            yield self.values[start:end]

    def __getitem__(self, row: int) -> Ids:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> Ints:
        """Length of every row."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> Ints:
        """For every value the row that it stands in."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    @property
    def positions(self) -> Ints:
        """For every value its place in its row, from 0."""
        return np.arange(len(self.values), dtype=np.int64) - np.repeat(self.offsets[:-1], self.lengths)

    def sums(self, values: npt.NDArray) -> npt.NDArray[np.float64]:
        """Sum of ``values`` (one per value of all rows) over each row; empty rows give 0."""
        total = np.concatenate([np.zeros(1), np.cumsum(values, dtype=np.float64)])
        sums: npt.NDArray[np.float64] = total[self.offsets[1:]] - total[self.offsets[:-1]]
        return sums

    def maxima(self, values: npt.NDArray) -> npt.NDArray[np.float64]:
        """Largest of ``values`` (one per value of all rows) in each row; empty rows give 0."""
        out = np.zeros(len(self), np.float64)
        filled = self.lengths > 0
        if filled.any():
            out[filled] = np.maximum.reduceat(values, self.offsets[:-1][filled])
        return out

    def fingerprints(self) -> npt.NDArray[np.uint64]:
        """A 64-bit hash per row that depends on values and order; empty rows hash to 0."""
        return self._hash(_ODD[0])

    def _hash(self, odd: np.uint64) -> npt.NDArray[np.uint64]:
        # A sum of mixed (value, position) pairs: order matters, and a row needs no loop.
        value = self.values.astype(np.uint64) + np.uint64(1)
        mixed = _mix(value * odd ^ _mix((self.positions.astype(np.uint64) + np.uint64(1)) * odd))
        total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
        sums: npt.NDArray[np.uint64] = total[self.offsets[1:]] - total[self.offsets[:-1]]
        return sums

    def concat(self, more: Sequences) -> Sequences:
        """All rows of both, in order, with their counts."""
        offsets = np.concatenate([self.offsets, more.offsets[1:] + self.offsets[-1]])
        counts = np.concatenate([self.counts, more.counts])
        values = np.concatenate([self.values, more.values])
        return Sequences(values, offsets, counts, np.arange(len(counts), dtype=np.int64))

    def take(self, rows: Ints) -> Sequences:
        """The named rows, each standing for itself."""
        lengths = self.lengths[rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        index = np.arange(offsets[-1], dtype=np.int64) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        return Sequences.of(self.values[index], offsets)

    def distinct(self) -> Sequences:
        """Equal rows become one, in order of first appearance, with counts and inverse.

        Rows are grouped by a 128-bit hash of their values in order.
        """
        keys = np.empty(len(self), dtype=[("a", np.uint64), ("b", np.uint64)])
        keys["a"], keys["b"] = self._hash(_ODD[0]), self._hash(_ODD[1])
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        weights = np.zeros(len(order), np.int64)
        np.add.at(weights, rank[inverse], self.counts)
        kept = self.take(first[order])
        return Sequences(kept.values, kept.offsets, weights, rank[inverse][self.inverse])

    def padded(self, rows: Ints, length: int | None = None, pad: int = 0) -> Ids:
        """The named rows as a matrix, padded at the end to ``length`` or to the longest of them."""
        lengths = self.lengths[rows]
        width = int(lengths.max(initial=0)) if length is None else length
        out = np.full((len(rows), width), pad, np.int32)
        column = np.arange(width)
        inside = column < np.minimum(lengths, width)[:, None]
        out[inside] = self.values[(self.offsets[:-1][rows][:, None] + column)[inside]]
        return out

    def windows(self, size: int, pad: int = 0) -> tuple[Ids, Ids]:
        """For every value the ``size`` values before it, and the value itself.

        Returns ``(history, target)`` of shapes ``(len(values), size)`` and ``(len(values),)``;
        places before the start of a row hold ``pad``.
        """
        position = self.positions
        history = np.full((len(self.values), size), pad, np.int32)
        for back in range(1, size + 1):
            inside = np.flatnonzero(position >= back)
            history[inside, size - back] = self.values[inside - back]
        return history, self.values


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """splitmix64's finaliser (Steele et al., OOPSLA 2014): every input bit moves every output bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
