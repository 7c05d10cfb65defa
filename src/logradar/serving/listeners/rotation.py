"""Rotation: which files were once called by a path, and what was read of them.

A file is recognised by its device and inode and by its bytes: an inode is given to another file as soon as it is free,
and a copy of a file has another one. Files that logrotate made are those beside the path whose name is the path's with
a number or a date (`logradar.sources.opening.files.ROTATED`).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Self

from logradar.sources.opening.files import COMPRESSED, ROTATED, in_order

HEAD: Final = 1024  # bytes at the start of a file
TAIL: Final = 64  # bytes before the position
_TRIES: Final = 20  # to list files while they are being rotated


@dataclass(frozen=True)
class Mark:
    """A place in a file, and what the file was: ``node`` its device and inode, ``seen`` its last change (ns)."""

    node: tuple[int, int]
    at: int
    head: bytes
    tail: bytes
    seen: int

    def fits(self, file: int, *, same: bool) -> bool:
        """Whether an open file holds what was read up to the mark: the ``same`` file, or a copy of it."""
        info = os.fstat(file)
        if info.st_size < self.at or (same and node_of(info) != self.node) or not (same or self.at):
            return False
        if digest(os.pread(file, min(self.at, HEAD), 0)) != self.head:
            return False
        size = min(self.at, TAIL)
        return digest(os.pread(file, size, self.at - size)) == self.tail

    def to_json(self) -> dict[str, Any]:
        """Plain values, from which `from_json` makes the mark again."""
        digests = {"head": self.head.hex(), "tail": self.tail.hex()}
        return {"node": list(self.node), "at": self.at, "seen": self.seen, **digests}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Raises `KeyError`, `TypeError` or `ValueError` for values that are no mark."""
        device, inode = map(int, values["node"])
        head, tail = (bytes.fromhex(values[name]) for name in ("head", "tail"))
        return cls((device, inode), max(0, int(values["at"])), head, tail, int(values["seen"]))


def node_of(info: os.stat_result) -> tuple[int, int]:
    """Device and inode."""
    return info.st_dev, info.st_ino


def opened(path: Path) -> int | None:
    """A regular file, open for reading; None where it is none, or is gone."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    return None


def rotated_beside(path: Path) -> list[int]:
    """The files that rotation made of ``path``, open, those written first before the others; without compressed ones.

    The caller closes them. Rotation gives the name of one file to another, so names are listed again after all were
    opened, until nothing changed meanwhile.
    """
    real = path.resolve()
    before = _listed(real)
    for _ in range(_TRIES):
        found = [(name, file) for name in before if (file := opened(real.with_name(name))) is not None]
        after = _listed(real)
        if after == before and all(os.fstat(file).st_ino == before[name] for name, file in found):
            break
        before = after
        for _, file in found:
            os.close(file)
        found = []
    order = {path.name: place for place, path in enumerate(in_order(Path(name) for name, _ in found))}
    found.sort(key=lambda one: (os.fstat(one[1]).st_mtime_ns, order[one[0]]))
    return [file for _, file in found]


def _listed(real: Path) -> dict[str, int]:
    """Names and inodes of rotated files."""
    try:
        with os.scandir(real.parent) as entries:
            return {entry.name: entry.inode() for entry in entries if is_rotated(entry.name, real.name)}
    except OSError:
        return {}


def is_rotated(name: str, of: str) -> bool:
    """Whether a file called ``name`` is a rotated one of the file ``of``, and is not compressed.

    >>> [is_rotated(name, "app.log") for name in ("app.log.1", "app.log-20260302", "app.1.log", "app.log.gz", "b.log")]
    [True, True, True, False, False]
    """
    if name.startswith(of):
        return bool(ROTATED.fullmatch(name[len(of) :]))
    stem, dot, ending = of.rpartition(".")
    if not dot or not stem or not name.startswith(stem) or not name.endswith(dot + ending):
        return False
    return bool(ROTATED.fullmatch(name[len(stem) : -len(ending) - 1]))


def base_of(name: str) -> list[str]:
    """The names of files of which ``name`` may be a rotated one.

    >>> base_of("app.log.1"), base_of("app-20260302.log"), base_of("app.log")
    (['app.log'], ['app.log'], [])
    """
    found = [name[: match.start()]] if (match := ROTATED.search(name)) else []
    stem, dot, ending = name.rpartition(".")
    if dot and (match := ROTATED.search(stem)):
        found.append(stem[: match.start()] + dot + ending)
    return [one for one in found if one]


def is_compressed(name: str) -> bool:
    """Whether a name ends as those of compressed files do."""
    return COMPRESSED.search(name) is not None


def digest(data: bytes) -> bytes:
    """A short checksum by which bytes are recognised."""
    return blake2b(data, digest_size=16).digest()
