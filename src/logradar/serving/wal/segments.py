"""Segments: the files of the write-ahead log, each named by the position of its first byte.

Positions count all bytes ever written, so they never repeat. A file is replaced by a new one when it is large enough,
and deleted when nothing needs it any more.
"""

from __future__ import annotations

import os
import re
import threading
import uuid
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

from logradar.core.errors import StateError
from logradar.core.files import draft_of
from logradar.core.progress import say
from logradar.serving.wal.frames import Damage, Frame, scan
from logradar.serving.wal.landing import Landing

SUFFIX: Final = ".wal"
DAMAGED: Final = "damaged"  # folder for bytes that are no frames
_IDENTITY: Final = "identity"  # file that names the log
SEGMENT: Final = 32 << 20  # bytes after which a new file begins


@dataclass(frozen=True)
class Segment:
    """One file of the log: it holds the positions from ``start`` to ``end``."""

    path: Path
    start: int
    end: int


def name_of(start: int) -> str:
    """The file name of the segment that begins at a position."""
    return f"{start:020d}{SUFFIX}"


class Segments:
    """The files of a log in ``folder``; opening them cuts a broken tail and sets other damage aside.

    ``repaired`` holds a sentence for each damage that was found. Complete segments are copied to ``landing``, and stay
    until they are there. Raises `StateError` where the folder holds files of other names that end like a segment.
    """

    def __init__(self, folder: Path, *, size: int = SEGMENT, landing: Landing | None = None) -> None:
        self.folder, self._size, self._landing = folder, size, landing
        self.repaired: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()  # one thread writes, another one reads and forgets
        self._segments = self._found()
        if self._segments:
            self._mend(self._segments[-1])
        self._file: FileIO | None = None
        self.identity = _identity_in(folder)  # positions mean nothing in another log
        self._land()

    @property
    def start(self) -> int:
        """The oldest position that is still there."""
        return self._segments[0].start if self._segments else self.end

    @property
    def end(self) -> int:
        """The position after the last frame."""
        return self._segments[-1].end if self._segments else 0

    def write(self, data: bytes) -> int:
        """Append whole frames and wait until they are on disk; returns the position after them.

        Raises `OSError` where the disk is full or fails; then nothing of ``data`` is kept.
        """
        length = self._segments[-1].end - self._segments[-1].start if self._segments else 0
        due = self._landing is not None and length > 0 and self._landing.is_due()
        if self._file is None or length >= self._size or due:
            self._begin()
        assert self._file is not None
        last = self._segments[-1]
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fdatasync(self._file.fileno())
        except OSError:
            self._take_back(last)
            raise
        with self._lock:
            self._segments[-1] = Segment(last.path, last.start, last.end + len(data))
        return self.end

    def read(self, position: int, most: int) -> tuple[list[Frame], int]:
        """The frames from ``position`` on, about ``most`` bytes of them, and the position after them.

        All are of one segment. Damaged bytes are passed over and set aside.
        """
        with self._lock:
            segment = next((one for one in self._segments if one.end > position), None)
        if segment is None:
            return [], position
        position = max(position, segment.start)
        with segment.path.open("rb") as file:
            while True:
                file.seek(position - segment.start)
                data = file.read(min(most, segment.end - position))
                whole = position + len(data) >= segment.end
                frames: list[Frame] = []
                damages: list[Damage] = []
                for found in scan(data, position):
                    frames.append(found) if isinstance(found, Frame) else damages.append(found)
                if frames or whole or not data:
                    break
                most *= 2  # one frame is larger, or damage is
        end = segment.end if whole else frames[-1].end
        for damage in damages:
            if damage.start < end:
                self._set_aside(segment, damage, data[damage.start - position : damage.end - position])
        return frames, end

    def forget(self, position: int) -> list[Path]:
        """Delete the files that end before ``position``; the last one stays. Returns the deleted ones."""
        with self._lock:
            gone = [one.path for one in self._segments[:-1] if one.end <= position]
            if self._landing is not None:
                gone = gone[: next((n for n, path in enumerate(gone) if not self._landing.has(path)), len(gone))]
            del self._segments[: len(gone)]
        for path in gone:
            path.unlink(missing_ok=True)
        return gone

    def skip_to(self, position: int) -> None:
        """Go on at ``position`` where the log ends before it: files of it are gone, and positions never repeat."""
        if position <= self.end:
            return
        self.close()
        path = self.folder / name_of(position)
        path.touch()
        _sync_folder(self.folder)
        with self._lock:
            self._segments.append(Segment(path, position, position))
        said = f"The write-ahead log lacks files; it goes on at position {position:,}."
        self.repaired.append(said)
        say(said)

    def size(self) -> int:
        """How many bytes the files hold."""
        return sum(one.end - one.start for one in self._segments)

    def close(self) -> None:
        """Let go of the file that is written."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _found(self) -> list[Segment]:
        found = []
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            if not path.stem.isdecimal():
                raise StateError(
                    f"'{path}' is no part of a write-ahead log; move it elsewhere, or name another folder."
                )
            start = int(path.stem)
            found.append(Segment(path, start, start + path.stat().st_size))
        return found

    def _mend(self, last: Segment) -> None:
        """Cut what a crash left behind the last whole frame."""
        data = last.path.read_bytes()
        end = last.start
        for found in scan(data, last.start):
            if isinstance(found, Frame) or not found.tail:
                end = found.end
            else:
                self._set_aside(last, found, data[found.start - last.start :], "an unfinished end")
                with last.path.open("r+b") as file:
                    file.truncate(found.start - last.start)
                    os.fsync(file.fileno())
        self._segments[-1] = Segment(last.path, last.start, end)

    def _set_aside(self, segment: Segment, damage: Damage, data: bytes, what: str = "damaged bytes") -> None:
        aside = self.folder / DAMAGED / f"{damage.start:020d}-{damage.end:020d}.bytes"
        if aside.exists():
            return
        sentence = f"The write-ahead log has {what} ({damage.end - damage.start:,} from position {damage.start:,})"
        said = f"{sentence}; they were passed over, and are kept in '{DAMAGED}'."
        try:
            aside.parent.mkdir(exist_ok=True)
            aside.write_bytes(data)
        except OSError:  # a full disk must not stop the start
            said = f"{sentence}; they were passed over."
        if said not in self.repaired:
            self.repaired.append(said)
            say(said)

    def _begin(self) -> None:
        if self._file is not None:
            self._file.close()
        elif self._segments and self._segments[-1].end - self._segments[-1].start < self._size:
            self._file = self._segments[-1].path.open("ab", buffering=0)
            return
        start = self.end
        path = self.folder / name_of(start)
        self._file = path.open("xb", buffering=0) if not path.exists() else path.open("ab", buffering=0)
        if not self._segments or self._segments[-1].start != start:
            with self._lock:
                self._segments.append(Segment(path, start, start))
        _sync_folder(self.folder)
        self._land()

    def _land(self) -> None:
        """Copy what is complete to where an engine reads it."""
        if self._landing is not None:
            self._landing.put([one.path for one in self._segments[:-1]], self.identity)

    def _take_back(self, last: Segment) -> None:
        """Nothing of a write that failed stays."""
        self.close()
        try:
            with last.path.open("r+b") as file:
                file.truncate(last.end - last.start)
        except OSError:
            return  # the next start cuts it


def _identity_in(folder: Path) -> str:
    path = folder / _IDENTITY
    known = path.read_bytes().decode(errors="replace") if path.is_file() else ""
    if not re.fullmatch("[0-9a-f]{32}", known):
        known = uuid.uuid4().hex
        with draft_of(path) as draft:
            draft.write_text(known)
    return known


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
