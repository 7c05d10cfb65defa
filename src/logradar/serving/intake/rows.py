"""Rows: records as intake hands them on, a Polars frame of `ROWS`, and LOG_RECORDS of them for one bundle."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.core.tables import LOG_RECORDS, conform
from logradar.sources.decoding.timestamps import TIME
from logradar.sources.opening.session_keys import extract

ROWS: Final = pl.Schema(
    {
        "seq": pl.Int64(),  # the number of the arrival, over all senders
        "arrived": pl.Int64(),  # microseconds since 1970, by the clock of this machine
        "tick": pl.Int64(),  # the number of ticks before it
        "stream": pl.String(),
        "line": pl.Int64(),  # of its sender, from 1
        "timestamp": TIME,
        "service": pl.String(),
        "level": pl.Int8(),
        "component": pl.String(),
        "body": pl.String(),
        "text": pl.String(),  # the line as it came
        "owner": pl.String(),  # the line of the record before, where this one has no header
        "trace": pl.String(),
        "attributes": pl.String(),
    }
)


def log_records(rows: pl.DataFrame, session_key: str | None) -> pa.Table:
    """LOG_RECORDS of rows; ``session_key`` is a regex, as a bundle has it.

    The key is what the regex finds in the line, else in the attributes that the sender gave; else it is the trace id.
    """
    keys = rows["trace"]
    if session_key:
        found = extract(rows["text"], rows["body"], session_key)
        for other in ("owner", "attributes"):
            missing = found.is_null() & rows[other].is_not_null()
            if missing.any():
                texts = rows[other].set(~missing, None)
                found = found.fill_null(extract(texts, texts, session_key))
        keys = found.fill_null(rows["trace"])
    columns = {
        "record_id": pa.array(np.arange(len(rows))),
        "timestamp": rows["timestamp"].to_arrow(),
        "source": _names(rows["stream"]),
        "line": rows["line"].to_arrow(),
        "service": _names(rows["service"]),
        "level": rows["level"].to_arrow(),
        "component": _names(rows["component"]),
        "body": rows["body"].to_arrow(),
        "session_key": keys.to_arrow(),
    }
    return conform(pa.table(columns), LOG_RECORDS)


def _names(column: pl.Series) -> pa.Array:
    return column.to_arrow().cast(pa.string()).dictionary_encode()
