"""Bucket store: the counts of a whole input in order of time, whatever order its files were read in.

Where they are many they rest on disk, so that memory grows with neither the records nor the time that they cover.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, starmap
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.parsing.bucket_counts import BEFORE, BucketCounts, BucketTable, Cell

_ROWS: Final = 250_000  # cells in memory; putting them in order takes several times as much
_STRETCH: Final = 1_440  # buckets that are read together
_CELLS: Final = {
    "bucket": pl.Int64,
    "service": pl.String,
    "template": pl.Int32,
    "count": pl.Int64,
    "record": pl.Int64,
    "level": pl.Int8,
}


class BucketStore:
    """Takes in `BucketCounts` of any source in any order; files go to ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[pl.DataFrame] = []
        self._rows = 0
        self._files: list[Path] = []
        self._stretches: set[int] = set()
        self.tally: dict[int, tuple[int, int]] = {}  # late records and all records, by the bucket that was over
        self.last = BEFORE

    def add(self, counts: BucketCounts) -> None:
        """Some more counts; equal cells are added up."""
        self._tell(zip(counts.closed.tolist(), counts.late.tolist(), counts.total.tolist(), strict=True), counts.last)
        if not len(counts):
            return
        services = pl.Series(counts.services, dtype=pl.String)
        frame = pl.DataFrame(
            {
                "bucket": counts.bucket,
                "service": services.gather(counts.service),
                "template": counts.template,
                "count": counts.count,
                "record": counts.record,
                "level": counts.level,
            },
            schema=_CELLS,
        )
        self._put(frame)

    def merge(self, frames: Iterable[pl.DataFrame], tally: Iterable[tuple[int, int, int]], last: int) -> None:
        """Add what another store counted of other sources: its `frames`, its ``tally`` as rows, and its ``last``."""
        for frame in frames:
            if len(frame):
                self._put(frame)
        self._tell(tally, last)

    def _tell(self, tally: Iterable[tuple[int, int, int]], last: int) -> None:
        for closed, late, total in tally:
            before = self.tally.get(closed, (0, 0))
            self.tally[closed] = before[0] + late, before[1] + total
        self.last = max(self.last, last)

    def _put(self, frame: pl.DataFrame) -> None:
        self._stretches.update((frame["bucket"] // _STRETCH).unique().to_list())
        self._waiting.append(frame)
        self._rows += len(frame)
        if self._rows > _ROWS:
            self._waiting = [_merged(pl.concat(self._waiting))]
            self._rows = len(self._waiting[0])
            if self._rows > _ROWS // 2:
                self._spill()

    def _spill(self) -> None:
        path = self._folder / f"rates-{len(self._files):05}.parquet"
        self._waiting[0].write_parquet(path, row_group_size=50_000)
        self._files.append(path)
        self._waiting, self._rows = [], 0

    def frames(self, together: int = 1) -> Iterator[pl.DataFrame]:
        """All cells in order of bucket and first record, some hundred buckets at a time.

        ``together`` makes so many buckets one.
        """
        waiting = pl.concat([pl.DataFrame(schema=_CELLS), *self._waiting])
        left = pl.DataFrame(schema=_CELLS)  # of a bucket that may go on
        for stretch in sorted(self._stretches):
            inside = pl.col("bucket").is_between(stretch * _STRETCH, (stretch + 1) * _STRETCH, closed="left")
            found = [waiting.filter(inside)]
            if self._files:
                found.append(pl.scan_parquet(self._files, glob=False).filter(inside).collect())
            frame = _merged(pl.concat([left, pl.concat(found).with_columns(pl.col("bucket") // together)]))
            open_ = frame["bucket"] == frame["bucket"].max()
            left = frame.filter(open_)
            yield frame.filter(~open_)
        yield left

    def buckets(self) -> Iterator[tuple[int, list[Cell]]]:
        """The buckets that have records, in order of time, each with its cells in order of their first record."""
        place = list(_CELLS).index("bucket")
        for frame in self.frames():
            for bucket, rows in groupby(frame.iter_rows(), key=itemgetter(place)):
                yield bucket, list(starmap(Cell, rows))

    def table(self, together: int = 1) -> BucketTable:
        """All cells by bucket, on disk where they are many."""
        buckets, offsets = list[npt.NDArray[np.int64]](), list[npt.NDArray[np.int64]]()
        keys: dict[tuple[str | None, int], int] = {}
        level, record = list[int](), list[int]()
        cells = 0
        with TemporaryFile(dir=self._folder) as places, TemporaryFile(dir=self._folder) as counts:
            for frame in self.frames(together):
                if not len(frame):
                    continue
                last = frame.group_by("service", "template", maintain_order=True).agg(pl.col("level", "record").last())
                for service, template, *rest in last.iter_rows():
                    place = keys.setdefault((service, template), len(keys))
                    if place == len(level):
                        level.append(0)
                        record.append(0)
                    level[place], record[place] = rest
                known = last.select("service", "template").with_columns(
                    place=pl.Series(
                        [keys[row] for row in last.select("service", "template").iter_rows()], dtype=pl.Int32
                    )
                )
                joined = frame.join(known, on=["service", "template"], nulls_equal=True, maintain_order="left")
                places.write(joined["place"].to_numpy().tobytes())
                counts.write(joined["count"].to_numpy().tobytes())
                number = frame["bucket"].to_numpy()
                first = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
                buckets.append(number[first])
                offsets.append(first + cells)
                cells += len(frame)
            place = _column(places, np.int32, cells)
            return BucketTable(
                np.concatenate([np.empty(0, np.int64), *buckets]),
                np.concatenate([*offsets, np.array([cells])]).astype(np.int64),
                place,
                _column(counts, np.int64, cells),
                list(keys),
                np.array(level, np.int8),
                np.array(record, np.int64),
            )


def _column(file: IO[bytes], kind: type[np.generic], rows: int) -> Any:
    """What was written to ``file``, read when it is needed."""
    file.flush()
    return np.memmap(file, kind, "r", shape=(rows,)) if rows else np.empty(0, kind)


def _merged(frame: pl.DataFrame) -> pl.DataFrame:
    """Each cell once, in order of bucket and first record."""
    each = [pl.col("count").sum(), pl.col("record").first(), pl.col("level").first()]
    merged = frame.sort("record").group_by("bucket", "service", "template").agg(each)
    return merged.select(list(_CELLS)).sort("bucket", "record")
