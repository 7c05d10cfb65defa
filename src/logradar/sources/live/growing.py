"""Growing: lines of stdin, or of a file that is followed, as LOG_RECORDS while they arrive.

A batch ends when no line has come for a moment, or when it is large enough. The last record of a batch may go on
in the next one (a stack trace), so it is held back until another record begins or nothing more comes.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BufferedReader
from types import FrameType
from typing import Any, Final, Protocol, Self

import polars as pl
import pyarrow as pa

from logradar.core.errors import ConfigError, InputError
from logradar.core.progress import say
from logradar.core.quarantine import Quarantine
from logradar.sources.base import sources
from logradar.sources.decoding.compression import kind_of
from logradar.sources.decoding.encoding import CUT, NULS, SKIPPED, is_binary, utf16_of
from logradar.sources.lines import Lines
from logradar.sources.live.following import Followed
from logradar.sources.live.pipe import STDIN, Pipe
from logradar.sources.opening.dating import dated
from logradar.sources.opening.documents import shape_of
from logradar.sources.opening.formats import SEEN, Format
from logradar.sources.opening.opening import InputSettings
from logradar.sources.opening.reading import Block, Sanitizer, blocks_of
from logradar.sources.opening.records import Records
from logradar.sources.opening.remarks import Remarks
from logradar.sources.opening.session_keys import check_regex

PAUSE: Final = 0.25  # seconds without a line after which those that came are handed on
PATIENCE: Final = 2.0  # seconds that the first lines may take, until the format is worked out from those that are there
_FITS: Final = 0.5  # share of the first lines that the format of training must fit
_ENOUGH: Final = 64  # bytes that tell whether the input is text
_FIRST: Final = 8192  # bytes that are looked at to know what the input is
_READ: Final = 4 << 20  # bytes that are handed on together, if so many are there


class Feed(Protocol):
    """Bytes that arrive: `Pipe` and `Followed`. ``new_file``: what was read last is the beginning of a file."""

    name: str
    new_file: bool

    def peek(self, size: int) -> bytes:
        """The first bytes, which are read again; it may wait for them."""

    def ready(self, seconds: float | None) -> bool:
        """Whether there is something to read, or the end; waits ``seconds`` at most, for ever with None."""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""


class Growing:
    """Lines of a binary stream as they come; ``plain`` is False for compressed or UTF-16 bytes and JSON documents.

    What cannot be read is counted in ``quarantine``. With ``whole_lines`` a last line without its end is left for the
    next call; ``left`` is how many bytes that are.
    """

    def __init__(self, stream: BufferedReader | Feed, *, whole_lines: bool = False) -> None:
        self._feed: Feed = Pipe(stream) if isinstance(stream, BufferedReader) else stream
        self.name = self._feed.name
        self.quarantine = Quarantine()
        self.lines = 0  # how many have been read; set it where a stream goes on, so that line numbers do too
        self._whole_lines, self.left = whole_lines, 0
        self._ended = self._interrupted = self._waiting = False
        head = self._feed.peek(_FIRST)
        shape = shape_of(head)  # the first line of JSON lines may be cut here
        document = shape is not None and (shape.depth > 0 or b"\n" in head)
        self.plain = kind_of(head[:8]) is None and utf16_of(head) is None and not document
        if self.plain and len(head) >= _ENOUGH and is_binary(head):
            raise InputError(f"{self._what} is binary; LogRadar reads text, plain or compressed.")

    @classmethod
    def stdin(cls) -> Self:
        """The standard input of this process."""
        if sys.stdin is None:
            raise InputError("Standard input is closed; name a file, or pipe lines into logradar.")
        return cls(Pipe(sys.stdin.buffer))

    @classmethod
    def file(cls, feed: Followed, *, whole_lines: bool = False) -> Self:
        """A file that is followed; its lines have their numbers in the file."""
        growing = cls(feed, whole_lines=whole_lines)
        growing.lines = feed.line - 1
        return growing

    @property
    def _what(self) -> str:
        return "Standard input" if self.name == STDIN else f"'{self.name}'"

    def at_line(self, facts: Mapping[str, Any]) -> Self:
        """The same, with line numbers that go on from ``facts``, which `place` gave in an earlier call."""
        if "followed" in facts:
            raise ConfigError("This state was made by following a file; name another folder for stdin.")
        self.lines = int(facts.get("lines", 0))
        return self

    def place(self) -> dict[str, Any]:
        """Where reading has ended, for the next call."""
        found: dict[str, Any] = {"lines": self.lines}
        if isinstance(self._feed, Followed):
            self._feed.give_back(self.left)
            found["followed"] = self._feed.position
        return found

    def close(self) -> None:
        """Let go of a file that was followed; standard input stays open."""
        if isinstance(self._feed, Followed):
            self._feed.close()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Ctrl-C or SIGTERM ends the input: what has arrived is still handed on. A second one interrupts as ever."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        again, self._interrupted = self._interrupted, True
        if self._waiting or again:
            raise KeyboardInterrupt

    def records(self, settings: InputSettings, expected: str | None = None) -> Iterator[pa.Table]:
        """LOG_RECORDS in batches, numbered from 0.

        ``expected`` is the format of the training logs; it is used if the first lines fit it, else the format is
        detected.
        """
        if settings.session_key:
            check_regex(settings.session_key)
        if settings.since or settings.until or settings.limit_files:
            raise ConfigError(f"{self._what} is not a set of files: leave out --since, --until and --limit-files.")
        kind = sources.load(settings.source) if settings.source else Lines
        source = kind() if issubclass(kind, Lines) else Lines()
        record_id, remarks = 0, Remarks(before=self.lines)
        for frame in self._frames(settings, expected):
            table = source.table(frame, record_id, self.name, settings.session_key or None, None)
            remarks.add(table)
            yield table
            record_id += len(frame)
        for sentence in remarks.sentences({self.name: datetime.now(UTC)}):
            say(sentence)

    def _frames(self, settings: InputSettings, expected: str | None) -> Iterator[pl.DataFrame]:
        reader: Records | None = None
        first: list[Block] = []  # until the format is known
        began = time.monotonic()
        for block in self._blocks(settings):
            if reader is not None:
                yield from reader.flush() if block is None else reader.push(block)
                continue
            began = began if first else time.monotonic()
            first += [block] if block is not None else []
            lines = [line for one in first for line in one.lines.to_list()]
            if lines and (len(lines) >= SEEN or time.monotonic() - began >= PATIENCE or self._ended):
                format_ = self._format(lines, settings.format, expected)
                format_, doubt = dated(format_, lines[:SEEN], None, settings.date_order)
                if doubt:
                    say(doubt)
                reader = Records(
                    format_, self.name, self.quarantine, settings.limits
                )  # it may run for years: no time is last
                for one in first:
                    yield from reader.push(one)
                if self._ended:
                    yield from reader.flush()

    def _format(self, lines: list[str], asked: str | None, expected: str | None) -> Format:
        if asked:
            return Format.named(asked, lines)
        if expected and (known := Format.named(expected, lines)).share >= _FITS:
            return known
        return Format.detect(lines)

    def _blocks(self, settings: InputSettings) -> Iterator[Block | None]:
        """Blocks of whole lines; None where nothing came for a moment, and at the end."""
        sanitizer, rest, first = Sanitizer(), b"", self.lines + 1
        for data in self._chunks():
            if data is None:
                yield None
                continue
            if self._feed.new_file and data:
                if rest:  # the file before ended without the end of a line
                    yield from blocks_of(rest + b"\n", first, sanitizer, self.name, self.quarantine, settings.limits)
                rest, first = b"", 1
            data = rest + data
            end = data.rfind(b"\n") + 1
            if self._ended and end < len(data):
                if self._whole_lines and len(data) - end <= settings.limits.line:
                    self.left = len(data) - end
                else:
                    data, end = data + b"\n", len(data) + 1
            rest = data[end:]
            if len(rest) > settings.limits.line:
                end, rest, data = len(data) + 1, b"", data + b"\n"
            if CUT in data[:end]:
                runs = len(NULS.findall(data[:end]))
                self.quarantine.add(self.name, SKIPPED, line=first, count=runs)
            if end:
                for block in blocks_of(data[:end], first, sanitizer, self.name, self.quarantine, settings.limits):
                    yield block
                    first = block.end
                self.lines = first - 1
        sanitizer.report(self.name, self.quarantine)

    def _chunks(self) -> Iterator[bytes | None]:
        """Bytes as they come; None where nothing comes for a moment, and at the end."""
        quiet = 0.0  # seconds without a byte
        while not self._ended:
            if self._interrupted:
                self._ended = True
                yield b""
                continue
            if not self._ready(None if quiet >= PATIENCE else PAUSE):
                quiet += PAUSE
                yield None
                continue
            quiet, data = 0.0, b""
            while not self._ended and len(data) < _READ and (not data or self._ready(0)):
                more = self._feed.read(_READ)
                self._ended, data = not more, data + more
                if self._feed.new_file:
                    break
            yield data
        yield None

    def _ready(self, seconds: float | None) -> bool:
        """Whether there is something to read, or the end; False when nothing comes for so many ``seconds``."""
        self._waiting = True
        try:
            return not self._interrupted and self._feed.ready(seconds)
        except KeyboardInterrupt:
            return False
        finally:
            self._waiting = False
