"""Sessions of a simulated day as blocks of JSON, and the day files and labels that are written from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from logradar.simulation.blocks import SIZE, Block, Ints, write_numbers, write_whole
from logradar.sources.radar.write import encode

FIRST_ID: Final = 10**11  # ids have twelve digits, so that they can be replaced in place


@dataclass
class SessionBlock:
    """Whole sessions with a separator between them, and their rows of labels."""

    text: Block
    labels: Block
    starts: Ints  # byte where each session begins, and where one more would begin
    ids: Ints  # byte where the digits of each id begin
    rows: Ints  # byte where each row of labels begins, and the end of the last row
    row_ids: Ints  # byte where the digits of the id in each row begin
    between: int  # bytes of a separator
    faults: list[str]  # of each session; '' for normal

    @property
    def count(self) -> int:
        """The number of sessions."""
        return len(self.ids)

    def upto(self, size: int) -> int:
        """The number of sessions with which ``size`` bytes are reached, at least 1."""
        ends = self.starts[1:] - self.between
        return min(int(np.searchsorted(ends, size)) + 1, self.count)

    def renew(self, shift: int, salt: int, first: int) -> None:
        """Replace days and trace ids as `Block.renew` does, and number the sessions from ``first``."""
        self.text.renew(shift, salt)
        self.labels.renew(shift, 0)
        write_numbers(self.text.data, self.ids, first)
        write_numbers(self.labels.data, self.row_ids, first)

    def written(self, count: int) -> tuple[memoryview, memoryview]:
        """The bytes of the first ``count`` sessions and of their rows of labels."""
        text = self.text.data[: self.starts[count] - self.between]
        return text.data, self.labels.data[: self.rows[count]].data


@dataclass
class SessionPile:
    """Collects the sessions of one day until they fill a block; ``tokens`` is the length of their token_ids."""

    day: np.datetime64
    tokens: int
    pretty: bool
    _pieces: list[bytes] = field(default_factory=list)
    _rows: list[bytes] = field(default_factory=list)
    _faults: list[str] = field(default_factory=list)
    _held: int = 0

    def add(self, session: dict[str, Any], fault: str) -> SessionBlock | None:
        """Add a session (its id is ignored); return a block when enough are collected, else None."""
        self._pieces.append(encode({"session_id": FIRST_ID, **session}, self.tokens, self.pretty))
        self._rows.append(f"{self.day}/{FIRST_ID},{int(bool(fault))},{fault}\n".encode())
        self._faults.append(fault)
        self._held += len(self._pieces[-1])
        return self.block() if self._held >= SIZE else None

    def block(self) -> SessionBlock | None:
        """The collected sessions as a block; None where there are none."""
        if not self._pieces:
            return None
        between = b",\n" if self.pretty else b","
        starts = np.cumsum([0] + [len(piece) + len(between) for piece in self._pieces])
        rows = np.cumsum([0] + [len(row) for row in self._rows])
        labels = np.frombuffer(bytearray(b"".join(self._rows)), np.uint8)
        days = np.full(len(self._rows), int(self.day.astype(np.int64)))
        nothing = np.empty(0, np.int64)
        block = SessionBlock(
            Block.of(between.join(self._pieces)),
            Block(labels, rows[:-1], days, nothing, nothing.astype(np.uint64)),
            starts,
            starts[:-1] + self._pieces[0].index(str(FIRST_ID).encode()),
            rows,
            rows[:-1] + len(f"{self.day}/"),
            len(between),
            self._faults,
        )
        self._pieces, self._rows, self._faults, self._held = [], [], [], 0
        return block


class DayFile:
    """A day file that is being written, of about ``size`` bytes at most (None: no limit), and its labels."""

    def __init__(self, path: Path, labels: IO[bytes], size: int | None, pretty: bool) -> None:
        self.path, self.size, self.pretty = path, size, pretty
        self.sessions = 0
        self.faults: Counter[str] = Counter()
        self._labels = labels
        self._file = path.open("wb", buffering=0)
        self.bytes = self._file.write(b"[\n" if pretty else b"[")
        self._between = b",\n" if pretty else b","

    @property
    def full(self) -> bool:
        """Whether the file has reached its size."""
        return self.size is not None and self.bytes >= self.size and self.sessions > 0

    def add(self, block: SessionBlock, shift: int, salt: int) -> None:
        """Write as many sessions of a block as fit, with renewed days and ids."""
        room = block.count if self.size is None else block.upto(self.size - self.bytes)
        block.renew(shift, salt, FIRST_ID + self.sessions)
        text, rows = block.written(room)
        if self.sessions:
            self.bytes += self._file.write(self._between)
        self.bytes += write_whole(self._file, text)
        self._labels.write(rows)
        self.sessions += room
        self.faults.update(block.faults[:room])

    def close(self) -> None:
        """Write the end of the JSON array and close the file."""
        with self._file:
            self.bytes += self._file.write(b"\n]\n" if self.pretty else b"]")
