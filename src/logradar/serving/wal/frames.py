"""Frames: the records of the write-ahead log as bytes, each with a checksum, so that damage is found and passed over.

A frame is a head (magic word, length, CRC-32, kind, time in microseconds) and a payload. The checksum covers kind,
time and payload.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

import orjson
import pyarrow as pa

from logradar.serving.arrivals import ARRIVALS

LINES: Final = 1  # the payload holds ARRIVALS
TICK: Final = 2  # half a second has passed; no payload
CONTROL: Final = 3  # the payload is a JSON object, such as a change of bundles
_MAGIC: Final = b"LRW1"
_HEAD: Final = struct.Struct("<4sIIBq")
HEAD: Final = _HEAD.size
_LARGEST: Final = 1 << 30  # bytes of a payload; a larger length is damage
_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="lz4")


class Frame(NamedTuple):
    """A frame of the log: ``position`` is where it begins, ``end`` where the next one does."""

    kind: int
    time: int
    payload: bytes
    position: int
    end: int

    def arrivals(self) -> pa.Table:
        """The ARRIVALS of a frame of lines."""
        with pa.ipc.open_stream(self.payload) as reader:
            return reader.read_all().cast(ARRIVALS)

    def control(self) -> dict[str, object]:
        """The JSON object of a control frame."""
        found = orjson.loads(self.payload)
        return found if isinstance(found, dict) else {}


class Damage(NamedTuple):
    """Bytes of the log that are no frame, from ``start`` to ``end``; ``tail``: nothing readable follows."""

    start: int
    end: int
    tail: bool


def encode(kind: int, time: int, payload: bytes = b"") -> bytes:
    """The bytes of a frame."""
    return _HEAD.pack(_MAGIC, len(payload), _checksum(kind, time, payload), kind, time) + payload


def payload_of(table: pa.Table) -> bytes:
    """The payload of a frame of lines: ARRIVALS as an Arrow stream, compressed."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ARRIVALS, options=_OPTIONS) as writer:
        writer.write_table(table.combine_chunks())
    data: bytes = sink.getvalue().to_pybytes()
    return data


def scan(data: bytes, origin: int = 0, start: int = 0) -> Iterator[Frame | Damage]:
    """The frames in ``data``, and what is none, in order; positions count from ``origin``, the place of its first byte.

    >>> good = encode(TICK, 5)
    >>> [type(one).__name__ for one in scan(good + b"damaged!" + good + good[:9])]
    ['Frame', 'Damage', 'Frame', 'Damage']
    """
    place = start
    while place < len(data):
        frame = _at(data, place, origin)
        if frame is not None:
            yield frame
            place = frame.end - origin
            continue
        follows = data.find(_MAGIC, place + 1)
        while follows >= 0 and _at(data, follows, origin) is None:
            follows = data.find(_MAGIC, follows + 1)
        end = len(data) if follows < 0 else follows
        yield Damage(origin + place, origin + end, follows < 0)
        place = end


def _at(data: bytes, place: int, origin: int) -> Frame | None:
    if place + HEAD > len(data):
        return None
    magic, length, checksum, kind, time = _HEAD.unpack_from(data, place)
    end = place + HEAD + length
    if magic != _MAGIC or length > _LARGEST or end > len(data):
        return None
    payload = data[place + HEAD : end]
    if _checksum(kind, time, payload) != checksum:
        return None
    return Frame(kind, time, payload, origin + place, origin + end)


def _checksum(kind: int, time: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack("<Bq", kind, time)))
