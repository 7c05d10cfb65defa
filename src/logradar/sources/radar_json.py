"""RADAR's day files: one JSON array of sessions a day, preprocessed_logs_YYYY-MM-DD.json."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, TIMESTAMP, conform
from logradar.sources.base import Hints, SessionSource
from logradar.sources.decoding.timestamps import Clock
from logradar.sources.opening.levels import levels
from logradar.sources.opening.reading import read_head
from logradar.sources.opening.session_keys import extract
from logradar.sources.radar.columns import KEYS, REQUIRED
from logradar.sources.radar.dated import TIME, TRIED, Dater, day_of
from logradar.sources.radar.reading import read_day

FIRST: Final = re.compile(rf'\ufeff?\s*(\[?)\s*\{{\s*"(?:{"|".join(KEYS)})"\s*:')
HEAD: Final = 4 << 20  # bytes in which the needed keys of the first session are looked for
LEVEL: Final = r"\b(TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b"


class RadarJson(SessionSource):
    """RADAR's day files: each original log line a record, grouped by the sessions of the file.

    The session key is the date in the file's name (else its stem) and the session id:
    ``2024-05-01/17``. An event without its line has the body ``E<event id>``. A file has no
    lines worth counting, so ``line`` is the number of the session in the file, from 1. Level and
    time are those that stand in the line itself, null where there are none.
    """

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """Sure for an array whose first object has a session id and an event sequence."""
        text = "\n".join(head)
        if path.suffix == ".json" and text.strip("\ufeff \t\r\n") in ("[", "[]"):
            return 0.5  # a day without sessions
        found = FIRST.match(text)
        if not found:  # not as it should be, but nothing else has these keys: what is wrong can be told
            return 0.5 if _has_needed(text) else 0.0
        if not _has_needed(text):  # other keys may take more room than the head has
            try:
                text = read_head(path, HEAD, Quarantine()).decode("utf-8", "replace")
            except OSError:
                return 0.0
            if not _has_needed(text):
                return 0.0
        return 0.95 if found[1] else 0.7

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS of at most ``limits.rows`` lines; what is damaged is quarantined with its byte offset."""
        record_id = 0
        for file in files:
            name = hints.name(file)
            records = DayRecords(name, day_of(file.name), hints.session_key)
            try:
                for sessions in read_day(file, quarantine, name=name, on_progress=hints.on_progress):
                    whole = records.of(sessions, record_id)
                    record_id += whole.num_rows
                    for start in range(0, whole.num_rows, hints.limits.rows):
                        yield whole.slice(start, hints.limits.rows)
            except OSError as error:
                quarantine.add(name, "file that cannot be read to its end", text=str(error))
            if records.empty:
                quarantine.add(name, "session without events and lines", offset=records.empty_at, count=records.empty)

    def sessions(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """DATED_SESSIONS of about 8 MB of text each; what is damaged is quarantined with its byte offset."""
        for file in files:
            name = hints.name(file)
            dater = Dater(name, day_of(file.name))
            try:
                for table in read_day(file, quarantine, name=name, on_progress=hints.on_progress):
                    yield dater.date(table)
            except OSError as error:
                quarantine.add(name, "file that cannot be read to its end", text=str(error))


def _has_needed(text: str) -> bool:
    return all(re.search(rf'"{key}"\s*:', text) for key in KEYS[:REQUIRED])


class DayRecords:
    """Sessions -> LOG_RECORDS for one file, table after table."""

    def __init__(self, name: str, day: str, session_key: str | None) -> None:
        self.name, self.day, self.session_key = name, day, session_key
        self.empty, self.empty_at = 0, 0
        self._clock = Clock()
        self._sessions = 0

    def of(self, sessions: pa.Table, record_id: int) -> pa.Table:
        """LOG_RECORDS of DAY_SESSIONS, one for each event; the first of them has the number ``record_id``."""
        sessions = sessions.combine_chunks()
        body, row = _bodies(sessions)
        self._count_empty(sessions, row)
        count = len(body)
        lines = pl.from_arrow(body)
        assert isinstance(lines, pl.Series)
        keys = pc.binary_join_element_wise(self.day, sessions["session_id"].cast(pa.string()), "/")
        columns = {
            "record_id": pa.array(np.arange(record_id, record_id + count)),
            "timestamp": self._times(lines),
            "source": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([self.name])),
            "line": pa.array(row + self._sessions + 1),
            "service": sessions["service"].take(pa.array(row)),
            "level": levels(lines.str.extract(LEVEL, 1)).to_arrow(),
            "body": body,
            "session_key": (
                extract(lines, lines, self.session_key).to_arrow() if self.session_key else keys.take(pa.array(row))
            ),
        }
        self._sessions += sessions.num_rows
        return conform(pa.table(columns), LOG_RECORDS)

    def _times(self, lines: pl.Series) -> pa.Array:
        if lines.head(TRIED).str.contains(TIME).any():
            return self._clock.read(lines.str.extract(TIME, 1)).to_arrow()
        return pa.nulls(len(lines), TIMESTAMP)

    def _count_empty(self, sessions: pa.Table, row: npt.NDArray[np.int64]) -> None:
        empty = np.flatnonzero(np.bincount(row, minlength=sessions.num_rows) == 0)
        if len(empty):
            self.empty_at = self.empty_at if self.empty else sessions["offset"][int(empty[0])].as_py()
            self.empty += len(empty)


def _bodies(sessions: pa.Table) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The text of every record, and the row of its session: all lines, then events that have none."""
    events: Any = sessions["event_sequence"].chunk(0) if sessions.num_rows else pa.array([], pa.list_(pa.int32()))
    logs: Any = sessions["original_logs"].chunk(0) if sessions.num_rows else pa.array([], pa.list_(pa.large_string()))
    event_ends, log_ends = (column.offsets.to_numpy().astype(np.int64) for column in (events, logs))
    event_counts, log_counts = np.diff(event_ends), np.diff(log_ends)
    counts = np.maximum(event_counts, log_counts)
    row = np.repeat(np.arange(len(counts)), counts)
    lines = logs.values[log_ends[0] : log_ends[-1]]
    if (event_counts <= log_counts).all():
        return lines, row
    position = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    bare = position >= log_counts[row]
    named = pc.binary_join_element_wise("E", events.values.cast(pa.string()), "")
    place = np.where(bare, len(lines) + event_ends[:-1][row] + position, log_ends[:-1][row] - log_ends[0] + position)
    return pa.concat_arrays([lines, named.cast(pa.large_string())]).take(pa.array(place)), row
