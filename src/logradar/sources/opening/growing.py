"""Growing: lines of stdin as LOG_RECORDS while they arrive, as `tail -f` writes them.

A batch ends when no line has come for a moment, or when it is large enough. The last record of a batch may go on
in the next one (a stack trace), so it is held back until another record begins or nothing more comes.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final, Self

import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.sources.base import sources
from logradar.sources.decoding.compression import kind_of
from logradar.sources.lines import Lines
from logradar.sources.opening.formats import SEEN, Format
from logradar.sources.opening.opening import InputSettings
from logradar.sources.opening.reading import UTF16_BOMS, Block, Mending, split_lines
from logradar.sources.opening.records import Records

NAME: Final = "stdin"
PAUSE: Final = 0.25  # seconds without a line after which those that came are handed on
PATIENCE: Final = 2.0  # seconds that the first lines may take, until the format is worked out from those that are there
_FITS: Final = 0.5  # share of the first lines that the format of training must fit
_READ: Final = 1 << 20


class Growing:
    """Lines of a binary stream as they come; ``plain`` is False for compressed or UTF-16 bytes.

    What cannot be read is counted in ``quarantine``.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.quarantine = Quarantine()
        self.interrupted = False
        head = stream.peek(8)[:8] if hasattr(stream, "peek") else b""
        self.plain = kind_of(head) is None and head[:2] not in UTF16_BOMS

    @classmethod
    def stdin(cls) -> Self:
        """The standard input of this process."""
        return cls(sys.stdin.buffer)

    def records(self, settings: InputSettings, expected: str | None = None) -> Iterator[pa.Table]:
        """LOG_RECORDS in batches, numbered from 0; ``expected`` is the format that is taken if the first lines fit it."""
        kind = sources.load(settings.source) if settings.source else Lines
        source = kind() if issubclass(kind, Lines) else Lines()
        reader: Records | None = None
        waiting: list[str] = []
        began, record_id = 0.0, 0
        for block in self._blocks(settings):
            if reader is None:
                began = began or time.monotonic()
                if block is not None:
                    waiting += block.lines.to_list()
                    held = [*held, block] if len(waiting) > len(block.lines) else [block]
                ended = block is None and self._ended
                if len(waiting) < SEEN and time.monotonic() - began < PATIENCE and not ended:
                    continue
                if not waiting:
                    began = 0.0
                    continue
                format_ = self._format(waiting, settings.format, expected)
                reader = Records(format_, NAME, self.quarantine, settings.limits, datetime.now(UTC))
                frames = [frame for one in held for frame in reader.push(one)]
                frames += reader.flush() if ended else []
            else:
                frames = list(reader.flush() if block is None else reader.push(block))
            for frame in frames:
                yield source.table(frame, record_id, NAME, settings.session_key, None)
                record_id += len(frame)

    def _format(self, lines: list[str], asked: str | None, expected: str | None) -> Format:
        if asked:
            return Format.named(asked, lines)
        if expected and (known := Format.named(expected, lines)).share >= _FITS:
            return known
        return Format.detect(lines)

    def _blocks(self, settings: InputSettings) -> Iterator[Block | None]:
        """Blocks of whole lines; None where nothing came for a moment, and at the end."""
        mending, rest, first = Mending(), b"", 1
        for data in self._chunks():
            if data is None:
                yield None
                continue
            data = rest + data
            end = data.rfind(b"\n") + 1
            if self._ended and end < len(data):
                data, end = data + b"\n", len(data) + 1
            rest = data[end:]
            if len(rest) > settings.limits.line:
                end, rest, data = len(data) + 1, b"", data + b"\n"
            if end:
                lines, cut = split_lines(mending.mend(data[:end], first), settings.limits.line)
                for row in cut:
                    self.quarantine.add(NAME, "line too long, cut", line=first + row, text=lines[row][:200])
                for start in range(0, len(lines), settings.limits.rows):
                    yield Block(lines.slice(start, settings.limits.rows), first + start)
                first += len(lines)
        mending.report(NAME, self.quarantine)

    def _chunks(self) -> Iterator[bytes | None]:
        """Bytes as they come, those of a moment together; None where nothing came, and at the end."""
        self._ended, quiet = False, False
        while not self._ended:
            if self._ready(None if quiet else PAUSE):
                data = self._stream.read1(_READ) if hasattr(self._stream, "read1") else self._stream.read(_READ)
                self._ended, quiet = not data, False
                if data or self._ended:
                    yield data
            else:
                quiet = True
                yield None
        yield None

    def _ready(self, seconds: float | None) -> bool:
        """Whether there is something to read, or the end; False when nothing comes for so many seconds."""
        try:
            descriptor = self._stream.fileno()
        except (OSError, AttributeError, ValueError):
            return True
        if hasattr(self._stream, "peek") and os.name == "posix" and _buffered(self._stream):
            return True
        return bool(select.select([descriptor], [], [], seconds)[0])
