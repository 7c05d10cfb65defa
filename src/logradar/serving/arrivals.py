"""Arrivals: log records as senders deliver them, before anything has read what their text holds.

Every protocol of ingest makes `Arrival` objects; the write-ahead log keeps them as ARRIVALS, a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from logradar.core.tables import NAME

ARRIVALS: Final = pa.schema(
    [
        pa.field("stream", NAME, nullable=False),
        pa.field("body", pa.large_string(), nullable=False),
        pa.field("timestamp", pa.int64()),
        pa.field("service", NAME),
        pa.field("level", pa.int8()),
        pa.field("component", NAME),
        pa.field("session_key", pa.string()),
        pa.field("attributes", pa.string()),
    ]
)


class Arrival(NamedTuple):
    """One log record or line of a sender.

    ``stream`` names the sender (protocol and what tells its senders apart, such as service and host): records of one
    stream come in their order, and a line without a header belongs to the record of its stream before it. ``body`` is
    valid UTF-8 text; it may be a raw line with a header of its own, which is read later. All else is what the sender
    says beside the text, None where it says nothing: ``timestamp`` in microseconds since 1970, ``level`` a
    SeverityNumber from 1 to 24, ``component`` the logger, ``session_key`` a trace id, ``attributes`` the rest as a JSON
    object.
    """

    stream: str
    body: str
    timestamp: int | None = None
    service: str | None = None
    level: int | None = None
    component: str | None = None
    session_key: str | None = None
    attributes: str | None = None


def arrivals_table(arrivals: Sequence[Arrival]) -> pa.Table:
    """ARRIVALS of these, in their order.

    >>> arrivals_table([Arrival("otlp:shop", "paid", level=9)]).select(["stream", "body", "level"]).to_pylist()
    [{'stream': 'otlp:shop', 'body': 'paid', 'level': 9}]
    """
    if not arrivals:
        return ARRIVALS.empty_table()
    columns = zip(*arrivals, strict=True)
    arrays = []
    for values, field in zip(columns, ARRIVALS, strict=True):
        if field.type == NAME:
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=ARRIVALS)
