"""Day files to be scored: a stream of sessions, or a corpus on disk where they are needed more than once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logradar.core.progress import Progress, say
from logradar.core.quarantine import Quarantine
from logradar.core.sequences import Sequences
from logradar.core.tables import LOG_RECORDS, SESSIONS, conform, empty
from logradar.parsing.template_source import TemplateSource
from logradar.sources.opening.opening import Opened
from logradar.sources.radar.dated import sessions_of
from logradar.storage.records import collect_days, events_in
from logradar.storage.shards_writer import Store

_PLAIN = ("original_logs",)  # what is not needed to score


@dataclass(frozen=True)
class Piece:
    """Some sessions of a day file: ``dated`` as they were read, ``sessions`` (with events) as SESSIONS."""

    dated: pa.Table
    sessions: pa.Table
    first_record: int

    @property
    def records(self) -> int:
        """How many events they have."""
        return int(pc.sum(pc.list_value_length(self.sessions["template_ids"])).as_py() or 0)

    def lines(self, record_ids: list[int]) -> pa.Table:
        """LOG_RECORDS of the given ids."""
        return lines_of(self.dated, self.first_record, record_ids)


@dataclass
class DayStream:
    """Day files read once, piece by piece; the counts are complete when all is read."""

    opened: Opened
    templates: TemplateSource
    records: int = 0
    sessions: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """How many pieces of the input could not be read."""
        return sum(self.reasons.values())

    def pieces(self, quarantine: Path) -> Iterator[Piece]:
        """All sessions that have events; what cannot be read is listed in file ``quarantine``."""
        bad = Quarantine(quarantine)
        dropped = 0
        with Progress("detecting", self.opened.size, "B") as bar:
            for unit in self.opened.units():
                for table in self.opened.sessions(unit, bad, bar.advance):
                    dated = table.filter(pc.greater(events_in(table), 0))
                    dropped += table.num_rows - dated.num_rows
                    if dated.num_rows:
                        sessions = self.templates.known_in(sessions_of(dated, self.records))
                        piece = Piece(dated, sessions, self.records)
                        self.records += piece.records
                        self.sessions += dated.num_rows
                        yield piece
        self.reasons = dict(bad.reasons + self.opened.quarantine.reasons)
        reported = Quarantine()
        reported.reasons.update(self.reasons)
        self.opened.require_records(self.records, reported)
        for sentence in (*self.opened.notes, reported.sentence(), _dropped(dropped)):
            if sentence:
                say(sentence)


@dataclass
class DayCorpus:
    """Day files on disk as DATED_SESSIONS, with the face of a `Corpus` for who measures."""

    store: Store
    source: str
    reasons: Mapping[str, int]
    kinds: dict[str, str]

    @classmethod
    def collect(cls, opened: Opened, home: Path) -> DayCorpus:
        """Read an input that groups into ``home``."""
        store, _, reasons = collect_days(opened, home)
        return cls(store, opened.source, reasons, opened.kinds)

    @property
    def records(self) -> int:
        """How many events there are."""
        return self.store.events

    @property
    def quarantined(self) -> int:
        """How many pieces of the input could not be read."""
        return sum(self.reasons.values())

    def sessions(self, templates: TemplateSource) -> pa.Table:
        """SESSIONS of all that have events, in memory."""
        found = [templates.known_in(piece.sessions) for piece in self._pieces(plain=True)]
        whole = pa.concat_tables([empty(SESSIONS), *found]).unify_dictionaries()
        if len(whole) < self.store.rows:
            say(_dropped(self.store.rows - len(whole)))
        return whole

    def lines(self, record_ids: list[int]) -> pa.Table:
        """LOG_RECORDS of the given ids."""
        wanted = np.unique(np.asarray(record_ids, np.int64))
        found = [empty(LOG_RECORDS)]
        for piece in self._pieces(plain=False):
            inside = wanted[(wanted >= piece.first_record) & (wanted < piece.first_record + piece.records)]
            if len(inside):
                found.append(piece.lines(inside.tolist()))
        return pa.concat_tables(found).unify_dictionaries()

    def _pieces(self, plain: bool) -> Iterator[Piece]:
        first = 0
        for path in self.store.shards:
            with pq.ParquetFile(path) as file:
                names = [name for name in file.schema_arrow.names if not (plain and name in _PLAIN)]
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group, columns=names)
                    table = table.filter(pc.greater(events_in(table), 0))
                    if table.num_rows:
                        piece = Piece(table, sessions_of(table, first), first)
                        yield piece
                        first += piece.records


def lines_of(dated: pa.Table, first_record: int, record_ids: list[int]) -> pa.Table:
    """LOG_RECORDS of events of DATED_SESSIONS whose first event has the number ``first_record``.

    ``line`` is the number of the session in its file. An event without a line of its own has the
    body ``E<event id>``.
    """
    events = Sequences.from_arrow(dated["event_sequence"])
    logs: Any = dated["original_logs"].combine_chunks()
    bounds = logs.offsets.to_numpy().astype(np.int64)
    at = np.asarray(record_ids, np.int64) - first_record
    row = np.searchsorted(events.offsets, at, side="right") - 1
    step = at - events.offsets[row]
    there = step < (bounds[row + 1] - bounds[row])
    texts = logs.values.take(pa.array(bounds[row] + step, mask=~there))
    named = pa.array([f"E{event}" for event in events.values[at].tolist()], texts.type)
    rows = pa.array(row)
    columns = {
        "record_id": pa.array(np.asarray(record_ids, np.int64)),
        "source": dated["source"].take(rows),
        "line": dated["number"].take(rows),
        "service": dated["service"].take(rows),
        "body": pc.coalesce(texts, named),
        "session_key": dated["session_key"].take(rows),
        "label": dated["label"].take(rows),
    }
    return conform(pa.table(columns), LOG_RECORDS)


def _dropped(count: int) -> str:
    return f"{count:,} sessions without events are left out." if count else ""
