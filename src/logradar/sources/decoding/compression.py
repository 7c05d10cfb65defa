"""Bytes of a file, plain or compressed, in pieces of bounded size.

The kind of compression is determined by the first bytes, never by the name. Of a truncated or damaged file the
readable part is returned, and the position of the damage goes to the quarantine. Pieces do not grow with the input,
so a small file that unpacks to gigabytes (a "zip bomb") costs time but not memory.
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

PIECE: Final = 1 << 20  # largest piece in bytes; of zst 16 MiB, as a block of 128 KiB may take 4 bytes
RAW: Final = 1 << 16  # compressed bytes read at once; also what a damaged xz file loses at its end
RAW_ZST: Final = 1 << 9  # the zst decoder has no limit for its output, so it gets little input at a time
MEMORY: Final = 512 << 20  # limit of the dictionary of an xz file, which could be gigabytes
MAGIC: Final = {
    b"\x1f\x8b": "gz",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"BZh": "bz2",
}


def kind_of(head: bytes) -> str | None:
    """``gz``, ``xz``, ``zst``, ``bz2``, or None for a file that is not compressed."""
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


def pieces(path: Path, name: str, quarantine: Quarantine, on_progress: Callable[[int], object]) -> Iterator[bytes]:
    """The unpacked bytes of ``path``; ``on_progress`` is called with the number of bytes read from the file.

    Raises `OSError` if the file cannot be opened or read.
    """
    with path.open("rb") as file:
        kind = kind_of(file.read(8))
        file.seek(0)
        if kind is None:
            while raw := file.read(PIECE):
                on_progress(len(raw))
                yield raw
            return
        used = 0
        decoder: Any = None
        while raw := file.read(RAW_ZST if kind == "zst" else RAW):
            on_progress(len(raw))
            try:
                for out, now in _unpack(kind, decoder, raw):
                    decoder = now  # a new decoder for each member of the file
                    if out:
                        yield out
            except (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, ValueError, EOFError) as error:
                quarantine.add(name, f"damaged {kind} file, its rest is skipped", offset=used, text=str(error))
                return
            used += len(raw)
        if decoder is not None and not decoder.eof:
            quarantine.add(name, f"truncated {kind} file, its end is missing", offset=used)


def _unpack(kind: str, decoder: Any, raw: bytes) -> Iterator[tuple[bytes, Any]]:
    while raw:
        if decoder is None or decoder.eof:
            if decoder is not None and not raw.strip(b"\0"):  # padding after the last member
                return
            decoder = _new(kind)
        if kind == "gz":
            full = True
            while not decoder.eof and (raw or full):  # the decoder may have more output when no input is left
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
