"""Following: the bytes of a file that grows, through rotation by rename and by copy and truncate, as `tail -F` does.

A file that was renamed is read to its end before the new one of the same name is begun. A file that is shorter than
before, or whose last bytes that were read have changed, was emptied and is read from its start. Nothing is watched
by the system: the file is looked at a few times a second.
"""

from __future__ import annotations

import os
import stat
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from logradar.core.errors import InputError
from logradar.core.progress import say

LAST_LINES: Final = 10  # of a file that is followed from its end, as `tail -F` shows
_LOOK: Final = 0.1  # seconds between two looks at the file
_TAIL: Final = 64  # bytes before the position, by which an emptied file is recognised
_HEAD: Final = 1024  # bytes at the start, by which a file is recognised in the next call
_BLOCK: Final = 1 << 20


class Followed:
    """A file that grows. ``line`` is the number of the next line in the file that is being read.

    ``whole``: begin at the start of the file, else with its last `LAST_LINES` lines. ``known`` is what `position` gave
    in an earlier call: then it begins where that call ended, also in a file that was renamed since. Raises
    `InputError` for what is no regular file.
    """

    def __init__(self, path: Path, *, whole: bool = False, known: dict[str, Any] | None = None) -> None:
        self.path, self.name = path, path.name
        self.new_file = False  # whether what was read last is the beginning of a file
        self.line = 1
        self._begun = False  # whether a second file, or the same one after it was emptied, is being read
        self._file = self._opened(path)
        self._at = self._unread = 0
        self._before = b""  # the last bytes that were read
        self._last_look = False  # whether the file was renamed, and is looked at once more
        self._seen: tuple[int, int] | None = None
        try:
            if known is not None and self._resume(known):
                return
            if not whole and known is None:
                self._to_last_lines()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def peek(self, size: int) -> bytes:
        """The first bytes that will be read; they are read again."""
        return os.pread(self._file, size, self._at)

    def ready(self, seconds: float | None) -> bool:
        """Wait until there is something to read, ``seconds`` at most; None: for ever. 0 stays in the present file."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            if self._grown(stay=seconds == 0):
                return True
            if seconds == 0:
                return False
            if self._turned():
                continue
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(_LOOK)

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; only after `ready`."""
        data = os.pread(self._file, size, self._at)
        self.new_file = self._begun and self._at == 0
        self._at += len(data)
        self._before = (self._before + data)[-_TAIL:]
        return data

    def give_back(self, size: int) -> None:
        """The last ``size`` bytes that were read are no whole line; the next call reads them again."""
        self._unread = size

    @property
    def position(self) -> dict[str, Any]:
        """Where reading ended, for the next call."""
        at = self._at - self._unread
        info = os.fstat(self._file)
        size = min(at, _HEAD)
        head = blake2b(os.pread(self._file, size, 0), digest_size=16).hexdigest()
        return {"file": self.name, "node": [info.st_dev, info.st_ino], "at": at, "head": [size, head]}

    def _grown(self, stay: bool) -> bool:
        """Whether there are bytes that were not read; an emptied file is begun again, but not with ``stay``."""
        info = os.fstat(self._file)
        seen = (info.st_size, info.st_mtime_ns)
        if seen != self._seen:
            known = os.pread(self._file, len(self._before), self._at - len(self._before))
            if info.st_size < self._at or known != self._before:
                if stay:
                    return False
                self._restart()
            self._seen = seen
        return info.st_size > self._at

    def _restart(self) -> None:
        self._at, self._before, self._begun = 0, b"", True

    def _turned(self) -> bool:
        """Go over to the new file of this name where the old one was renamed and nothing more came to it."""
        try:
            there = self.path.stat()
        except OSError:  # renamed, and the new one is not there yet
            return False
        here = os.fstat(self._file)
        if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino) or not stat.S_ISREG(there.st_mode):
            self._last_look = False
            return False
        if not self._last_look:  # its writer may not have noticed yet
            self._last_look = True
            return False
        try:
            new = self._opened(self.path)
        except InputError:
            return False
        old, self._file = self._file, new
        self._seen, self._last_look = None, False
        self._restart()
        os.close(old)
        return True

    @staticmethod
    def _opened(path: Path) -> int:
        try:
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            raise InputError(f"There is no file '{path}' to follow.") from None
        except OSError as error:
            raise InputError(f"'{path}' cannot be followed: {error.strerror}.") from None
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise InputError(f"'{path}' is no file that can be followed; pipe its lines: logradar detect BUNDLE -")
        return file

    def _start_at(self, at: int) -> None:
        self._at = at
        self._before = os.pread(self._file, min(at, _TAIL), at - min(at, _TAIL))
        self.line = 1
        for place in range(0, at, _BLOCK):
            self.line += os.pread(self._file, min(_BLOCK, at - place), place).count(b"\n")

    def _to_last_lines(self) -> None:
        """Begin `LAST_LINES` lines before the end."""
        end = os.fstat(self._file).st_size
        needed, at = LAST_LINES + 1, end
        if end and os.pread(self._file, 1, end - 1) != b"\n":
            needed -= 1  # the last line is not finished
        while at > 0:
            block = os.pread(self._file, min(_BLOCK, at), at - min(_BLOCK, at))
            at -= len(block)
            found = block.count(b"\n")
            if found >= needed:
                place = len(block)
                for _ in range(needed):
                    place = block.rfind(b"\n", 0, place)
                self._start_at(at + place + 1)
                return
            needed -= found

    def _resume(self, known: dict[str, Any]) -> bool:
        """Go on where an earlier call ended; a file that was renamed since is looked for beside this one."""
        try:
            node, at, (size, head) = tuple(known["node"]), int(known["at"]), known["head"]
            size = int(size)
        except (KeyError, TypeError, ValueError):
            return False
        if at < 0 or not 0 <= size <= _HEAD:
            return False
        beside = sorted(self.path.parent.glob(f"{_literal(self.path.name)}*"), key=lambda path: path != self.path)
        for path in beside:
            try:
                info = path.stat()
                if (info.st_dev, info.st_ino) != node or info.st_size < at or not stat.S_ISREG(info.st_mode):
                    continue
                file = self._opened(path)
            except (OSError, InputError):
                continue
            if blake2b(os.pread(file, size, 0), digest_size=16).hexdigest() != head:
                os.close(file)
                continue
            old, self._file = self._file, file
            os.close(old)
            self._start_at(at)
            return True
        say(f"'{self.name}' is another file than the one that the state has read; it is read from its start.")
        return False


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
