"""File lines: the lines in the bytes of a file, each with the place where it ends."""

from __future__ import annotations

from typing import Final, NamedTuple

from logradar.serving.listeners.syslog_frames import whole_characters
from logradar.sources.base import ReadLimits
from logradar.sources.decoding.encoding import NULS, UTF8_BOM

LIMIT: Final = ReadLimits().line


class Line(NamedTuple):
    """One line without its end, and the offsets of its first byte and of the byte after its end."""

    text: bytes
    start: int
    end: int


class FileLines:
    """Divides bytes that follow each other from offset ``at`` into lines; of a long one only ``limit`` bytes are held.

    A line is handed on once its end is there; ``cut`` counts the long ones, ``start`` is where the next one begins.
    Runs of NUL bytes, which a file has after it was emptied under its writer, divide lines and are left out, as
    `logradar.sources.opening.reading` does it.
    """

    def __init__(self, at: int = 0, limit: int = LIMIT) -> None:
        self.start = self.at = at
        self.cut = 0
        self._limit = limit
        self._held = bytearray()  # of the line that is not complete, its beginning

    def feed(self, data: bytes) -> list[Line]:
        """The lines that are complete once ``data`` has come."""
        found: list[Line] = []
        place = 0
        while (end := data.find(b"\n", place)) >= 0:
            self._hold(data[place:end])
            place = end + 1
            self._finish(found, self.at + place)
        self.at += len(data)
        self._hold(data[place:])
        return found

    def finish(self) -> list[Line]:
        """The last line of a file that nobody writes to any more, if it has no end."""
        found: list[Line] = []
        if self.start < self.at:
            self._finish(found, self.at)
        return found

    def _hold(self, piece: bytes) -> None:
        if not self._held and piece[:1] == b"\0":
            piece = piece.lstrip(b"\0")
        self._held += piece[: max(0, self._limit + 1 - len(self._held))]

    def _finish(self, found: list[Line], end: int) -> None:
        held, start = self._held, self.start
        self._held, self.start = bytearray(), end
        if len(held) > self._limit:
            held = whole_characters(held[: self._limit])
            self.cut += 1
        text = bytes(held.rstrip(b"\r\0"))
        if start == 0:
            text = text.removeprefix(UTF8_BOM)
        parts = NULS.split(text) if b"\0\0\0\0" in text else [text]
        found += [Line(part, start, end) for part in parts if part]
