"""CRI parts: long lines that Kubernetes divided (``time stdout P text`` … ``time stdout F text``) in one piece again.

The joined line keeps its header, with F for whole, because the header is read later, as in a file
(`logradar.sources.opening.wrappers`). Here the parts are joined because a position in the file must not be stored
between them, and because the reader of lines does not wait for a part that comes late.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from logradar.serving.listeners.file_lines import LIMIT, Line

_PART: Final = re.compile(
    rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,20}(?:Z|[+-][0-9:]{4,6}) (stdout|stderr) )([PF])(?::\S*)? ?(.*)", re.DOTALL
)
_NEAR: Final = 64  # bytes in which the mark of a part is
MOST: Final = 10_000  # lines that wait for one that is not complete
PATIENCE: Final = 5.0  # seconds that they wait


class CriParts:
    """Joins the parts of each stream; lines behind an open one wait for it, so the order is that of first parts.

    A joined line has at most ``limit`` bytes of text; ``cut`` counts longer ones. After `MOST` lines or `PATIENCE`
    without the last part (its writer was killed) what is there is handed on as it is.
    """

    def __init__(self, *, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self.cut = 0
        self._limit, self._clock = limit, clock
        self._waiting: list[tuple[bytearray | bytes, int, int]] = []
        self._open: dict[bytes, int] = {}  # place among those that wait, by stream
        self._since = 0.0

    @property
    def start(self) -> int | None:
        """The offset of the first line that waits, None where none does."""
        return self._waiting[0][1] if self._waiting else None

    def push(self, lines: list[Line]) -> list[Line]:
        """The lines that can be handed on."""
        if not self._open:
            first = next((place for place, line in enumerate(lines) if _begins_part(line.text)), None)
            if first is None:
                return lines
            done, lines = lines[:first], lines[first:]
        else:
            done = []
        for line in lines:
            self._add(line)
            if not self._open or len(self._waiting) > MOST:
                done += self.flush()
        if self._open and self._clock() - self._since > PATIENCE:
            done += self.flush()
        return done

    def flush(self) -> list[Line]:
        """All lines that wait, whether they are complete or not."""
        done = [Line(bytes(text), start, end) for text, start, end in self._waiting]
        self._waiting, self._open = [], {}
        return done

    def _add(self, line: Line) -> None:
        part = _PART.fullmatch(line.text) if self._open or _begins_part(line.text) else None
        if part is None:
            self._waiting.append(line)
            return
        stream, more = part[2], part[3] == b"P"
        place = self._open.get(stream)
        if place is None:
            if not more:
                self._waiting.append(line)
                return
            self._since = self._clock() if not self._open else self._since
            self._open[stream] = len(self._waiting)
            self._waiting.append((bytearray(part[1] + b"F " + part[4]), line.start, line.end))
            return
        text, start, _ = self._waiting[place]
        assert isinstance(text, bytearray)
        if len(text) < self._limit:
            text += part[4][: self._limit - len(text)]
            self.cut += len(text) == self._limit
        self._waiting[place] = (text, start, line.end)
        if not more:
            del self._open[stream]


def _begins_part(text: bytes) -> bool:
    return b" std" in text[:_NEAR] and (b"out P" in text[:_NEAR] or b"err P" in text[:_NEAR])
