"""Memory: what was freed goes back to the system, for the peak of a long run is what it holds."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import pyarrow as pa


def give_back() -> None:
    """Return freed memory of Arrow and, where glibc manages it, of numpy and Python to the system.

    glibc keeps freed arrays of up to 32 MB for later ones. To be called where large things have just gone: between
    the steps of a run, not inside of loops over single sessions.
    """
    pa.default_memory_pool().release_unused()
    if trim := _trim():
        trim(0)


@cache
def _trim() -> Any:
    """``malloc_trim`` of glibc; None where the C library has none (macOS, Windows, musl)."""
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None)
    except (OSError, TypeError):
        return None
