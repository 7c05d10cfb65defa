"""Rows that were seen in training: hashes of all of them, and as many rows with counts as fit in memory."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.columns import Columns
from logradar.core.distinct import Distinct
from logradar.core.sequences import Sequences

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


class SeenRows:
    """Distinct rows seen in training; more can be learnt later.

    ``rows`` are those rows with their counts, in the order of the corpus: all of them, or the
    ``most`` frequent where the corpus does not fit in memory. Whether a row was seen is always known: each
    costs the 8 bytes of its hash.
    """

    def __init__(self, rows: Sequences, hashes: Hashes) -> None:
        self.rows = rows
        self._old, self._new = np.sort(hashes), np.empty(0, np.uint64)
        own = rows.fingerprints()
        self._order = np.argsort(own, kind="stable")
        self._sorted = own[self._order]

    @classmethod
    def of(cls, distinct: Distinct, most: int) -> SeenRows:
        """All rows of ``distinct``; where it is on disk only the ``most`` frequent are kept as rows."""
        if distinct.whole is not None:
            return cls(distinct.whole, distinct.whole.fingerprints())
        hashes, frequent = [], Sequences.from_lists([])
        for chunk in distinct.chunks():
            hashes.append(chunk.fingerprints())
            frequent = most_frequent(frequent.concat(chunk), most)
        return cls(frequent, np.concatenate(hashes))

    @property
    def hashes(self) -> Hashes:
        """The hashes of all rows ever learnt, sorted."""
        if len(self._new):
            self._old, self._new = np.union1d(self._old, self._new), np.empty(0, np.uint64)
        return self._old

    def has(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """For each hash of a row whether that row was learnt."""
        return _among(self._old, hashes) | _among(self._new, hashes)

    def times(self, hashes: Hashes) -> Ints:
        """For each hash of a row how often that row was learnt; 1 where it is not kept as a row."""
        counts = np.ones(len(hashes), np.int64)
        held = _among(self._sorted, hashes)
        counts[held] = self.rows.counts[self._order[np.searchsorted(self._sorted, hashes[held])]]
        return counts

    def learn(self, more: Sequences) -> None:
        """Learn more distinct rows: counts of kept rows are added up, new rows are kept as well."""
        hashes = more.fingerprints()
        place = np.searchsorted(self._sorted, hashes)
        held = _among(self._sorted, hashes)
        counts = self.rows.counts.copy()
        counts[self._order[place[held]]] += more.counts[held]
        fresh = np.flatnonzero(~held & ~self.has(hashes))
        before = len(self.rows)
        added = more.take(fresh)
        joined = self.rows.concat(added)
        counts = np.concatenate([counts, more.counts[fresh]])
        self.rows = Sequences(joined.values, joined.offsets, counts, joined.inverse)
        self._new = np.union1d(self._new, hashes[fresh])
        order = np.argsort(hashes[fresh], kind="stable")
        at = np.searchsorted(self._sorted, hashes[fresh][order])
        self._order = np.insert(self._order, at, before + order)
        self._sorted = np.insert(self._sorted, at, hashes[fresh][order])

    def save(self, rows: Path, hashes: Path, most: int) -> None:
        """Write the ``most`` frequent rows with their counts, and all hashes, as Parquet."""
        kept = most_frequent(self.rows, most)
        offsets = cast(pa.Int64Array, pa.array(kept.offsets))
        lists = pa.LargeListArray.from_arrays(offsets, pa.array(kept.values, pa.int32()))
        pq.write_table(pa.table({"row": lists, "count": kept.counts}), rows, compression="zstd")
        pq.write_table(pa.table({"hash": self.hashes}), hashes, compression="zstd", use_dictionary=False)

    @classmethod
    def load(cls, rows: Path, hashes: Path) -> SeenRows:
        """What `save` wrote; `ValueError` where there is no row, or one whose hash is not among the hashes."""
        kept = Columns(rows).only("row", "count").sequences("row", counts="count")
        seen = cls(kept, Columns(hashes).only("hash").numbers("hash", np.uint64, ascending="evenly"))
        if not len(kept) or not _among(seen._old, seen._sorted).all():
            raise ValueError(f"{rows.name} has no row, or one that {hashes.name} does not know")
        return seen

    def require(self, known: npt.NDArray[np.int32], ascending: bool) -> None:
        """`ValueError` where a kept row has a value that is not in ``known``, or is not in ``ascending`` order."""
        if not np.isin(self.rows.values, known).all():
            raise ValueError("a normal session has a template that no training session has")
        if ascending and ((np.diff(self.rows.values) < 0) & (np.diff(self.rows.rows) == 0)).any():
            raise ValueError("the templates of a normal session are not in order")


def most_frequent(rows: Sequences, most: int) -> Sequences:
    """The ``most`` rows with the highest counts (the first of equal ones), in their order, with their counts."""
    if len(rows) <= most:
        return rows
    chosen = np.sort(np.argsort(-rows.counts, kind="stable")[:most])
    kept = rows.take(chosen)
    return Sequences(kept.values, kept.offsets, rows.counts[chosen], kept.inverse)


def _among(known: Hashes, hashes: Hashes) -> npt.NDArray[np.bool_]:
    """For each hash whether it is among the sorted ``known``."""
    if not len(known):
        return np.zeros(len(hashes), bool)
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    same: npt.NDArray[np.bool_] = known[place] == hashes
    return same
