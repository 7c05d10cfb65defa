"""Memory: the peak of this process, and what was freed goes back to the system, so that a long run keeps it low."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

import pyarrow as pa

from logradar.core.heaps import trim


def give_back() -> None:
    """Return freed memory of Arrow and, where glibc manages it, of numpy and Python to the system.

    glibc keeps freed arrays of up to 32 MB for later ones. To be called where large things have just gone: between
    the steps of a run, not inside of loops over single sessions.
    """
    pa.default_memory_pool().release_unused()
    trim()


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
