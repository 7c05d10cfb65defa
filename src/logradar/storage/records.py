"""A corpus: what an input holds, on disk, as Parquet shards of bounded size.

Whatever the size of the input, only some batches are in memory; raw lines are fetched again by
record id when an alert needs them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logradar.core.errors import DataError
from logradar.core.memory import give_back
from logradar.core.outputs import require_apart
from logradar.core.progress import Progress, say
from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, conform, empty
from logradar.sources.opening.opening import InputSettings, Opened, Unit, open_input
from logradar.sources.radar.lines import EventLines
from logradar.storage.shards_writer import DAYS, QUARANTINE, READING, RECORDS, Store

Advance = Callable[[int], object]
EVENTS: Final = "events.parquet"  # what the event ids of a unit stand for


@dataclass
class Corpus:
    """LOG_RECORDS in the shards of ``store``; ``input`` are the settings with all that was found out filled in.

    ``kinds`` maps session keys to fault kinds where labels name them; ``reasons`` counts what
    could not be read, ``remarks`` are sentences on what was read doubtfully.
    """

    store: Store
    input: InputSettings
    source: str
    reasons: Mapping[str, int]
    kinds: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many log records there are."""
        return self.store.events

    @property
    def quarantined(self) -> int:
        """How many pieces of the input could not be read."""
        return sum(self.reasons.values())

    @property
    def shards(self) -> list[Path]:
        """The Parquet files, in order of record id."""
        return self.store.shards

    def scan(self, columns: list[str]) -> Iterator[pa.Table]:
        """The named columns, one row group at a time, in order of record id."""
        for shard in self.shards:
            with pq.ParquetFile(shard) as file:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group, columns=columns)

    def lines(self, record_ids: list[int]) -> pa.Table:
        """LOG_RECORDS of the given ids; only shards that can hold one of them are read."""
        wanted = np.asarray(record_ids, np.int64)
        ends = np.cumsum([shard.rows for note in self.store.notes for shard in note.shards])
        inside = np.unique(np.searchsorted(ends, wanted[(wanted >= 0) & (wanted < self.records)], side="right"))
        shards = self.shards
        if not len(inside):
            return empty(LOG_RECORDS)
        found = pl.scan_parquet([shards[number] for number in inside.tolist()], glob=False)
        found = found.filter(pl.col("record_id").is_in(pl.Series(wanted).implode()))
        return conform(found.collect().to_arrow(), LOG_RECORDS)


@contextmanager
def reading(
    spec: str, settings: InputSettings, folder: Path | None = None, *, collecting: Collect | None = None
) -> Iterator[Corpus]:
    """The corpus of INPUT ``spec``; kept in ``folder`` when given, else removed afterwards.

    ``collecting`` is another way to read than `collect`.
    """
    with opening(spec, settings, folder) as (opened, home):
        yield (collecting or collect)(opened, home)


@contextmanager
def opening(
    spec: str, settings: InputSettings, folder: Path | None = None, *, outputs: Iterable[Path | None] = ()
) -> Iterator[tuple[Opened, Path]]:
    """INPUT ``spec``, opened, and where its data can be kept: ``folder``, or one that is removed afterwards.

    Raises `InputError` where writing to one of ``outputs`` could change what is read (`require_apart`).
    """
    with tempfile.TemporaryDirectory(prefix="logradar-") as scratch:
        home = folder or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        if (home / READING).is_file():
            (home / QUARANTINE).unlink(missing_ok=True)
        with open_input(spec, settings, home / QUARANTINE) as opened:
            require_apart((folder, *outputs), _read_from(opened))
            yield opened, home


def _read_from(opened: Opened) -> list[Path]:
    """Every file that is read: of the input, but for what a pipe brought, its labels, and all of a prepared folder."""
    piped = opened.spec == "-" or Path(opened.spec).is_fifo()
    labels = [opened.labels.path] if opened.labels else []
    prepared = [path for path in opened.prepared.rglob("*") if path.is_file()] if opened.prepared else []
    return [*([] if piped else opened.files), *labels, *prepared]


