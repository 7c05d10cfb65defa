"""Parameters of very many records, brought from the order of records into that of sessions on disk.

Records go to files by the stretch of sessions that they belong to; a stretch is then put in order
in memory. What stays in memory is one stretch.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.disk_column import DiskColumn
from logradar.core.sequences import Sequences
from logradar.core.shards import Shards
from logradar.core.tables import EVENTS
from logradar.storage.shards_writer import CODEC

STRETCH: Final = 1_000_000  # records that are put in order together
_SCHEMA: Final = pa.schema([pa.field("record_id", pa.int64()), EVENTS.field("parameters")])


class ParametersOnDisk:
    """Takes parameters in order of record (`add`) and gives them back in order of ``sessions`` (`tables`)."""

    def __init__(self, records: int, sessions: Shards, folder: Path) -> None:
        self._folder = folder
        self._sizes: list[list[int]] = [[]]  # of each stretch the records of each batch of sessions
        self._stretch = DiskColumn(folder / "stretches.bin", np.int32, records)  # counts from 1; 0: in no session
        self._place = DiskColumn(folder / "places.bin", np.int32, records)
        for table in _batches(sessions):
            ids = Sequences.from_arrow(table["record_ids"]).values
            if sum(self._sizes[-1]) + len(ids) > STRETCH and self._sizes[-1]:
                self._sizes.append([])
            self._stretch.values[ids] = len(self._sizes)
            self._place.values[ids] = sum(self._sizes[-1]) + np.arange(len(ids))
            self._sizes[-1].append(len(ids))
            self._release()
        self._writers: dict[int, pq.ParquetWriter] = {}

    def add(self, start: int, parameters: pa.Array) -> None:
        """Take in the parameters of the records from ``start`` on."""
        stretches = self._stretch.values[start : start + len(parameters)] - 1
        for stretch in np.unique(stretches[stretches >= 0]).tolist():
            rows = np.flatnonzero(stretches == stretch)
            if stretch not in self._writers:
                self._writers[stretch] = pq.ParquetWriter(self._path(stretch), _SCHEMA, **CODEC)
            found = parameters.take(pa.array(rows))
            self._writers[stretch].write_table(pa.table([pa.array(start + rows), found], schema=_SCHEMA))
        self._release()

    def tables(self) -> Iterator[pa.Array]:
        """Parameters in order of sessions, one array for each batch of sessions that was read in the beginning."""
        for writer in self._writers.values():
            writer.close()
        for stretch, sizes in enumerate(self._sizes):
            if stretch not in self._writers:
                yield from (pa.nulls(size, EVENTS.field("parameters").type) for size in sizes)
                continue
            table = pq.read_table(self._path(stretch)).combine_chunks()
            self._path(stretch).unlink()
            place = np.asarray(self._place.values[table["record_id"].to_numpy()])
            order = np.empty(sum(sizes), np.int64)
            order[place] = np.arange(len(place))
            found = table["parameters"].combine_chunks().take(pa.array(order))
            for begin, end in pairwise(np.cumsum([0, *sizes]).tolist()):
                yield found.slice(begin, end - begin)

    def _release(self) -> None:
        self._stretch.release()
        self._place.release()

    def _path(self, stretch: int) -> Path:
        return self._folder / f"values-{stretch:05}.parquet"


def _batches(sessions: Shards) -> Iterator[pa.Table]:
    """The batches in which all columns of these sessions are read, file by file."""
    for path in sessions.files:
        yield from Shards.of([path]).tables(["record_ids"])
