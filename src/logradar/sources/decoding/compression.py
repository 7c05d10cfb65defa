"""Bytes of a file, plain or compressed, in pieces of bounded size.

The kind is told by the first bytes, never by the name. What a cut or damaged file still
holds is handed out; where it broke goes to the quarantine. No piece grows with the input,
so a small file that unpacks to gigabytes (a "bomb") costs time but no memory.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import zstandard

from logradar.core.quarantine import Quarantine

PIECE: Final = 1 << 20  # bytes handed out at once, at most (zst: a few blocks of 128 KiB more)
RAW: Final = 1 << 16  # compressed bytes read at once; what a damaged xz file loses at its end
RAW_ZST: Final = 1 << 11  # its decoder cannot be told to stop, so it is fed little
MEMORY: Final = 512 << 20  # an xz file may ask for gigabytes of dictionary
MAGIC: Final = {
    b"\x1f\x8b": "gz",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"BZh": "bz2",
}


def kind_of(head: bytes) -> str | None:
    """``gz``, ``xz``, ``zst``, ``bz2``, or None for a file that is not compressed."""
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


def pieces(path: Path, name: str, quarantine: Quarantine, advance: Callable[[int], object]) -> Iterator[bytes]:
    """The unpacked bytes of ``path``; ``advance`` is told how many bytes of the file were used.

    Raises `OSError` where the file cannot be opened or read at all.
    """
    with path.open("rb") as file:
        kind = kind_of(file.read(8))
        file.seek(0)
        if kind is None:
            while raw := file.read(PIECE):
                advance(len(raw))
                yield raw
            return
        used = 0
        decoder: Any = None
        while raw := file.read(RAW_ZST if kind == "zst" else RAW):
            advance(len(raw))
            try:
                for out, now in _unpack(kind, decoder, raw):
                    decoder = now  # a new one where the next member of the file begins
                    if out:
                        yield out
            except (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, ValueError, EOFError) as error:
                quarantine.add(name, f"damaged {kind} data, the rest of the file is lost", offset=used, text=str(error))
                return
            used += len(raw)
        if decoder is not None and not decoder.eof:
            quarantine.add(name, f"cut {kind} file, its end is missing", offset=used)


def _unpack(kind: str, decoder: Any, raw: bytes) -> Iterator[tuple[bytes, Any]]:
    while raw:
        if decoder is None or decoder.eof:
            if decoder is not None and not raw.strip(b"\0"):  # padding behind the last member
                return
            decoder = _new(kind)
        if kind == "gz":
            full = True
            while not decoder.eof and (raw or full):  # output may be waiting inside when no input is left
                out = decoder.decompress(raw, PIECE)
                raw, full = decoder.unconsumed_tail, len(out) == PIECE
                yield out, decoder
            raw = decoder.unused_data if decoder.eof else b""
        elif kind == "zst":
            out = decoder.decompress(raw)
            raw = decoder.unused_data if decoder.eof else b""
            yield out, decoder
        else:
            out = decoder.decompress(raw, PIECE)
            yield out, decoder
            while not decoder.eof and not decoder.needs_input:
                yield decoder.decompress(b"", PIECE), decoder
            raw = decoder.unused_data if decoder.eof else b""


def _new(kind: str) -> Any:
    if kind == "gz":
        return zlib.decompressobj(wbits=31)
    if kind == "xz":
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=MEMORY)
    if kind == "bz2":
        return bz2.BZ2Decompressor()
    return zstandard.ZstdDecompressor().decompressobj()
