"""Heaps: how glibc, where it manages memory, gives it to threads and takes it back."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

_ARENA_MAX: Final = -8  # of mallopt


def share_heaps() -> None:
    """Let all threads share two heaps, where glibc manages memory; for a process, not for a library inside of one.

    glibc gives up to eight heaps to each processor, and what a thread frees in its heap serves no other thread
    (``M_ARENA_MAX``, mallopt(3)).
    """
    if set_option := of_glibc("mallopt"):
        set_option(_ARENA_MAX, 2)


def trim() -> None:
    """Return freed memory to the system."""
    if function := of_glibc("malloc_trim"):
        function(0)


@cache
def of_glibc(name: str) -> Any:
    """A function of glibc; None where the C library has none of that name (macOS, Windows, musl)."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except (OSError, TypeError):
        return None
