"""Reads the text of a file as blocks of complete lines, with any compression and line end, in bounded memory.

Corrections are counted in the quarantine with their position: bytes that are not UTF-8, control characters, and
lines that are too long (their beginning is kept).
"""

from __future__ import annotations

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
from logradar.sources.base import ReadLimits
from logradar.sources.decoding.compression import pieces
from logradar.sources.decoding.encoding import COLOURS, CONTROLS, CUT, NULS, as_utf8, without_nul_runs

REPLACED: Final = "�".encode()
SAMPLE: Final = 4 << 20  # bytes


@dataclass(frozen=True)
class Block:
    """Consecutive lines: ``lines`` without line ends, ``first`` is the number of the first line (from 1).

    ``numbers`` are given where they do not simply count on: a line that a run of NUL bytes divides is two lines of one
    number here, and an event of a JSON document has the number of the line where it begins.
    """

    lines: pl.Series
    first: int
    numbers: pl.Series | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """The lines as rows ``line`` (their number) and ``text``."""
        counted = pl.int_range(self.first, self.first + len(self.lines), eager=True)
        return pl.DataFrame({"line": counted if self.numbers is None else self.numbers, "text": self.lines})

    @property
    def end(self) -> int:
        """The number of the line after the last one."""
        return self.first + len(self.lines) if self.numbers is None else int(self.numbers[-1]) + 1


def read_blocks(
    path: Path,
    name: str,
    quarantine: Quarantine,
    limits: ReadLimits = ReadLimits(),  # noqa: B008 it is frozen
    on_progress: Callable[[int], object] = lambda count: None,
) -> Iterator[Block]:
    """The lines of ``path`` in blocks of about ``limits.block`` bytes and at most ``limits.rows`` lines.

    ``name`` is the name of the file in the quarantine. ``on_progress`` is called with the number of bytes read from the
    file (compressed bytes, if it is compressed). Raises `OSError` if the file cannot be read.
    """
    sanitizer = Sanitizer()
    first = 1
    for data in _whole_lines(text_of(path, name, quarantine, on_progress), name, quarantine, limits):
        for block in blocks_of(data, first, sanitizer, name, quarantine, limits):
            yield block
            first = block.end
    sanitizer.report(name, quarantine)


def text_of(
    path: Path, name: str, quarantine: Quarantine, on_progress: Callable[[int], object] = lambda count: None
) -> Iterator[bytes]:
    """The text of a file in UTF-8, in pieces. Raises `OSError` if the file cannot be read."""
    return without_nul_runs(as_utf8(pieces(path, name, quarantine, on_progress)), name, quarantine)


def blocks_of(
    data: bytes, first: int, sanitizer: Sanitizer, name: str, quarantine: Quarantine, limits: ReadLimits
) -> Iterator[Block]:
    """The lines of ``data``, whole lines of which the first has the number ``first``."""
    clean, divided = sanitizer.clean(data, first)
    lines, cut = split_lines(clean, limits.line)
    numbers = None
    if divided:
        counted = np.ones(len(lines), np.int64)
        counted[divided] = 0
        numbers = pl.Series("line", first - 1 + np.cumsum(counted))
    for row in cut:
        line = first + row if numbers is None else numbers[row]
        quarantine.add(name, "line too long, cut", line=line, text=lines[row][:200])
    for start in range(0, len(lines), limits.rows):
        rows = lines.slice(start, limits.rows)
        if numbers is None:
            yield Block(rows, first + start)
        else:
            yield Block(rows, int(numbers[start]), numbers.slice(start, limits.rows))


def read_sample(path: Path, size: int = SAMPLE, rows: int = 20_000) -> list[str]:
    """The first lines of a file, by which it is recognised: at most ``size`` bytes and ``rows`` lines.

    Empty for a file without text. Raises `OSError` if it cannot be read.
    """
    limits = ReadLimits(block=size, rows=rows, line=min(size, ReadLimits().line))
    for block in read_blocks(path, path.name, Quarantine(), limits):
        return block.lines.to_list()
    return []


def read_head(path: Path, size: int, quarantine: Quarantine) -> bytes:
    """The first ``size`` unpacked bytes of a file, without runs of NUL bytes. Raises `OSError` if it cannot be read."""
    head = b""
    for piece in without_nul_runs(pieces(path, path.name, quarantine, lambda count: None), path.name, quarantine):
        head += piece[: size - len(head)]
        if len(head) >= size:
            break
    return head


