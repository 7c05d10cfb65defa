"""Messages: the rows that go through Spark, each a block of records or a finding, as bytes.

Spark sees four numbers and bytes. What is in the bytes is an Arrow table or a JSON document, so that types of tables
stay as they are and a block of thousands of records is one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson
import pyarrow as pa

RECORDS, READ, CELLS, ALERTED, SCORED, FAULT, CLOCK, CLOSED, CHANGES = range(9)  # kinds of messages
SCHEMA: Final = "part int, unit long, seq long, kind int, payload binary"
_ARROW: Final = pa.schema(
    [
        ("part", pa.int32()),
        ("unit", pa.int64()),
        ("seq", pa.int64()),
        ("kind", pa.int32()),
        ("payload", pa.binary()),
    ]
)
_PACKED: Final = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)


class Message(NamedTuple):
    """A row: ``part`` says to which partition it goes, ``unit`` and ``seq`` in which order."""

    part: int
    unit: int
    seq: int
    kind: int
    payload: bytes


def batches_of(messages: Iterable[Message]) -> Iterator[pa.RecordBatch]:
    """Record batches for Spark, one for each message."""
    for one in messages:
        yield pa.RecordBatch.from_pylist([one._asdict()], schema=_ARROW)


def messages_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Message]:
    """The messages that Spark gives, in their order."""
    for batch in batches:
        for row in batch.to_pylist():
            yield Message(**row)


def packed(table: pa.Table) -> bytes:
    """A table as bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_PACKED) as writer:
        writer.write_table(table.combine_chunks())
    data: bytes = sink.getvalue().to_pybytes()
    return data


def unpacked(payload: bytes) -> pa.Table:
    """The table that `packed` gave."""
    with pa.ipc.open_stream(payload) as reader:
        return reader.read_all()


def state_of(document: dict[str, Any], tables: Mapping[str, pa.Table]) -> bytes:
    """A state as bytes: JSON values, and tables by name."""
    payloads = [orjson.dumps(document), *map(packed, tables.values())]
    return packed(pa.table({"name": ["", *tables], "payload": pa.array(payloads, pa.large_binary())}))


def restored(state: bytes) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """What `state_of` was given."""
    rows = unpacked(state).to_pylist()
    return document(rows[0]["payload"]), {row["name"]: unpacked(row["payload"]) for row in rows[1:]}


def document(payload: bytes) -> dict[str, Any]:
    """The JSON document of a message."""
    found: dict[str, Any] = orjson.loads(payload)
    return found


def said(**values: Any) -> bytes:
    """A JSON document as bytes."""
    return orjson.dumps(values)
