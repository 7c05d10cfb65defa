"""The sketch: what a site says of its count vectors in one message of about a kilobyte.

A sketch holds fingerprints of the texts of templates (so sites need no common numbers), the distinct count vectors of
the site, and how often each came. It is the smallest thing that detects well, and what a language model has to beat.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Sequences
from logradar.core.tables import FIRST_TEMPLATE
from logradar.federated.wire import Refused, hash64

Ids = npt.NDArray[np.int32]
MAGIC: Final = b"LRS1"
LARGEST: Final = 1_000  # bytes of a sketch
_MOST: Final = 1 << 20  # numbers in a sketch when it is unpacked
_PRINT: Final = 5  # bytes of a fingerprint


def fingerprint(text: str) -> int:
    """40 bits of a hash of the text of a template."""
    return hash64(text.encode()) & ((1 << 8 * _PRINT) - 1)


def sketched(rows: Sequences, texts: Mapping[int, str], largest: int = LARGEST) -> tuple[bytes, int]:
    """The sketch of sorted rows with counts, and how many of the rows did not fit: the rarest are left out."""
    order = np.argsort(-rows.counts, kind="stable")
    low, high = 0, len(rows)
    whole = _sketch(rows, order, texts)
    if len(whole) <= largest:
        return whole, 0
    while low < high - 1:  # the size grows with the number of rows
        middle = (low + high) // 2
        low, high = (middle, high) if len(_sketch(rows, order[:middle], texts)) <= largest else (low, middle)
    return _sketch(rows, order[:low], texts), len(rows) - low


def _sketch(rows: Sequences, chosen: npt.NDArray[np.int64], texts: Mapping[int, str]) -> bytes:
    import zstandard

    kept = rows.take(chosen)
    ids = np.unique(kept.values)
    numbers: list[int] = [len(ids), len(kept)]
    for row, count in zip(kept, rows.counts[chosen].tolist(), strict=True):
        places, times = np.unique(np.searchsorted(ids, row), return_counts=True)
        numbers += [count, len(places)]
        for step, often in zip(np.diff(places, prepend=0).tolist(), times.tolist(), strict=True):
            numbers += [step, often]
    prints = b"".join(fingerprint(texts.get(one, f"event {one}")).to_bytes(_PRINT, "little") for one in ids.tolist())
    body = zstandard.ZstdCompressor(19).compress(_varints(numbers))
    head = MAGIC + struct.pack("<H", len(ids)) + prints
    return head + struct.pack("<Q", hash64(head, body)) + body


def unsketched(message: bytes) -> tuple[list[int], Sequences]:
    """Fingerprints, and rows of their places (from `FIRST_TEMPLATE`) with counts. Raises `Refused`."""
    import zstandard

    if len(message) < 14 or message[:4] != MAGIC:
        raise Refused("not a sketch")
    (count,) = struct.unpack_from("<H", message, 4)
    head = 6 + _PRINT * count
    if len(message) < head + 8 or struct.unpack_from("<Q", message, head)[0] != hash64(
        message[:head], message[head + 8 :]
    ):
        raise Refused("damaged")
    prints = [int.from_bytes(message[at : at + _PRINT], "little") for at in range(6, head, _PRINT)]
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 20).stream_reader(message[head + 8 :]) as reader:
            raw = reader.read(_MOST + 1)  # what a frame says of its own size is not believed
        if len(raw) > _MOST:
            raise ValueError("too large")
        return prints, _rows(iter(_numbers(raw)), count)
    except (zstandard.ZstdError, StopIteration, ValueError) as error:
        raise Refused("damaged", str(error)) from None


def _rows(numbers: object, templates: int) -> Sequences:
    take = iter(numbers).__next__  # type: ignore[call-overload]
    if take() != templates:
        raise ValueError("other templates")
    rows, counts, total = [], [], 0
    for _ in range(take()):
        counts.append(take())
        row, place = [], 0
        for _ in range(take()):
            place, often = place + take(), take()
            total += often
            if place >= templates or total > _MOST:
                raise ValueError("a count that cannot be")
            row += [place + FIRST_TEMPLATE] * often
        rows.append(row)
    found = Sequences.from_lists(rows)
    if not all(0 < count < 1 << 40 for count in counts):
        raise ValueError("a count that cannot be")
    return Sequences(found.values, found.offsets, np.array(counts, np.int64), found.inverse)


def renumbered(prints: Sequence[int], known: dict[int, int]) -> dict[int, int]:
    """The common number of each place of a sketch; ``known`` (fingerprint to number) takes up new ones."""
    return {
        FIRST_TEMPLATE + place: known.setdefault(one, FIRST_TEMPLATE + len(known)) for place, one in enumerate(prints)
    }


def _varints(numbers: Sequence[int]) -> bytes:
    out = bytearray()
    for number in numbers:
        while number > 127:
            out.append(number & 127 | 128)
            number >>= 7
        out.append(number)
    return bytes(out)


def _numbers(raw: bytes) -> list[int]:
    found, number, shift = [], 0, 0
    for octet in raw:
        number |= (octet & 127) << shift
        shift += 7
        if shift > 63:
            raise ValueError("a number that is too large")
        if octet < 128:
            found.append(number)
            number = shift = 0
    return found
