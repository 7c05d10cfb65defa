"""Piped lines: standard input as a sender, line by line until it ends."""

from __future__ import annotations

import asyncio
import sys
from typing import BinaryIO, Final

from logradar.core.errors import InputError
from logradar.serving.arrivals import Arrival
from logradar.serving.ingest.sink import Refused, Sink
from logradar.serving.listeners.batches import append_patiently
from logradar.serving.listeners.file_lines import LIMIT, FileLines, Line
from logradar.sources.live.pipe import STDIN, Pipe

_WAIT: Final = 0.25  # seconds after which a stop is noticed
_READ: Final = 1 << 18


class PipedLines:
    """Appends the lines of ``stream`` (standard input) as they come.

    While the sink refuses nothing more is read, so the program before the pipe waits. A pipe has no position: lines
    that were read but not appended are lost where this process is killed.
    """

    def __init__(self, sink: Sink, *, stream: BinaryIO | None = None, limit: int = LIMIT) -> None:
        if stream is None and sys.stdin is None:
            raise InputError("Standard input is closed; name a file, or pipe lines into logradar.")
        self._sink, self._pipe = sink, Pipe(stream or sys.stdin.buffer)
        self._lines = FileLines(0, limit)
        self._count = self._refusals = 0
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Read until the end of the stream, or `stop`."""
        while not self._stop.is_set():
            data = await asyncio.to_thread(self._read)
            if data is None:
                continue
            await self._append(self._lines.feed(data) if data else self._lines.finish())
            if not data:
                return

    def stop(self) -> None:
        """End `run` as soon as what was read is appended, or refused once more."""
        self._stop.set()

    @property
    def counts(self) -> dict[str, int]:
        """Lines that were appended, those that were cut, and refused tries."""
        return {"lines": self._count, "cut": self._lines.cut, "refusals": self._refusals}

    async def _append(self, lines: list[Line]) -> None:
        if lines:
            arrivals = [Arrival(STDIN, line.text.decode("utf-8", "replace")) for line in lines]
            if await append_patiently(self._sink, arrivals, self._refused, stop=self._stop):
                self._count += len(arrivals)

    def _read(self) -> bytes | None:
        """What came; empty at the end, None where nothing came for a moment."""
        return self._pipe.read(_READ) if self._pipe.ready(_WAIT) else None

    def _refused(self, refusal: Refused) -> None:
        self._refusals += 1
