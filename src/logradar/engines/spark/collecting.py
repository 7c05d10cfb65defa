"""Collecting: an input becomes LOG_RECORDS on disk, each unit by an executor; what follows is as on one machine.

Templates are mined and sessions are split by the driver, in order of the records, so a bundle is that of one machine
(decision 0038). The folder to which is written must be one that every node sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from logradar.core.errors import ConfigError, InputError, LogRadarError
from logradar.engines.spark.cluster import Engine, connected, require_spark
from logradar.engines.spark.messages import FAULT, READ, SCHEMA, Message, batches_of, document, said
from logradar.sources.opening.opening import Opened, Unit
from logradar.storage.records import Collect, Corpus, identity, when_read
from logradar.storage.shards_writer import RECORDS, Note, Store

WAVE: Final = 512  # units that are read before they count as done


@dataclass(frozen=True)
class UnitWriter:
    """Reads units of an input and writes their shards, with record ids that count from 0 in each unit."""

    opened: Opened
    store: Store
    units: list[tuple[int, Unit]]  # with their numbers, as the driver sees them: a file may grow meanwhile

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Messages with the notes of the units at the places that come in."""
        for place in (place for batch in batches for place in batch.column(0).to_pylist()):
            number, unit = self.units[place]
            try:
                yield from batches_of([Message(0, number, 0, READ, self._written(number, unit))])
            except (LogRadarError, OSError) as error:
                yield from batches_of([Message(0, number, 0, FAULT, said(sentence=str(error)))])

    def _written(self, number: int, unit: Unit) -> bytes:
        opened, store = self.opened, self.store
        if not store.folder.is_dir():
            raise InputError(f"'{store.folder}' is not on this node; set TMPDIR to a folder that every node sees.")
        quarantine = store.quarantine(number)
        tables = opened.records(unit, 0, quarantine, lambda count: None)
        note = store.write(number, [(opened.name(file), file) for file in unit.files], tables, lambda table: len(table))
        note.reasons = dict(quarantine.reasons)
        note.labelled = opened.labels is not None and opened.labels.matched
        kinds = {} if opened.labels is not None else opened.kinds
        return said(note=asdict(note), remarks=opened.counted.rows(), kinds=kinds)


@dataclass(frozen=True)
class UnitNumberer:
    """Gives the records of units the ids that they have in the whole input; ``first`` is that of each unit."""

    store: Store
    notes: list[Note]
    first: list[int]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Messages with the shards of the units at the places that come in."""
        for place in (place for batch in batches for place in batch.column(0).to_pylist()):
            shards, first = [], self.first[place]
            for shard in self.notes[place].shards:
                shards.append(asdict(self.store.renumber(shard, first)))
                first += shard.rows
            yield from batches_of([Message(0, place, 0, READ, said(shards=shards))])


def collecting_on(engine: str | None) -> Collect | None:
    """What reads records on the engine that the text names; None for no engine.

    Raises `ConfigError` for another engine, `EngineError` where Spark is not installed.
    """
    if engine is None:
        return None
    named = Engine.of(engine)
    require_spark()
    return lambda opened, home: collect_on_spark(named, opened, home)


def collect_on_spark(engine: Engine, opened: Opened, home: Path) -> Corpus:
    """The corpus that `logradar.storage.records.collect` makes, read by the executors into ``home``.

    Units that an earlier run has finished are taken as they are. Raises `InputError` where a node cannot read its
    files or write to ``home``, `EngineError` where Spark fails.
    """
    if opened.spec == "-" or Path(opened.spec).is_fifo():
        raise ConfigError("Other machines cannot read a pipe; write the log to a file, or leave out --engine.")
    store = Store(home.absolute(), RECORDS, identity(opened), workers=1)
    units = opened.units()
    todo = list(range(len(units)))
    while todo and (note := store.earlier(todo[0], [(opened.name(f), f) for f in units[todo[0]].files])) is not None:
        store.keep(note)
        todo.pop(0)
    if todo:
        with connected(engine) as session:
            for begin in range(0, len(todo), WAVE):
                _wave(session, opened, store, [(number, units[number]) for number in todo[begin : begin + WAVE]])
    reasons = when_read(opened, store)
    return Corpus(store, opened.settings, opened.source, reasons, opened.kinds, opened.remarks)


def _wave(session: Any, opened: Opened, store: Store, units: list[tuple[int, Unit]]) -> None:
    """Read some units; from here on a run that is started again takes them as they are."""
    found = {one.unit: document(one.payload) for one in _ran(session, UnitWriter(opened, store, units), len(units))}
    notes = [Store.note_of(found[number]["note"]) for number, _ in units]
    first = list(accumulate((note.events for note in notes), initial=store.events))
    later = [place for place, start in enumerate(first[:-1]) if start]
    numberer = UnitNumberer(store, [notes[place] for place in later], [first[place] for place in later])
    for one in _ran(session, numberer, len(later)):
        place = later[one.unit]
        notes[place] = Store.note_of({**asdict(notes[place]), "shards": document(one.payload)["shards"]})
    for (number, _), note in zip(units, notes, strict=True):
        opened.read_elsewhere(found[number]["remarks"], found[number]["kinds"])
        store.finish(number, note)


def _ran(session: Any, task: UnitWriter | UnitNumberer, count: int) -> list[Message]:
    """The messages of ``count`` tasks. Raises `InputError` for the first fault."""
    if not count:
        return []
    rows = session.range(0, count, 1, count).mapInArrow(task, SCHEMA).collect()
    found = [Message(row["part"], row["unit"], row["seq"], row["kind"], bytes(row["payload"])) for row in rows]
    for one in found:
        if one.kind == FAULT:
            raise InputError(document(one.payload)["sentence"])
    return found
