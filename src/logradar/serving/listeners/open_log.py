"""Open log: one file that is being read, and the mark behind the lines that it gave.

The mark is made of bytes as they were read, never by looking at the file again: between two looks a writer may empty
the file and begin it anew.
"""

from __future__ import annotations

import os
from dataclasses import replace

from logradar.serving.listeners.cri_parts import CriParts
from logradar.serving.listeners.file_lines import FileLines, Line
from logradar.serving.listeners.rotation import HEAD, TAIL, Mark, digest, node_of


class OpenLog:
    """The open ``file`` from offset ``at`` on; `close` closes it.

    ``mark`` is the place behind the lines that were handed on. ``seen`` is the last change of the file (ns) that its
    opener knows of, by default the one now. ``quiet`` counts looks that found nothing new.
    """

    def __init__(self, file: int, at: int, limit: int, seen: int | None = None) -> None:
        self.file, self.quiet = file, 0
        self._lines, self._parts = FileLines(at, limit), CriParts(limit=limit)
        self._head = os.pread(file, min(at, HEAD), 0)
        self._tail = os.pread(file, min(at, TAIL), at - min(at, TAIL))  # the last bytes before the place of reading
        info = os.fstat(file)
        changed = info.st_mtime_ns if seen is None else seen
        self.mark = Mark(node_of(info), at, digest(self._head), digest(self._tail), changed)

    def close(self) -> None:
        """Let go of the file."""
        if self.file >= 0:
            os.close(self.file)
        self.file = -1

    @property
    def cut(self) -> int:
        """Lines that were too long."""
        return self._lines.cut + self._parts.cut

    @property
    def unread(self) -> bool:
        """Whether nothing of the file was read yet."""
        return self._lines.at == 0

    def look(self, size: int) -> tuple[bytes, int] | None:
        """At most ``size`` new bytes and the last change before; None where the file holds something else now."""
        seen, tail = os.fstat(self.file).st_mtime_ns, self._tail
        data = os.pread(self.file, len(tail) + size, self._lines.at - len(tail))
        return (data[len(tail) :], seen) if data.startswith(tail) else None

    def take(self, new: bytes, seen: int) -> list[Line]:
        """The lines that are whole once these bytes, which `look` gave, have come."""
        begin = self._lines.at - len(self._tail)
        known = self._tail + new
        if len(self._head) < HEAD:
            self._head += new[: HEAD - len(self._head)]
        self.quiet = 0 if new else self.quiet + 1
        lines = self._parts.push(self._lines.feed(new))
        self._tail = known[-TAIL:]
        self._note(known, begin, seen)
        return lines

    def finish(self) -> list[Line]:
        """What is left of a file to which nobody writes any more."""
        lines = self._parts.push(self._lines.finish()) + self._parts.flush()
        self._note(self._tail, self._lines.at - len(self._tail), self.mark.seen)
        return lines

    def _note(self, known: bytes, begin: int, seen: int) -> None:
        """Note the place behind the lines that were handed on; ``known`` are the bytes from offset ``begin`` on."""
        start = self._parts.start
        at = self._lines.start if start is None else start
        if at == self.mark.at:
            self.mark = replace(self.mark, seen=seen)
            return
        first = at - min(at, TAIL)
        was_read_now = first >= begin  # else parts that waited long were let go
        tail = known[first - begin : at - begin] if was_read_now else os.pread(self.file, at - first, first)
        self.mark = Mark(self.mark.node, at, digest(self._head[:at]), digest(tail), seen)
