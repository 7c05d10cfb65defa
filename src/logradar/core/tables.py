"""The tables that pass between rooms: one Arrow schema each, checked at every door.

Times are microseconds in UTC, gaps are seconds, levels are OpenTelemetry SeverityNumbers
(1-24, four for each of `LEVELS`). Template ids 0, 1 and 2 are reserved; real templates start
at `FIRST_TEMPLATE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.errors import TableError

PADDING: Final = 0
UNKNOWN: Final = 1
MASK: Final = 2
FIRST_TEMPLATE: Final = 3

TRACE: Final = 1  # the levels of log records: the lowest of the four SeverityNumbers that each has
DEBUG: Final = 5
INFO: Final = 9
WARN: Final = 13
ERROR: Final = 17
FATAL: Final = 21
LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {"TRACE": TRACE, "DEBUG": DEBUG, "INFO": INFO, "WARN": WARN, "ERROR": ERROR, "FATAL": FATAL}
)
SEVERITIES: Final = ("low", "medium", "high", "critical")  # how urgent an alert is, least urgent first
NO_SERVICE: Final = "unknown"  # what a missing service is called wherever a name is needed, as RADAR does

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")
NAME: Final = pa.dictionary(pa.int32(), pa.string())


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


LOG_RECORDS: Final = pa.schema(
    [
        _required("record_id", pa.int64()),
        pa.field("timestamp", TIMESTAMP),
        _required("source", NAME),  # the file (or stream) that the record stands in
        _required("line", pa.int64()),  # 1-based line in that file where the record begins
        pa.field("service", NAME),
        pa.field("level", pa.int8()),
        pa.field("component", NAME),
        _required("body", pa.large_string()),
        pa.field("session_key", pa.string()),
        pa.field("label", pa.bool_()),
    ]
)

TEMPLATES: Final = pa.schema(
    [
        _required("template_id", pa.int32()),
        _required("template", pa.string()),
        _required("fingerprint", pa.uint64()),
        _required("count", pa.int64()),
    ]
)

EVENTS: Final = pa.schema(
    [
        _required("record_id", pa.int64()),
        pa.field("timestamp", TIMESTAMP),
        pa.field("service", NAME),
        pa.field("level", pa.int8()),
        _required("template_id", pa.int32()),
        pa.field("parameters", pa.list_(pa.string())),
        pa.field("session_key", pa.string()),
        pa.field("label", pa.bool_()),
    ]
)

SESSIONS: Final = pa.schema(
    [
        _required("session_id", pa.string()),
        pa.field("service", NAME),
        pa.field("start", TIMESTAMP),
        pa.field("end", TIMESTAMP),
        _required("record_ids", pa.list_(pa.int64())),
        _required("template_ids", pa.list_(pa.int32())),
        _required("gaps", pa.list_(pa.float32())),  # seconds since the event before, 0 for the first
        pa.field("max_level", pa.int8()),
        pa.field("label", pa.bool_()),
        pa.field("parameters", pa.list_(pa.list_(pa.string()))),  # of each event; null where no detector asked for them
        pa.field("texts", pa.list_(pa.string())),  # masked, of events whose template is not known; null as above
    ]
)

SCORES: Final = pa.schema(
    [
        _required("session_id", pa.string()),
        _required("score", pa.float64()),
        _required("event_scores", pa.list_(pa.float32())),
    ]
)

FINDINGS: Final = pa.schema(  # why a detector scored a session high; Detector.explain -> alerting
    [
        _required("session_id", pa.string()),
        pa.field("position", pa.int32()),  # index into the session's events; null: the whole session
        pa.field("template_id", pa.int32()),  # the template that it is about (for what is missing too)
        _required("reason", pa.string()),
        _required("weight", pa.float32()),  # most telling first
        _required(
            "expected",
            pa.list_(pa.struct([pa.field("template_id", pa.int32()), pa.field("probability", pa.float32())])),
        ),
    ]
)

EXPECTED: Final = pa.struct(
    [
        pa.field("template_id", pa.int32()),
        pa.field("template", pa.string()),
        pa.field("probability", pa.float32()),
    ]
)

EVIDENCE: Final = pa.struct(
    [
        pa.field("record_id", pa.int64()),
        pa.field("source", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("timestamp", TIMESTAMP),
        pa.field("level", pa.int8()),
        pa.field("service", pa.string()),
        pa.field("body", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("expected", pa.list_(EXPECTED)),
    ]
)

CODE: Final = pa.struct(  # a place in the source code that a line of the evidence leads to
    [
        pa.field("record_id", pa.int64()),
        pa.field("path", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("text", pa.string()),
        pa.field("function", pa.string()),  # with its class; empty outside of all
        pa.field("basis", pa.string()),  # location, message or stack frame
        pa.field("note", pa.string()),  # what a person should know, such as that the versions differ; mostly empty
        pa.field("url", pa.string()),
    ]
)

SEVERITY_PART: Final = pa.struct([pa.field("name", pa.string()), pa.field("value", pa.float64())])

ALERTS: Final = pa.schema(
    [
        _required("alert_id", pa.string()),
        _required("session_id", pa.string()),
        pa.field("service", NAME),  # that of the most unusual line; where no line is named, that of the session
        _required("services", pa.list_(pa.string())),  # of all lines of the session, those of unusual lines first
        pa.field("started_at", TIMESTAMP),  # event time of the first event of the session
        pa.field("raised_at", TIMESTAMP),  # event time: when the session ended; null where no event carries a time
        _required("detector", pa.string()),
        _required("score", pa.float64()),
        _required("threshold", pa.float64()),
        pa.field("max_level", pa.int8()),  # the worst level of the session
        _required("severity", pa.string()),  # one of SEVERITIES: the band of the number that follows
        _required("severity_score", pa.float64()),  # 0 to 100
        _required("severity_parts", pa.list_(SEVERITY_PART)),  # what it was computed from, each from 0 to 1
        _required("record_ids", pa.list_(pa.int64())),
        _required("evidence", pa.list_(EVIDENCE)),
        pa.field("code", pa.list_(CODE)),
        pa.field("signature", pa.string()),  # how it differs from normal sessions, as JSON, by which feedback names it
    ]
)

CANDIDATE: Final = pa.struct(
    [pa.field("service", pa.string()), pa.field("reason", pa.string()), pa.field("share", pa.float64())]
)

INCIDENTS: Final = pa.schema(  # alerts and rate changes with one cause
    [
        _required("incident_id", pa.string()),  # a hash of the id of the first alert, or else rate change
        _required("status", pa.string()),  # open, resolved, or merged into another one, which took over its alerts
        _required("severity", pa.string()),  # one of SEVERITIES: the band of the number that follows
        _required("severity_score", pa.float64()),  # 0 to 100, as it is now
        _required("initial_severity_score", pa.float64()),  # that of the first alert
        pa.field("started_at", TIMESTAMP),  # event time of the first unusual line; null where no event carries a time
        pa.field("last_at", TIMESTAMP),  # when the last alert was raised, or the last rate change ended
        _required("services", pa.list_(pa.string())),  # those of unusual lines first, the likeliest cause first of all
        _required("alerts", pa.int64()),
        _required("rate_changes", pa.int64()),
        _required("alert_ids", pa.list_(pa.string())),  # of the first hundred alerts
        _required("rate_change_ids", pa.list_(pa.string())),  # the same of the rate changes
        _required("kind", pa.string()),  # id of the first incident of this kind
        pa.field("again_of", pa.string()),  # id of the incident before of the same kind; null: it is the first one
        _required("title", pa.string()),
        pa.field("evidence", EVIDENCE),  # the first unusual line
        _required("candidates", pa.list_(CANDIDATE)),  # services where the cause may be, the likeliest first
        pa.field("merged_into", pa.string()),
        pa.field("code", pa.list_(CODE)),  # of the first unusual line, where code is indexed
    ]
)

RATE_CHANGES: Final = pa.schema(  # something comes more or less often than in training, for one stretch of time
    [
        _required("change_id", pa.string()),
        _required("kind", pa.string()),  # new, gone, spike, dip or silence
        pa.field("service", NAME),  # null: of records without a service, or of many services at once
        pa.field("template_id", pa.int32()),  # null: all records of the service
        pa.field("template", pa.string()),
        pa.field("level", pa.int8()),
        _required("started_at", TIMESTAMP),
        _required("last_at", TIMESTAMP),
        _required("found_at", TIMESTAMP),  # end of the bucket of time in which it became certain
        _required("observed", pa.float64()),  # events in that time
        _required("expected", pa.float64()),
        _required("bucket_seconds", pa.float64()),
        _required("p_value", pa.float64()),  # of its most unusual bucket
        pa.field("record_id", pa.int64()),  # null where the example is one of the training
        pa.field("source", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("body", pa.string()),
        _required("reason", pa.string()),
    ]
)


def faults(table: pa.Table | pa.RecordBatch, schema: pa.Schema) -> list[str]:
    """Every way in which ``table`` does not fit ``schema``, as short sentences."""
    found = []
    for field in schema:
        index = table.schema.get_field_index(field.name)
        if index < 0:
            found.append(f"column '{field.name}' is missing")
            continue
        column = table.column(index)
        if column.type != field.type:
            found.append(f"column '{field.name}' is {column.type}, not {field.type}")
        if not field.nullable and column.null_count:
            found.append(f"column '{field.name}' has {column.null_count} empty values")
    known = set(schema.names)
    found += [f"column '{name}' is not known" for name in table.schema.names if name not in known]
    return found


def check(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return ``table`` unchanged if it fits ``schema``; raise `TableError` with all faults if not."""
    if table.schema.equals(schema) and not any(table.column(place).null_count for place in _filled(schema)):
        return table  # the way that every step of a stream takes several times
    found = faults(table, schema)
    if found:
        raise TableError("The table does not fit its schema: " + "; ".join(found) + ".")
    return table


