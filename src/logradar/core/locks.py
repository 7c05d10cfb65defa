"""Locks: what reads a folder and what replaces it wait for one another, also in several processes.

The lock is on the parent folder, by ``flock``: no file is left behind, and a process that dies lets it go. Where the
file system has no locks (some network shares) nothing waits, as before.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from logradar.core.errors import StateError

_held = threading.local()  # parent folders that this thread has locked: it may ask again


@contextmanager
def locked(folder: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold the lock of ``folder``: alone with ``exclusive``, else together with others that do not write."""
    parent = folder.resolve().parent
    mine: set[Path] = _held.__dict__.setdefault("folders", set())
    if parent in mine:
        yield
        return
    try:
        handle = os.open(parent, os.O_RDONLY)
    except OSError:  # the folder does not exist: whoever reads it says so
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        mine.add(parent)
        yield
    finally:
        mine.discard(parent)
        os.close(handle)


@contextmanager
def claimed(folder: Path, name: str = "lock", *, left: bool = True) -> Iterator[None]:
    """Work in ``folder`` alone, until the end. Raises `StateError` where another process does.

    This lock is on the file ``name`` in it, so that it never meets those of `locked`. With ``left=False`` the file is
    removed at the end.
    """
    file = folder / name
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateError(
                    f"Another process works in '{folder}' already: stop that one, or name another folder."
                ) from None
            except OSError:  # no locks here
                pass
            if not _is(file, handle):  # its last owner removed it meanwhile
                continue
            try:
                yield
            finally:
                if not left:
                    file.unlink(missing_ok=True)
            return
        finally:
            os.close(handle)


def _is(file: Path, handle: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
