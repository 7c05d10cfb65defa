"""Reads day files as a stream: blocks of bytes come in, tables of sessions go out, in bounded memory.

A block has about 8 MB. The part of an object that is not complete at the end of a block is moved to the beginning of
the next one. All loops over bytes are in the kernels of `walk` and `decode`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from logradar.core.quarantine import KEPT_TEXT
from logradar.sources.radar import walk as steps
from logradar.sources.radar.columns import EXAMPLES, NOTES, UNKNOWN_KEY, Columns, fresh, room
from logradar.sources.radar.faults import Example, Faults
from logradar.sources.radar.grammar import SLACK
from logradar.sources.radar.table import table_of

BLOCK: Final = 8 << 20
LIMIT: Final = 64 << 20  # a larger object is quarantined (one of this size takes 900 MB of memory)
LARGE: Final = 16 << 20  # an object larger than this is quarantined if another one begins inside it

Reader = Callable[
    [memoryview], int
]  # fills the beginning of a buffer and returns the number of bytes; 0 at the end of the file


class Scanner:
    """Reads one file.

    ``block`` is about the number of bytes that are read at once, ``limit`` the largest size of an object. If an object
    is larger than ``large`` and another one with a known key begins inside it, the first one is incomplete and is
    skipped, because the following ones would be lost too. Faults are added to ``faults``.
    """

    def __init__(self, faults: Faults, block: int = BLOCK, limit: int = LIMIT, large: int = LARGE) -> None:
        self.faults, self.block, self.limit, self.large = faults, block, limit, large
        self._buffer = fresh(block + SLACK, np.uint8)
        self._held = 0  # bytes in the buffer
        self._base = 0  # offset in the file of the first byte in the buffer
        self._trail = steps.begin()

    def tables(self, read: Reader) -> Iterator[pa.Table]:
        """Tables of DAY_SESSIONS, about one for each block; ``read`` fills a buffer with unpacked bytes of the file."""
        for columns in self.blocks(read):
            if columns.used[0]:
                yield table_of(columns)
        self.faults.close()

    def blocks(self, read: Reader) -> Iterator[Columns]:
        """The columns of each block; the same arrays are used again for the next block."""
        start, final = 0, False
        columns = room(len(self._buffer))
        while not final or start:
            if not start:
                final = self._fill(read, max(self.block, min(2 * self._held, self.limit + self.block)))
            if self._held > columns.size:
                columns = room(len(self._buffer))
            columns.clear()
            done = self._walk(start, final, columns)
            self._add_notes(columns)
            yield columns
            self._drop(done)
            start = 0
            if not final and self._is_endless():
                start = 1

    def _fill(self, read: Reader, size: int) -> bool:
        """Read until the buffer holds ``size`` bytes; returns whether the file has ended."""
        if size + SLACK > len(self._buffer):
            larger = fresh(size + SLACK, np.uint8)
            larger[: self._held] = self._buffer[: self._held]
            self._buffer = larger
        view = self._buffer.data
        final = False
        while self._held < size and not final:
            count = read(view[self._held : size])
            self._held += count
            final = count == 0
        self._buffer[self._held : self._held + SLACK] = 0
        return final

    def _walk(self, done: int, final: bool, columns: Columns) -> int:
        """Read the objects in the buffer from byte ``done`` on; returns the position after the last complete one."""
        while True:
            done, why = steps.walk(self._buffer, done, self._held, self._base, final, self._trail, columns)
            for status, key, start, end, place in self._trail.faults[: self._trail.at[1]].tolist():
                self.faults.add_lost(status, key, self._example(start, end, place))
            self._trail.at[1] = 0
            if why == steps.MORE:
                return done

    def _is_endless(self) -> bool:
        """Whether to skip the object at the beginning of the buffer and search for the next one in it."""
        if self._held < min(self.large, self.limit) or self._trail.at[0] == steps.SEARCH:
            return False
        _, interrupted = steps.mark(self._buffer, 1, self._held)
        if not interrupted and self._held <= self.limit:
            return False
        status = steps.ENDLESS if interrupted else steps.HUGE
        self.faults.add_lost(status, UNKNOWN_KEY, self._example(self._base, self._base + KEPT_TEXT, self._base))
        self._trail.at[0] = steps.SEARCH
        return True

    def _drop(self, done: int) -> None:
        """Remove the first ``done`` bytes; the rest is moved to a buffer of the normal size if possible."""
        rest = self._buffer[done : self._held]
        size = max(self.block, len(rest)) + SLACK
        if size < len(self._buffer):
            self._buffer = fresh(size, np.uint8)
            self._buffer[: len(rest)] = rest
        elif done:
            self._buffer[: len(rest)] = rest.copy()
        self._held -= done
        self._base += done

    def _example(self, start: int, end: int, place: int) -> Example:
        first = start - self._base
        text = self._buffer[first : min(end - self._base, self._held, first + KEPT_TEXT)]
        return Example(self.faults.source, start, place, text.tobytes().decode("utf-8", "replace"))

    def _add_notes(self, columns: Columns) -> None:
        for note in range(NOTES):
            count, *places = columns.notes[note].tolist()
            if count:
                places = places[: min(count, EXAMPLES)]
                self.faults.add_noted(note, count, [self._example(at, at + KEPT_TEXT, at) for at in places])
