"""Memory: the peak of this process, and what was freed goes back to the system, so that a long run keeps it low."""

from __future__ import annotations

import ctypes
import re
import resource
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

_ARENA_MAX: Final = -8  # of mallopt


def give_back() -> None:
    """Return freed memory of Arrow and, where glibc manages it, of numpy and Python to the system.

    glibc keeps freed arrays of up to 32 MB for later ones. To be called where large things have just gone: between
    the steps of a run, not inside of loops over single sessions.
    """
    pa.default_memory_pool().release_unused()
    if trim := _of_glibc("malloc_trim"):
        trim(0)


def share_heaps() -> None:
    """Let all threads share two heaps, where glibc manages memory; for a process with many threads that runs for weeks.

    glibc gives up to eight heaps to each processor, and what a thread frees in its heap serves no other thread
    (``M_ARENA_MAX``, mallopt(3)).
    """
    if set_option := _of_glibc("mallopt"):
        set_option(_ARENA_MAX, 2)


def peak_mb() -> float:
    """The most memory that this process ever held, in MB (2**20 bytes).

    Linux counts in ``ru_maxrss`` what the process that started this one held, therefore ``/proc`` is asked first.
    """
    try:
        held = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        held = None
    if held:
        return int(held[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


@cache
def _of_glibc(name: str) -> Any:
    """A function of glibc; None where the C library has none of that name (macOS, Windows, musl)."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except (OSError, TypeError):
        return None
