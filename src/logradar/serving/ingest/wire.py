"""The wire format of protobuf, as far as counting needs it: records in a message before it is parsed.

A parsed record takes at least 128 bytes of memory and may take 2 on the wire, so many are counted before.
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from logradar.serving.ingest.bad_body import too_large

_SMALL: Final = 1 << 17  # bytes of a message that is not counted
_DELIMITED: Final = 2


def check_records(body: bytes, path: Sequence[int], most: int) -> None:
    """Raises `BadBody` (413) if there are more than ``most`` messages at this path of field numbers.

    What is no protobuf is counted as far as it goes: the parser says what is wrong.
    """
    if len(body) <= max(_SMALL, 2 * most):
        return
    for count, _ in enumerate(_at(memoryview(body), 0, len(body), tuple(path))):
        if count >= most:
            raise too_large("The batch", most, "records")


def _at(body: memoryview, start: int, end: int, path: tuple[int, ...]) -> Iterator[None]:
    for first, last in _fields(body, start, end, path[0]):
        if len(path) == 1:
            yield None
        else:
            yield from _at(body, first, last, path[1:])


def _fields(body: memoryview, place: int, end: int, number: int) -> Iterator[tuple[int, int]]:
    """Where the values of the length-delimited fields with this number begin and end."""
    while place < end:
        tag, place = _varint(body, place, end)
        kind = tag & 7
        if kind == _DELIMITED:
            length, place = _varint(body, place, end)
            if place + length > end:
                return
            if tag >> 3 == number:
                yield place, place + length
            place += length
        elif kind == 0:
            _, place = _varint(body, place, end)
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        else:
            return


def _varint(body: memoryview, place: int, end: int) -> tuple[int, int]:
    """A number and the place behind it; where it has no end, the end of the message."""
    value = shift = 0
    while place < end and shift < 70:
        byte = body[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
    return 0, end