def collect(opened: Opened, home: Path) -> Corpus:
    """Read an input as LOG_RECORDS into ``home``; what people should know is said on stderr."""
    store = Store(home, RECORDS, identity(opened))

    def read(number: int, unit: Unit, quarantine: Quarantine, advance: Advance) -> Iterable[pa.Table]:
        return opened.records(unit, store.events, quarantine, advance)

    reasons = read_units(opened, store, read, lambda table: table.num_rows)
    give_back()
    return Corpus(store, opened.settings, opened.source, reasons, opened.kinds, opened.remarks)


Collect = Callable[[Opened, Path], Corpus]


def read_by_one_machine(collecting: Collect | None) -> None:
    """Say that an input with event ids of its own is read here, where somebody asked for another way."""
    if collecting is not None:
        say("The input has sessions with event ids of their own; this machine reads it alone.")


def collect_days(opened: Opened, home: Path) -> tuple[Store, EventLines, dict[str, int]]:
    """Read an input that groups as DATED_SESSIONS into ``home``; with its event ids, and what could not be read."""
    store = Store(home, DAYS, identity(opened))

    def read(number: int, unit: Unit, quarantine: Quarantine, advance: Advance) -> Iterable[pa.Table]:
        lines = EventLines()
        for table in opened.sessions(unit, quarantine, advance):
            lines.add(table)
            yield table
        lines.save(store.beside(number, EVENTS))

    reasons = read_units(opened, store, read, lambda table: int(pc.sum(events_in(table)).as_py() or 0))
    whole = EventLines()
    for number in range(len(store.notes)):
        whole.merge(EventLines.load(store.beside(number, EVENTS)))
    if sentence := whole.sentence():
        say(sentence)
    return store, whole, reasons


def events_in(table: pa.Table) -> pa.ChunkedArray:
    """How many events each of DATED_SESSIONS has."""
    return pc.list_value_length(table["event_sequence"])


def read_units(
    opened: Opened,
    store: Store,
    read: Callable[[int, Unit, Quarantine, Advance], Iterable[pa.Table]],
    count: Callable[[pa.Table], int],
) -> dict[str, int]:
    """Read all units that an earlier run has not finished; what could not be read, by reason."""
    units = opened.units()
    todo: list[tuple[int, Unit]] = []
    with Progress("reading", opened.size, "B") as bar:
        for number, unit in enumerate(units):
            files = [(opened.name(file), file) for file in unit.files]
            note = store.earlier(number, files)
            if note is not None and not todo:
                store.keep(note)
                bar.total = (bar.total or 0) - unit.size
                continue
            todo.append((number, unit))
            quarantine = store.quarantine(number)
            note = store.write(number, files, read(number, unit, quarantine, bar.advance), count)
            note.reasons = dict(quarantine.reasons)
            note.labelled = opened.labels is not None and opened.labels.matched
            store.finish(number, note)
    return when_read(opened, store)


def when_read(opened: Opened, store: Store) -> dict[str, int]:
    """Close the store of an input whose units are all done, and say what people should know; faults by reason.

    Raises `InputError` and `DataError` where nothing was read or labels match nothing.
    """
    units = opened.units()
    store.close(len(units))
    reported = Quarantine(store.folder / QUARANTINE)
    reported.reasons.update(opened.quarantine.reasons)
    reported.reasons.update(store.reasons)
    opened.require_records(store.rows, reported, any(note.labelled for note in store.notes))
    if not store.events:
        raise DataError("The input holds no log record that could be read.")
    if store.kept:
        say(f"{store.kept} of {len(units)} pieces of the input were read by an earlier run and are taken as they are.")
    for sentence in (*opened.notes, reported.sentence()):
        if sentence:
            say(sentence)
    return dict(reported.reasons)


def identity(opened: Opened) -> dict[str, Any]:
    """All on which the shards of an input depend, but for its files."""
    labels = opened.labels
    return {
        "spec": opened.spec,
        "input": opened.settings.for_others().model_dump(mode="json"),
        "labels": [str(labels.path), labels.path.stat().st_mtime_ns] if labels else opened.settings.use_labels,
        "format": 1,
    }