@cache
def _filled(schema: pa.Schema) -> tuple[int, ...]:
    return tuple(place for place, field in enumerate(schema) if not field.nullable)


def microseconds(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The numbers of a column of type `TIMESTAMP`, null where there is none; no value is copied."""
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column.view(pa.int64())


def texts_by_id(templates: pa.Table) -> dict[int, str]:
    """The text of each of TEMPLATES, by its id."""
    return dict(zip(templates["template_id"].to_pylist(), templates["template"].to_pylist(), strict=True))


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Cast ``table`` to ``schema`` (order, types; nullable columns may be absent) and check it.

    This is how a room hands over what Polars or numpy computed: Polars writes large strings
    and its own dictionary types, the schemas have one type each.
    """
    columns = []
    for field in schema:
        index = table.schema.get_field_index(field.name)
        if index < 0:
            if not field.nullable:
                raise TableError(f"The table does not fit its schema: column '{field.name}' is missing.")
            columns.append(pa.chunked_array([pa.nulls(table.num_rows, field.type)]))
            continue
        columns.append(_cast(table.column(index), field))
    return check(pa.Table.from_arrays(columns, schema=schema), schema)


def _cast(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    if column.type == field.type:
        return column
    try:
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
            column = column.cast(field.type.value_type).dictionary_encode()
        return column.cast(field.type)
    except pa.ArrowInvalid as error:
        raise TableError(f"Column '{field.name}' cannot become {field.type}: {error}.") from None


def empty(schema: pa.Schema) -> pa.Table:
    """A table of that schema with no rows."""
    return schema.empty_table()


def template_ids_of(events: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The template id of each event id of day files; both are int32.

    An event id that cannot be a template id (negative or too large) is `UNKNOWN`.

    >>> template_ids_of(np.array([0, 7, -1], np.int32)).tolist()
    [3, 10, 1]
    """
    fits = (events >= 0) & (events <= np.iinfo(np.int32).max - FIRST_TEMPLATE)
    return np.where(fits, events + np.int32(FIRST_TEMPLATE), np.int32(UNKNOWN)).astype(np.int32)
