"""Trail: the lines that are written to one path, in all files that are called by it one after another.

A file that was renamed is read to its end, then those that were rotated away meanwhile, then the one that has the name
now. A file that was emptied is read from its start; what was written between the last look and the emptying is read
from the copy beside it (copytruncate of logrotate).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from logradar.core.errors import InputError
from logradar.core.filenames import readable
from logradar.core.progress import say
from logradar.serving.listeners.file_lines import LIMIT, Line
from logradar.serving.listeners.open_log import OpenLog
from logradar.serving.listeners.rotation import Mark, node_of, opened, rotated_beside
from logradar.sources.decoding.compression import kind_of
from logradar.sources.decoding.encoding import utf16_of

DONE: Final = 16  # files that were read to their end and are remembered
READ: Final = 1 << 18  # bytes
_QUIET: Final = 2  # looks without anything new before the next file is begun; the writer may not have noticed
_TRIES: Final = 5  # to list files that are being rotated at the same time
_HEAD: Final = 64  # bytes by which text is told from compressed files
_COMPARED: Final = 1 << 16  # bytes by which a copy of a file is told from a file that was written before it


class _Next(NamedTuple):
    """An open file that is read from an offset on; ``seen``: its last change that is known, None: that of now."""

    file: int
    at: int
    seen: int | None = None


class Trail:
    """Reads one path. ``known`` is what `position` was when an earlier process ended.

    Without it the file is read from its start, or with ``whole=False`` from its end. ``cut`` counts lines that were too
    long, ``gaps`` how often the file that was being read was gone, so that lines of it may be lost. Raises
    `InputError` for a path that is no file, or no plain text.
    """

    def __init__(
        self, path: Path, *, known: dict[str, Any] | None = None, whole: bool = True, limit: int = LIMIT
    ) -> None:
        self.path, self.gaps = path, 0
        self._limit, self._cut = limit, 0
        self._queue: list[_Next] = []
        self._done: deque[Mark] = deque(maxlen=DONE)
        resumed = self._resumed(known) if known is not None else None
        self._log = resumed or self._begun(whole)

    def close(self) -> None:
        """Let go of all files."""
        self._log.close()
        for one in self._queue:
            os.close(one.file)
        self._queue = []

    @property
    def cut(self) -> int:
        """Lines that were too long, of which the beginning was handed on."""
        return self._cut + self._log.cut

    @property
    def position(self) -> dict[str, Any]:
        """Where the lines that were handed on end, as JSON values."""
        return {"mark": self._log.mark.to_json(), "done": [mark.to_json() for mark in self._done]}

    @property
    def node(self) -> tuple[int, int]:
        """Device and inode of the file that is being read."""
        return self._log.mark.node

    @property
    def is_gone(self) -> bool:
        """Whether nothing is called by this path any more, and all is read."""
        return self._log.quiet >= _QUIET and not self._queue and not self.path.exists()

    @property
    def is_deleted(self) -> bool:
        """Whether the file that is being read has no name at all any more."""
        return os.fstat(self._log.file).st_nlink == 0

    def has_read(self, path: Path) -> bool:
        """Whether a file that now has another name was read to its end."""
        file = opened(path)
        if file is None:
            return False
        try:
            return 0 < os.fstat(file).st_size <= self._read_of(file, [*self._done, self._log.mark])
        finally:
            os.close(file)

    def read(self, size: int = READ) -> list[Line]:
        """The next lines, of at most ``size`` bytes; none where there is nothing new. Raises `OSError`."""
        log = self._log
        found = log.look(size)
        if found is None:
            return self._emptied()
        new, seen = found
        if log.unread:
            if (new or seen != log.mark.seen) and self._missed():
                return []
            self._require_text(new)
        lines = log.take(new, seen)
        return lines + self._turn() if log.quiet >= _QUIET else lines

    def _turn(self) -> list[Line]:
        """Go over to the next file, where there is one; the last line of the old one is whole then."""
        if not self._queue:
            try:
                there = self.path.stat()
            except OSError:  # renamed, and the new one is not there yet
                return []
            if node_of(there) == self._log.mark.node or not there.st_size:
                return []
            self._queue = self._after(self._log.file, self._log.mark.seen)
            if not self._queue:
                return []
        lines = self._log.finish()
        self._done.append(self._log.mark)
        self._switch(self._queue.pop(0))
        return lines

    def _emptied(self) -> list[Line]:
        """The file is shorter than before, or holds something else: go on in its copy, else at its start."""
        mark, seen = self._log.mark, os.fstat(self._log.file).st_mtime_ns
        copy = _chosen(rotated_beside(self.path), partial(mark.fits, same=False))
        if copy is not None:
            self._queue = self._after(copy, os.fstat(copy).st_mtime_ns) + self._queue
            self._switch(_Next(copy, mark.at))
            return []
        lines = self._log.finish()
        self._done.append(mark)  # its copy may be found later
        self._switch(_Next(os.dup(self._log.file), 0, seen))
        return lines

    def _missed(self) -> bool:
        """Whether this file, of which nothing was read yet, was written, copied and emptied since the last look."""
        log = self._log
        info = os.fstat(log.file)
        with suppress(OSError):
            if node_of(self.path.stat()) != node_of(info):  # it was renamed: what was rotated since came after it
                return False
        copies = self._rotated_since(log.mark.seen, {node_of(info)}, log.file)
        if not copies:
            log.mark = replace(log.mark, seen=info.st_mtime_ns)
            return False
        self._queue = [*copies[1:], _Next(os.dup(log.file), 0, info.st_mtime_ns), *self._queue]
        self._switch(copies[0])
        return True

    def _switch(self, to: _Next) -> None:
        """Read another open file, or the same one, from an offset on."""
        self._cut += self._log.cut
        self._log.close()
        self._log = OpenLog(to.file, to.at, self._limit, to.seen)

    def _begun(self, whole: bool) -> OpenLog:
        """The file from its start, or from the start of its last line."""
        file = opened(self.path)
        if file is None:
            raise InputError(f"'{readable(str(self.path))}' is no file that can be read; leave it out.")
        at = 0
        if not whole:
            end = os.fstat(file).st_size
            block = os.pread(file, min(end, READ), end - min(end, READ))
            at = end - len(block) + block.rfind(b"\n") + 1
        return OpenLog(file, at, self._limit)

    def _resumed(self, known: dict[str, Any]) -> OpenLog | None:
        """Where an earlier process ended; None where nothing of what it read is there any more."""
        try:
            mark = Mark.from_json(known["mark"])
            self._done.extend(Mark.from_json(one) for one in known["done"])
        except (KeyError, TypeError, ValueError):
            return None
        for same in (True, False):
            now = opened(self.path)
            files = rotated_beside(self.path) + ([now] if now is not None else [])
            file = _chosen(files, partial(mark.fits, same=same))
            if file is not None:
                self._queue = self._after(file, mark.seen)
                return OpenLog(file, mark.at, self._limit, mark.seen)
        later = self._after(None, mark.seen)
        if not later:
            return None
        if mark.at:
            self.gaps += 1
            name = readable(str(self.path))
            say(f"'{name}': the file that was being read is gone or compressed; lines at its end may be missing.")
        first, *self._queue = later
        return OpenLog(first.file, first.at, self._limit, first.seen)

    def _after(self, own: int | None, seen: int) -> list[_Next]:
        """Files written after ``own``, which was last changed at ``seen`` or later; open, the first one first.

        Empty where ``own`` is the file that has the name now.
        """
        before = None if own is None else node_of(os.fstat(own))
        found: list[_Next] = []
        for _ in range(_TRIES):
            for one in found:
                os.close(one.file)
            now = opened(self.path)
            if now is None:
                found = self._rotated_since(seen, {before}, None)
                continue
            info = os.fstat(now)
            if node_of(info) == before:
                os.close(now)
                return []
            found = self._rotated_since(seen, {before, node_of(info)}, now)
            found.append(_Next(now, 0, info.st_mtime_ns))
            with suppress(OSError):
                if node_of(self.path.stat()) == node_of(info):
                    break
        return found

    def _rotated_since(self, seen: int, known: set[tuple[int, int] | None], now: int | None) -> list[_Next]:
        """Rotated files that are not ``known`` and have lines that were not read; not a copy of the file ``now``."""
        found = []
        start = b"" if now is None else os.pread(now, _COMPARED, 0)
        for file in rotated_beside(self.path):
            info = os.fstat(file)
            if node_of(info) not in known and info.st_mtime_ns >= seen and info.st_size:
                at, head = self._read_of(file, self._done), os.pread(file, len(start), 0)
                if at < info.st_size and not (head and start.startswith(head)):
                    found.append(_Next(file, at))
                    continue
            os.close(file)
        return found

    def _read_of(self, file: int, known: Iterable[Mark]) -> int:
        """How much of an open file was read before, or of a file that it is a copy of."""
        fitting = (mark.at for mark in known if mark.fits(file, same=True) or mark.fits(file, same=False))
        return max(fitting, default=0)

    def _require_text(self, head: bytes) -> None:
        kind = kind_of(head[:8])
        if kind or utf16_of(head[:_HEAD]):
            what = f"is compressed ({kind})" if kind else "is UTF-16"
            raise InputError(f"'{readable(str(self.path))}' {what}; only plain UTF-8 text is followed.")


def _chosen(files: list[int], fits: Callable[[int], bool]) -> int | None:
    """The last of these open files that fits; all others are closed."""
    chosen = next((file for file in reversed(files) if fits(file)), None)
    for file in files:
        if file != chosen:
            os.close(file)
    return chosen
