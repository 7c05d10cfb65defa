"""DATED_SESSIONS: the sessions of day files with session key, source and times.

Their event ids are used as templates: event id ``e`` is template ``e + FIRST_TEMPLATE``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.filenames import readable
from logradar.core.tables import ERROR, INFO, NAME, SESSIONS, TIMESTAMP, WARN, check, template_ids_of
from logradar.sources.decoding.timestamps import Clock
from logradar.sources.radar.table import DAY_SESSIONS

DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
TIME: Final = r"^\[?(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
TRIED: Final = 50  # lines of a batch that are looked at for a timestamp

DATED_SESSIONS: Final = pa.schema(
    [
        *DAY_SESSIONS,
        pa.field("session_key", pa.string(), nullable=False),  # 2024-05-01/17: the day and the session id
        pa.field("source", NAME, nullable=False),
        pa.field("number", pa.int64(), nullable=False),  # of the session in its file, from 1
        pa.field("start", TIMESTAMP),
        pa.field("end", TIMESTAMP),
        pa.field("label", pa.bool_()),
    ]
)


class Dater:
    """Turns the DAY_SESSIONS of one file into DATED_SESSIONS, table after table.

    ``start`` and ``end`` are the times in the first and the last line of a session. If these have none, they are
    the first and last moment of the day in the name of the file, else null.
    """

    def __init__(self, name: str, day: str) -> None:
        self.name, self.day = name, day
        self._clock = Clock()
        self._number = 0

    def date(self, table: pa.Table) -> pa.Table:
        """DATED_SESSIONS of the next DAY_SESSIONS of the file; labels are null."""
        table = table.combine_chunks()
        count = table.num_rows
        keys = pc.binary_join_element_wise(self.day, table["session_id"].cast(pa.string()), "/")
        numbers = np.arange(self._number + 1, self._number + count + 1)
        self._number += count
        start, end = self._bounds(table)
        more = {
            "session_key": keys,
            "source": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([self.name])),
            "number": pa.array(numbers),
            "start": start,
            "end": end,
            "label": pa.nulls(count, pa.bool_()),
        }
        return pa.Table.from_arrays([*table.columns, *more.values()], schema=DATED_SESSIONS)

    def _bounds(self, table: pa.Table) -> tuple[pa.Array, pa.Array]:
        day = _midnight(self.day)
        last = day + timedelta(days=1, microseconds=-1) if day else None
        times = [pa.repeat(pa.scalar(moment, TIMESTAMP), table.num_rows) for moment in (day, last)]
        if not table.num_rows:
            return times[0], times[1]
        logs: Any = table["original_logs"].chunk(0)
        ends = logs.offsets.to_numpy().astype(np.int64)
        filled = np.diff(ends) > 0
        if not filled.any():
            return times[0], times[1]
        for place, at in enumerate((ends[:-1], ends[1:] - 1)):
            lines = pl.from_arrow(logs.values.take(pa.array(at, mask=~filled)))
            assert isinstance(lines, pl.Series)
            if lines.head(TRIED).str.contains(TIME).any():
                known = self._clock.read(lines.str.extract(TIME, 1)).to_arrow().cast(TIMESTAMP)
                times[place] = pc.coalesce(known, times[place])
        return times[0], pc.if_else(pc.less(times[1], times[0]), times[0], times[1])


def sessions_of(table: pa.Table, first_record: int) -> pa.Table:
    """SESSIONS from DATED_SESSIONS; the record ids of their events count from ``first_record``.

    Gaps are 0, because the times are in the lines, which are not read here. An event id that cannot be a template
    id (negative or too large) becomes `UNKNOWN`.
    """
    table = table.combine_chunks()
    events: Any = table["event_sequence"].chunk(0) if table.num_rows else pa.array([], pa.list_(pa.int32()))
    ends = events.offsets.to_numpy()
    ids = events.values.to_numpy()[ends[0] : ends[-1]]
    templates = template_ids_of(ids)
    offsets = pa.array((ends - ends[0]).astype(np.int32))
    records = np.arange(first_record, first_record + len(ids))
    columns = {
        "session_id": table["session_key"],
        "service": table["service"],
        "start": table["start"],
        "end": table["end"],
        "record_ids": pa.ListArray.from_arrays(offsets, pa.array(records)),
        "template_ids": pa.ListArray.from_arrays(offsets, pa.array(templates)),
        "gaps": pa.ListArray.from_arrays(offsets, pa.array(np.zeros(len(ids), np.float32))),
        "max_level": max_level(table),
        "label": table["label"],
        "parameters": pa.nulls(table.num_rows, SESSIONS.field("parameters").type),
        "texts": pa.nulls(table.num_rows, SESSIONS.field("texts").type),
    }
    return check(pa.table(columns, schema=SESSIONS), SESSIONS)


def runs(table: pa.Table, name: str) -> Iterator[pa.Table]:
    """Slices of consecutive rows with the same value in the dictionary column ``name``."""
    if table.num_rows:
        codes = table[name].combine_chunks().indices.to_numpy()
        bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
        for start, end in pairwise(bounds):
            yield table.slice(start, end - start)


def max_level(table: pa.Table) -> pa.Array:
    """The highest level according to has_error and has_warn; null if the session has neither key."""
    error, warn = table["has_error"], table["has_warn"]
    level = pc.if_else(error.fill_null(False), ERROR, pc.if_else(warn.fill_null(False), WARN, INFO)).cast(pa.int8())
    return pc.if_else(pc.and_(error.is_null(), warn.is_null()), pa.scalar(None, pa.int8()), level)


def day_of(name: str) -> str:
    """The date in the name of a file, else its name without endings."""
    base = readable(name.rpartition("/")[2])
    match = DATE.search(base)
    return match[0] if match else base.partition(".")[0]


def _midnight(day: str) -> datetime | None:
    try:
        return datetime.fromisoformat(day).replace(tzinfo=UTC)
    except ValueError:
        return None
