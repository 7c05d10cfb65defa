"""Text of a file as blocks of complete lines: any compression, any line end, flat memory.

What is put right on the way is counted in the quarantine with its place: bytes that are not
UTF-8, control characters, lines beyond the limit (their head is kept).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Limits
from logradar.sources.decoding.compression import pieces

UTF8_BOM: Final = b"\xef\xbb\xbf"
UTF16_BOMS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
CONTROLS: Final = bytes(c for c in [*range(32), 127] if bytes([c]) not in (b"\t", b"\n", b"\r"))
COLOURS: Final = re.compile(rb"\x1b\[[0-9;:?]*[ -/]*[@-~]")  # ECMA-48 control sequences, as terminals show colours
REPLACED: Final = "�".encode()
SAMPLE: Final = 4 << 20


@dataclass(frozen=True)
class Block:
    """Lines that follow each other: ``lines`` without line ends, ``first`` is the number of the first (from 1)."""

    lines: pl.Series
    first: int


def read_blocks(
    path: Path,
    name: str,
    quarantine: Quarantine,
    limits: Limits = Limits(),  # noqa: B008 it is frozen
    advance: Callable[[int], object] = lambda count: None,
) -> Iterator[Block]:
    """The lines of ``path`` in blocks of about ``limits.block`` bytes and at most ``limits.rows`` lines.

    ``name`` is what the quarantine calls the file; ``advance`` is told how many bytes of the
    file (compressed, where it is) were used. Raises `OSError` where it cannot be read at all.
    """
    mending = _Mending()
    first = 1
    for data in _whole_lines(pieces(path, name, quarantine, advance), name, quarantine, limits):
        lines, cut = split_lines(mending.mend(data, first), limits.line)
        for row in cut:
            quarantine.add(name, "line too long, cut", line=first + row, text=lines[row][:200])
        for start in range(0, len(lines), limits.rows):
            yield Block(lines.slice(start, limits.rows), first + start)
        first += len(lines)
    mending.report(name, quarantine)


def read_sample(path: Path, size: int = SAMPLE, rows: int = 20_000) -> list[str]:
    """The first lines of a file, to recognise it by: at most ``size`` bytes and ``rows`` lines.

    Empty for a file without text. Raises `OSError` where it cannot be read.
    """
    limits = Limits(block=size, rows=rows, line=min(size, Limits().line))
    for block in read_blocks(path, path.name, Quarantine(), limits):
        return block.lines.to_list()
    return []


def read_head(path: Path, size: int, quarantine: Quarantine) -> bytes:
    """The first unpacked bytes of a file. Raises `OSError` where it cannot be read."""
    head = b""
    for piece in pieces(path, path.name, quarantine, lambda count: None):
        head += piece[: size - len(head)]
        if len(head) >= size:
            break
    return head


def is_binary(head: bytes) -> bool:
    """Whether the first bytes of a file are no text: many control characters, or hardly any valid UTF-8."""
    if head.startswith((*UTF16_BOMS, UTF8_BOM)) or not head:
        return False
    plain = COLOURS.sub(b"", head)
    controls = len(plain) - len(plain.translate(None, CONTROLS))
    replaced = plain.decode("utf-8", "replace").count("�")
    return controls > 0.1 * len(plain) or replaced > 0.3 * len(plain)


def _whole_lines(raw: Iterator[bytes], name: str, quarantine: Quarantine, limits: Limits) -> Iterator[bytes]:
    """Bytes that end where a line ends, about ``limits.block`` at once; an endless line loses its end."""
    waiting: list[bytes] = []
    size, line, dropped = 0, 1, 0
    for piece in _as_utf8(raw):
        if dropped:  # inside a line whose head is already in waiting
            cut = piece.find(b"\n")
            if cut < 0:
                dropped += len(piece)
                if dropped > limits.endless:
                    quarantine.add(name, "line without an end, the rest of the file is lost", line=line)
                    break
                continue
            piece, dropped = piece[cut:], 0
        waiting.append(piece)
        size += len(piece)
        if size < limits.block:
            continue
        data = b"".join(waiting)
        end = data.rfind(b"\n") + 1
        rest = data[end:]
        if end:
            yield data[:end]
            line += data.count(b"\n", 0, end)
        if len(rest) > 2 * limits.line:  # a character of 4 bytes may be cut, so more than the limit is kept
            dropped, rest = len(rest) - limits.line - 8, rest[: limits.line + 8]
        waiting, size = [rest], len(rest)
    if data := b"".join(waiting):
        yield data if data.endswith(b"\n") else data + b"\n"


def _as_utf8(raw: Iterator[bytes]) -> Iterator[bytes]:
    """Bytes without a byte order mark; UTF-16 and lone carriage returns are turned to UTF-8 and line feeds."""
    start = b""
    for piece in raw:
        start += piece
        if len(start) >= 1 << 16:
            break
    encoding = UTF16_BOMS.get(start[:2])
    if encoding:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        yield decoder.decode(start[2:]).encode()
        for piece in raw:
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", final=True).encode()
        return
    start = start.removeprefix(UTF8_BOM)
    lone = b"\r" in start and b"\n" not in start
    yield start.replace(b"\r", b"\n") if lone else start
    for piece in raw:
        yield piece.replace(b"\r", b"\n") if lone else piece


class _Mending:
    """Makes bytes valid, printable UTF-8 and remembers how many lines needed it."""

    def __init__(self) -> None:
        self.counts = {"line with bytes that are not UTF-8, replaced": 0, "line with control characters, removed": 0}
        self.firsts: dict[str, tuple[int, str]] = {}

    def mend(self, data: bytes, first: int) -> bytes:
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b" ")
        if b"\x1b" in data:
            data = COLOURS.sub(b"", data)
        clean = data.translate(None, CONTROLS)
        if len(clean) != len(data):
            at = np.flatnonzero(np.isin(np.frombuffer(data, np.uint8), np.frombuffer(CONTROLS, np.uint8)))
            self._count("line with control characters, removed", data, at, first)
            data = clean
        try:
            data.decode()
        except UnicodeDecodeError:
            mended = data.decode("utf-8", "replace").encode()
            own = data.replace(REPLACED, b"???").decode("utf-8", "replace").encode()  # without those that stood there
            at = np.array([found.start() for found in re.finditer(REPLACED, own)])
            self._count("line with bytes that are not UTF-8, replaced", mended, at, first)
            data = mended
        return data

    def _count(self, reason: str, data: bytes, at: npt.NDArray[np.intp], first: int) -> None:
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
        rows = np.unique(np.searchsorted(ends, at))
        self.counts[reason] += len(rows)
        if reason not in self.firsts:
            start = ends[rows[0] - 1] + 1 if rows[0] else 0
            text = data[start : ends[rows[0]]][:200].decode("utf-8", "replace")
            self.firsts[reason] = (first + int(rows[0]), text)

    def report(self, name: str, quarantine: Quarantine) -> None:
        for reason, (line, text) in self.firsts.items():
            quarantine.add(name, reason, line=line, text=text, count=self.counts[reason])


def split_lines(data: bytes, limit: int) -> tuple[pl.Series, list[int]]:
    """Valid UTF-8 bytes as a series of lines, and the rows of those that were cut at ``limit`` bytes.

    The series points into ``data``: no line is copied. Layout of a string view: Arrow columnar
    format 1.4, "Variable-size Binary View Layout".
    """
    if data and not data.endswith(b"\n"):
        data += b"\n"
    padded = np.frombuffer(data + bytes(12), np.uint8)
    ends = np.flatnonzero(padded == 10)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])[: len(ends)]
    lengths = ends - starts
    cut = np.flatnonzero(lengths > limit).tolist()
    for row in cut:
        end = int(starts[row]) + limit
        while padded[end] & 0xC0 == 0x80:  # not in the middle of a character
            end -= 1
        lengths[row] = end - starts[row]
    views = np.zeros((len(ends), 4), np.int32)
    views[:, 0] = lengths
    views[:, 1] = np.lib.stride_tricks.sliding_window_view(padded, 4)[starts].view(np.int32)[:, 0]
    views[:, 3] = starts
    short = np.flatnonzero(lengths <= 12)  # these stand in the view itself
    text = np.lib.stride_tricks.sliding_window_view(padded, 12)[starts[short]]
    text[np.arange(12) >= lengths[short, None]] = 0
    views[short, 1:] = text.view(np.int32)
    array = pa.Array.from_buffers(pa.string_view(), len(ends), [None, pa.py_buffer(views.data), pa.py_buffer(data)])
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series.alias("text"), cut
