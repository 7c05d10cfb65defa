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

from logradar.core.tables import PADDING

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]
_NONE = pa.array([], pa.list_(pa.int32()))
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Sequences:
    """Rows of integers of unequal length: row ``i`` is ``values[offsets[i]:offsets[i + 1]]``.

    ``counts[i]`` is the number of original rows that are equal to row ``i``, ``inverse[j]`` the row that
    original row ``j`` became.

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
        """Rows that are not reduced: each has the count 1."""
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
        """For every value the number of its row."""
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
        from logradar.core.ragged_kernels import hashed

        return hashed(self.values, self.offsets, _MULTIPLIER)

    def concat(self, *more: Sequences) -> Sequences:
        """All rows of all of them, in order, with their counts."""
        every = (self, *more)
        offsets = np.zeros(sum(map(len, every)) + 1, np.int64)
        np.cumsum(np.concatenate([part.lengths for part in every]), out=offsets[1:])
        counts = np.concatenate([part.counts for part in every])
        values = np.concatenate([part.values for part in every])
        return Sequences(values, offsets, counts, np.arange(len(counts), dtype=np.int64))

    def take(self, rows: Ints) -> Sequences:
        """The named rows, each with the count 1."""
        from logradar.core.ragged_kernels import picked

        return Sequences.of(*picked(self.values, self.offsets, np.asarray(rows, np.int64)))

    def part(self, start: int, stop: int) -> Sequences:
        """Rows ``start`` to ``stop`` with their counts; nothing is copied but the offsets."""
        first, last = int(self.offsets[start]), int(self.offsets[stop])
        rows = Sequences.of(self.values[first:last], self.offsets[start : stop + 1] - first)
        return Sequences(rows.values, rows.offsets, self.counts[start:stop], rows.inverse)

    def parts(self, size: int) -> Iterator[tuple[slice, Sequences]]:
        """Runs of whole rows with about ``size`` values each (one row at least), with the slice that they are."""
        start = 0
        while start < len(self):
            beyond = int(np.searchsorted(self.offsets, self.offsets[start] + size, side="right")) - 1
            stop = min(max(beyond, start + 1), len(self), start + size)
            yield slice(start, stop), self.part(start, stop)
            start = stop

    def distinct(self) -> Sequences:
        """Equal rows become one, in order of first appearance, with counts and inverse."""
        from logradar.core.ragged_kernels import grouped

        first, counts, inverse = grouped(self.values, self.offsets, self.fingerprints(), self.counts)
        kept = self.take(first)
        return Sequences(kept.values, kept.offsets, counts, inverse[self.inverse])

    def sorted(self) -> Sequences:
        """Each row in ascending order, with its count: equal if two rows hold the same values equally often."""
        from logradar.core.ragged_kernels import ordered

        values = self.values[ordered(self.values, self.offsets)]
        return Sequences(values, self.offsets, self.counts, np.arange(len(self), dtype=np.int64))

    def closed(self) -> Sequences:
        """Each row with `PADDING` as its start and its end, with its count."""
        values = np.full(len(self.values) + 2 * len(self), PADDING, np.int32)
        values[np.arange(len(self.values)) + 2 * self.rows + 1] = self.values
        offsets = self.offsets + 2 * np.arange(len(self) + 1)
        return Sequences(values, offsets, self.counts, np.arange(len(self), dtype=np.int64))

    def runs(self) -> tuple[Ints, Ints]:
        """Every value and the one before it in its row, as ``before << 32 | value``, and the row of each."""
        rows = self.rows
        inside = rows[1:] == rows[:-1]
        return self.values[:-1][inside].astype(np.int64) << 32 | self.values[1:][inside], rows[1:][inside]

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
