"""Sessions of event numbers as the tables that sources return: DATED_SESSIONS and LOG_RECORDS."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.core.sequences import Sequences
from logradar.core.tables import LOG_RECORDS, NAME, TIMESTAMP, check, conform
from logradar.sources.datasets.texts import named
from logradar.sources.radar.dated import DATED_SESSIONS


def dated(rows: pl.DataFrame, name: str, before: int, texts: Mapping[int, str]) -> pa.Table:
    """DATED_SESSIONS from rows of ``key``, ``events`` (lists of int32) and ``label``.

    ``before`` is the number of sessions of the file in earlier calls, ``texts`` are templates by event number. The
    lines of a session are the templates of its events. There are no times; a column ``service`` is kept.
    """
    count = len(rows)
    events = rows["events"].to_arrow().cast(pa.list_(pa.int32()))
    distinct, which = np.unique(events.values.to_numpy(), return_inverse=True)
    lines = pa.array([named(event, texts) for event in distinct.tolist()], pa.large_string()).take(pa.array(which))
    numbers = pa.array(np.arange(before + 1, before + count + 1))
    has_service = "service" in rows.columns
    columns = {
        "session_id": numbers,
        "service": rows["service"].to_arrow().cast(pa.string()).dictionary_encode()
        if has_service
        else pa.nulls(count, NAME),
        "event_sequence": events,
        "has_error": pa.nulls(count, pa.bool_()),
        "has_warn": pa.nulls(count, pa.bool_()),
        "original_logs": pa.ListArray.from_arrays(events.offsets, lines),
        "offset": pa.array(np.zeros(count, np.int64)),
        "tokens_length": pa.nulls(count, pa.int32()),
        "session_key": rows["key"].to_arrow(),
        "source": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([name])),
        "number": numbers,
        "start": pa.nulls(count, TIMESTAMP),
        "end": pa.nulls(count, TIMESTAMP),
        "label": rows["label"].to_arrow(),
    }
    return check(conform(pa.table(columns), DATED_SESSIONS), DATED_SESSIONS)


def records(sessions: pa.Table, first_record: int) -> pa.Table:
    """LOG_RECORDS from DATED_SESSIONS that have a line for each event, with ids from ``first_record`` on."""
    logs = sessions["original_logs"].combine_chunks()
    rows = pa.array(Sequences.from_arrow(sessions["event_sequence"]).rows)
    columns = {
        "record_id": pa.array(np.arange(first_record, first_record + len(rows))),
        "source": sessions["source"].take(rows),
        "line": sessions["number"].take(rows),
        "service": sessions["service"].take(rows),
        "body": logs.values,
        "session_key": sessions["session_key"].take(rows),
        "label": sessions["label"].take(rows),
    }
    return conform(pa.table(columns), LOG_RECORDS)
