"""Pieces: what a task reads of an input, cut by session key, so that each session comes to one partition whole."""

from __future__ import annotations

import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from logradar.core.errors import LogRadarError
from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS
from logradar.engines.spark.messages import CELLS, FAULT, READ, RECORDS, Message, batches_of, packed, said
from logradar.engines.spark.sealed_bundle import SealedBundle
from logradar.model.bundle import Bundle
from logradar.parsing.event_clock import EventClock
from logradar.parsing.events import events
from logradar.parsing.templates import TemplateMiner
from logradar.sources.opening.opening import Opened, Unit
from logradar.storage.rate_counting import RateCounting

PLACED: Final = 1 << 36  # record ids of a unit begin at its number times this
COLUMNS: Final = pa.schema(  # what goes to the partitions: LOG_RECORDS with their moments and templates
    [
        *LOG_RECORDS,
        pa.field("time", pa.int64()),
        pa.field("clock", pa.int64()),
        pa.field("shift", pa.int64()),
        pa.field("template_id", pa.int32()),
    ]
)
_TOGETHER: Final = 200_000  # records that are cut together


@dataclass(frozen=True)
class PieceReader:
    """Reads the chains of units of an input; a row is one of ``parts``, by the hash of what its session goes by."""

    opened: Opened
    units: list[Unit]  # as the driver sees them: a file may grow meanwhile
    bundle: SealedBundle
    chains: list[list[int]]
    parts: list[int]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Messages of the chains whose numbers come in; it is what `DataFrame.mapInArrow` calls."""
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from batches_of(self._guarded(self.chains[number]))

    def _guarded(self, chain: list[int]) -> Iterator[Message]:
        try:
            yield from self._chain(chain)
        except (LogRadarError, OSError) as error:
            yield Message(self.parts[0], chain[0], 0, FAULT, said(sentence=str(error)))

    def _chain(self, chain: list[int]) -> Iterator[Message]:
        bundle, opened = self.bundle.load(), self.opened
        clock, seq = EventClock(), 0
        reasons: Counter[str] = Counter()
        counts: dict[int, int] = {}
        with tempfile.TemporaryDirectory(prefix="logradar-") as home:
            counting = _counting(bundle, Path(home))
            for number in chain:
                quarantine = Quarantine()
                waiting: list[pa.Table] = []
                for table in opened.records(self.units[number], number * PLACED, quarantine, lambda count: None):
                    counts[number] = counts.get(number, 0) + len(table)
                    waiting.append(_placed(table, bundle, clock, counting))
                    if sum(map(len, waiting)) >= _TOGETHER:
                        yield from self._cut(waiting, bundle, number, seq)
                        waiting, seq = [], seq + 1
                yield from self._cut(waiting, bundle, number, seq)
                seq += 1
                reasons.update(quarantine.reasons)
            facts = said(records=list(counts.items()), reasons=dict(reasons), remarks=opened.counted.rows())
            yield Message(self.parts[0], chain[0], 0, READ, facts)
            yield from self._cells(counting, chain[0])

    def _cut(self, tables: list[pa.Table], bundle: Bundle, unit: int, seq: int) -> Iterator[Message]:
        """The records by part, each part in order."""
        if not tables:
            return
        table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
        for number, own in cut(table, bundle.settings.sessions.by, len(self.parts)):
            yield Message(self.parts[number], unit, seq, RECORDS, packed(own))

    def _cells(self, counting: RateCounting | None, unit: int) -> Iterator[Message]:
        """What was counted for rates."""
        if counting is None:
            return
        store = counting.store
        tally = [(closed, *both) for closed, both in store.tally.items()]
        facts = said(tally=tally, last=store.last).decode()
        for number, frame in enumerate([pl.DataFrame(), *store.frames()]):
            if number == 0 or len(frame):
                table = frame.to_arrow().replace_schema_metadata({"rates": facts if number == 0 else "{}"})
                yield Message(self.parts[0], unit, number, CELLS, packed(table))


def _counting(bundle: Bundle, home: Path) -> RateCounting | None:
    profile = bundle.rates
    return None if profile is None else RateCounting(profile.bucket, profile.lateness, home)


def _placed(table: pa.Table, bundle: Bundle, clock: EventClock, counting: RateCounting | None) -> pa.Table:
    """LOG_RECORDS with the columns that only the records before them decide, and their templates."""
    miner = bundle.miner
    assert isinstance(miner, TemplateMiner)
    moments = clock.read(table["source"], table["timestamp"])
    ids = miner.match(miner.without_keys(table["body"], table["session_key"]))
    if counting is not None:
        counting.add(events(table, ids), table["source"])
    columns = [moments.times, moments.clocks, moments.shifts, ids]
    return pa.Table.from_arrays([*table.columns, *map(pa.array, columns)], schema=COLUMNS)


def cut(table: pa.Table, by: str, parts: int) -> Iterator[tuple[int, pa.Table]]:
    """The records of a table by part (see `_parts`), each part in order; parts without records are left out."""
    place = _parts(table, by, parts)
    order = np.argsort(place, kind="stable")
    table, bounds = table.take(pa.array(order)), np.searchsorted(place[order], np.arange(parts + 1))
    for number in np.flatnonzero(np.diff(bounds)).tolist():
        yield number, _small(table.slice(int(bounds[number]), int(bounds[number + 1] - bounds[number])))


def _parts(table: pa.Table, by: str, parts: int) -> npt.NDArray[np.int64]:
    """For each record the number of its part: by its session key, or its service where it goes into windows.

    The hash is CRC-32, which is the same on every machine.
    """
    service = hashes(table["service"], b"service ") % parts
    if by != "key":
        return service
    keys = table["session_key"].combine_chunks()
    return np.where(keys.is_valid().to_numpy(zero_copy_only=False), hashes(keys, b"key ") % parts, service)


def hashes(column: pa.Array | pa.ChunkedArray, kind: bytes) -> npt.NDArray[np.int64]:
    """CRC-32 of each name behind ``kind``; a missing one is as an empty one."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    names = [*coded.dictionary.to_pylist(), ""]
    known = np.array([zlib.crc32(kind + (name or "").encode()) for name in names], np.int64)
    found: npt.NDArray[np.int64] = known[coded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)]
    return found


def _small(table: pa.Table) -> pa.Table:
    """The same with dictionaries of the names that it has, not those of all files."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            plain = table.column(place).cast(pa.string())
            table = table.set_column(place, field, plain.dictionary_encode())
    return table
