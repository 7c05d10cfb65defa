"""Inflates bodies by their Content-Encoding; the output has a limit that holds while it is made.

RFC 9110 section 8.4 (gzip, deflate), RFC 9659 (zstd with a window of 8 MiB at most), and snappy: as a raw block, as
Loki's push is always sent, or framed. A small body that inflates to gigabytes (a "bomb") is given up at the limit.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final

import zstandard

from logradar.serving.ingest.bad_body import BadBody, too_large

_PIECE: Final = 1 << 16  # input at a time, so that what is left behind a member is copied cheaply
_PIECE_ZSTD: Final = 1 << 9  # its decoder has no limit of output; a block of 128 KiB may take 4 bytes
_MEMBERS: Final = 10_000  # of one body
_WINDOW: Final = 8 << 20
_FRAMED: Final = b"\xff\x06\x00\x00sNaPpY"
_SNAPPY_RATIO: Final = 22  # no raw block inflates more: 3 bytes copy 64
_LAYERS: Final = 2  # encodings of one body at most


def inflated(raw: bytes, encoding: str | None, most: int) -> bytes:
    """The body of a request with this Content-Encoding; raises `BadBody` (400, 413 above ``most`` bytes, or 415)."""
    names = [name.strip().lower() for name in (encoding or "").split(",")]
    names = [name for name in names if name not in ("", "identity", "none")]
    if len(names) > _LAYERS:
        raise BadBody(f"The body is compressed {len(names)} times; once is enough.")
    for name in reversed(names):
        if (inflate := _WAYS.get(name)) is None:
            raise BadBody(f"Content-Encoding {name[:40]!r} is not known; send {', '.join(sorted(_WAYS))} or none.", 415)
        raw = inflate(raw, most)
    if len(raw) > most:
        raise too_large("The body", most, "bytes")
    return raw


def from_snappy(raw: bytes, most: int) -> bytes:
    """The content of a raw or framed snappy body; raises `BadBody`."""
    import cramjam

    try:
        if raw.startswith(_FRAMED):
            if _framed_length(raw) > most:
                raise too_large("The body", most, "bytes after inflation")
            return bytes(cramjam.snappy.decompress(raw))
        length = cramjam.snappy.decompress_raw_len(raw)
        if length > most:
            raise too_large("The body", most, "bytes after inflation")
        if not raw or length > _SNAPPY_RATIO * len(raw):
            raise _damaged("snappy", "its length is wrong")
        return bytes(cramjam.snappy.decompress_raw(raw))
    except cramjam.DecompressionError as error:
        raise _damaged("snappy", str(error)) from None


def _framed_length(raw: bytes) -> int:
    """What all chunks of a framed body inflate to (google/snappy, framing_format.txt)."""
    import cramjam

    total, place = 0, 0
    while place + 4 <= len(raw):
        kind, length = raw[place], int.from_bytes(raw[place + 1 : place + 4], "little")
        if kind == 0:
            total += cramjam.snappy.decompress_raw_len(raw[place + 8 : place + 18])
        elif kind == 1:
            total += length
        place += 4 + length
    return total


def _damaged(kind: str, reason: str) -> BadBody:
    return BadBody(f"The body is no complete {kind} stream ({reason}); nothing of it was kept.")


def _members(raw: bytes, most: int, kind: str, piece: int, new: Callable[[], Any]) -> bytes:
    """All members (frames) of a stream, one after the other; zero bytes behind the last one are padding."""
    found: list[bytes] = []
    total, members, decoder = 0, 0, None
    try:
        for start in range(0, len(raw), piece):
            left = raw[start : start + piece]
            while left:
                if decoder is None:
                    if members and not left.strip(b"\0"):
                        break
                    members += 1
                    if members > _MEMBERS:
                        raise BadBody(f"The body has more than {_MEMBERS:,} {kind} members; compress it in one.")
                    decoder = new()
                got = decoder.decompress(left) if kind == "zstd" else decoder.decompress(left, most - total + 1)
                found.append(got)
                total += len(got)
                if total > most:
                    raise too_large("The body", most, "bytes after inflation")
                left = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
                decoder = None if decoder.eof else decoder
    except (zlib.error, zstandard.ZstdError) as error:
        raise _damaged(kind, str(error)) from None
    if decoder is not None or not members:
        raise _damaged(kind, "its end is missing")
    return b"".join(found)


def _gzip(raw: bytes, most: int) -> bytes:
    return _members(raw, most, "gzip", _PIECE, lambda: zlib.decompressobj(31))


def _deflate(raw: bytes, most: int) -> bytes:
    """With the header of zlib, as the RFC has it, or without, as some senders do."""
    headed = len(raw) > 1 and raw[0] & 15 == 8 and int.from_bytes(raw[:2], "big") % 31 == 0
    return _members(raw, most, "deflate", _PIECE, lambda: zlib.decompressobj(15 if headed else -15))


def _zstd(raw: bytes, most: int) -> bytes:
    return _members(raw, most, "zstd", _PIECE_ZSTD, zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj)


_WAYS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zlib": _deflate,
    "zstd": _zstd,
    "snappy": from_snappy,
    "x-snappy-framed": from_snappy,
}
