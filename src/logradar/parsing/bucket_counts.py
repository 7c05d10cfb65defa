"""Bucket counts: how many records of each service and template fall into each bucket of time.

A bucket is over when the clock of the log is ``lateness`` past its end. A record that comes later is not counted, but
counted as late; whether it is late depends on the records before it alone, not on where batches end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.parsing.event_clock import UNKNOWN_TIME, Moments

Ints = npt.NDArray[np.int64]
_AHEAD: Final = 60  # buckets past the clock: what is further ahead has a wrong date, or comes after a long pause
_MOST_AHEAD: Final = 1_000  # records of that kind that are counted in all, so that wrong dates cost no memory
BEFORE: Final = -(1 << 62)  # in place of a bucket while the clock is not known


@dataclass(frozen=True)
class Cell:
    """Records of one service and template in one bucket: how many, and the first of them with its level (or -1)."""

    bucket: int
    service: str | None
    template: int
    count: int
    record: int
    level: int


@dataclass(frozen=True, eq=False)
class BucketCounts:
    """Cells as arrays, in order of their first record; ``service`` are places in ``services``.

    When a record comes, the buckets before one are over: ``closed`` are these, ascending; for each ``late`` and
    ``total`` count the records that came then. ``over`` and ``last`` are the bucket before which all are over, and the
    bucket of the clock, at the end; `BEFORE` where no record had a time.
    """

    bucket: Ints
    service: npt.NDArray[np.int32]
    template: npt.NDArray[np.int32]
    count: Ints
    record: Ints
    level: npt.NDArray[np.int8]
    services: list[str | None]
    closed: Ints
    late: Ints
    total: Ints
    over: int
    last: int

    def __len__(self) -> int:
        return len(self.bucket)

    def cells(self) -> Iterator[Cell]:
        """One after the other."""
        columns = (self.bucket, self.service, self.template, self.count, self.record, self.level)
        for bucket, service, *rest in zip(*(column.tolist() for column in columns), strict=True):
            yield Cell(bucket, self.services[service], *rest)


@dataclass(frozen=True, eq=False)
class BucketTable:
    """All cells of an input by bucket: those of ``buckets[i]`` are ``offsets[i]`` to ``offsets[i + 1]``.

    A cell has its place in ``keys`` (service and template) and a count. For each key ``level`` and ``record`` are those
    of its latest bucket. The cells may rest on disk.
    """

    buckets: Ints
    offsets: Ints
    place: npt.NDArray[np.int32]
    count: Ints
    keys: list[tuple[str | None, int]]
    level: npt.NDArray[np.int8]
    record: Ints

    def sums(self) -> Ints:
        """The records of each bucket."""
        total = np.concatenate([[0], np.cumsum(self.count)])
        return np.asarray(total[self.offsets[1:]] - total[self.offsets[:-1]])


class BucketCounter:
    """Counts records of one source in order of arrival; ``bucket`` and ``lateness`` are microseconds."""

    def __init__(self, bucket: int, lateness: int) -> None:
        self.bucket, self.lateness = bucket, lateness
        self.ahead = 0  # records so far that were far ahead of the clock

    def count(
        self,
        moments: Moments,
        service: pa.Array | pa.ChunkedArray,
        template: npt.NDArray[np.int32],
        record: Ints,
        level: pa.Array | pa.ChunkedArray | None = None,
    ) -> BucketCounts:
        """Counts of some records, whose columns are as in EVENTS."""
        codes, services = _coded(service)
        known = moments.times != UNKNOWN_TIME
        bucket = moments.times // self.bucket
        clocked = moments.clocks != UNKNOWN_TIME
        closed = np.where(clocked, (moments.clocks - self.lateness) // self.bucket, BEFORE)
        late = known & (bucket < closed)
        ahead = known & clocked & (bucket > moments.clocks // self.bucket + _AHEAD)
        if ahead.any():
            late |= ahead & (self.ahead + np.cumsum(ahead) > _MOST_AHEAD)
            self.ahead += int(ahead.sum())
        rows = np.flatnonzero(known & ~late)
        first, inverse = _first(bucket[rows], codes[rows], template[rows], len(services))
        chosen = rows[first]
        levels = np.full(len(rows), -1, np.int8)[first] if level is None else _levels(level)[chosen]
        at, place = np.unique(closed[known], return_inverse=True)
        return BucketCounts(
            bucket[chosen],
            codes[chosen],
            template[chosen],
            np.bincount(inverse, minlength=len(first)).astype(np.int64),
            record[chosen],
            levels,
            services,
            at,
            np.bincount(place, late[known], len(at)).astype(np.int64),
            np.bincount(place, minlength=len(at)).astype(np.int64),
            int(closed[-1]) if len(closed) else BEFORE,
            int(moments.clocks[-1] // self.bucket) if len(clocked) and clocked[-1] else BEFORE,
        )


def _first(
    bucket: Ints, service: npt.NDArray[np.int32], template: npt.NDArray[np.int32], services: int
) -> tuple[Ints, Ints]:
    """The place of the first record of each cell, ascending, and for each record which of these it belongs to."""
    if not len(bucket):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    _, number = np.unique(bucket, return_inverse=True)
    widest = int(template.max()) + 1
    key = (number * services + service) * widest + template
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse]


def _coded(column: pa.Array | pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], list[str | None]]:
    if isinstance(column, pa.ChunkedArray):
        column = (column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column).combine_chunks()
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    names: list[str | None] = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False).astype(np.int32)
    return codes, [*names, None]


def _levels(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int8]:
    values: npt.NDArray[np.int8] = column.fill_null(-1).to_numpy()
    return values