def _whole_lines(raw: Iterator[bytes], name: str, quarantine: Quarantine, limits: ReadLimits) -> Iterator[bytes]:
    """Pieces of about ``limits.block`` bytes that end at the end of a line; a line that is too long is cut."""
    waiting: list[bytes] = []
    size, line, dropped = 0, 1, 0
    for piece in raw:
        if dropped:  # inside a line whose beginning is already in `waiting`
            line_end = piece.find(b"\n")
            if line_end < 0:
                dropped += len(piece)
                if dropped > limits.endless:
                    quarantine.add(name, "line without an end, rest of the file skipped", line=line)
                    break
                continue
            piece, dropped = piece[line_end:], 0
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
        if len(rest) > 2 * limits.line:  # a character of 4 bytes may be cut, so a little more than the limit is kept
            dropped, rest = len(rest) - limits.line - 8, rest[: limits.line + 8]
        waiting, size = [rest], len(rest)
    if data := b"".join(waiting):
        yield data if data.endswith(b"\n") else data + b"\n"


class Sanitizer:
    """Turns bytes into valid, printable UTF-8 and counts the lines that were changed."""

    def __init__(self) -> None:
        self.counts = {"line with bytes that are not UTF-8, replaced": 0, "line with control characters, removed": 0}
        self.firsts: dict[str, tuple[int, str]] = {}

    def clean(self, data: bytes, first: int) -> tuple[bytes, list[int]]:
        """Valid, printable UTF-8 of ``data``, whole lines of which the first has the number ``first``.

        Also the rows that are a further part of the line before, because a run of NUL bytes divided it.
        """
        ends: list[int] = []
        if CUT in data:
            data, ends = _divided(data)
        divided = [data.count(b"\n", 0, ends[0] + 1)] if len(ends) == 1 else []
        if len(ends) > 1:
            every = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
            divided = (np.searchsorted(every, ends) + 1).tolist()
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
            repaired = data.decode("utf-8", "replace").encode()
            new = data.replace(REPLACED, b"???").decode("utf-8", "replace").encode()  # without those of the file
            at = np.array([match.start() for match in re.finditer(REPLACED, new)])
            self._count("line with bytes that are not UTF-8, replaced", repaired, at, first)
            data = repaired
        return data, divided

    def _count(self, reason: str, data: bytes, at: npt.NDArray[np.intp], first: int) -> None:
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
        rows = np.unique(np.searchsorted(ends, at))
        self.counts[reason] += len(rows)
        if reason not in self.firsts:
            start = ends[rows[0] - 1] + 1 if rows[0] else 0
            text = data[start : ends[rows[0]]][:200].decode("utf-8", "replace")
            self.firsts[reason] = (first + int(rows[0]), text)

    def report(self, name: str, quarantine: Quarantine) -> None:
        """Count in ``quarantine`` how many lines had to be changed, with the place of the first of each kind."""
        for reason, (line, text) in self.firsts.items():
            quarantine.add(name, reason, line=line, text=text, count=self.counts[reason])


def _divided(data: bytes) -> tuple[bytes, list[int]]:
    """``data`` without runs of NUL bytes, and where line feeds replace some, because there is text on both sides."""
    parts: list[bytes] = []
    ends: list[int] = []
    size = start = 0
    for run in NULS.finditer(data):
        parts.append(data[start : run.start()])
        size += run.start() - start
        start = run.end()
        before = data[run.start() - 1 : run.start()] if run.start() else b"\n"
        if before != b"\n" and data[start : start + 1] not in (b"\n", b"\r", b""):
            ends.append(size)
            parts.append(b"\n")
            size += 1
    return b"".join([*parts, data[start:]]), ends


def split_lines(data: bytes, limit: int) -> tuple[pl.Series, list[int]]:
    """Valid UTF-8 bytes as a series of lines, and the indices of the lines that were cut at ``limit`` bytes.

    The series refers to ``data``: no line is copied. Layout of a string view: Arrow columnar
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
    short = np.flatnonzero(lengths <= 12)  # these are stored in the view itself
    text = np.lib.stride_tricks.sliding_window_view(padded, 12)[starts[short]]
    text[np.arange(12) >= lengths[short, None]] = 0
    views[short, 1:] = text.view(np.int32)
    array = pa.Array.from_buffers(pa.string_view(), len(ends), [None, pa.py_buffer(views.data), pa.py_buffer(data)])
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series.alias("text"), cut
