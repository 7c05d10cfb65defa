"""What a block of a day file can hold, as columns with room for all of it, and notes about oddities."""

from __future__ import annotations

import mmap
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

KEYS: Final = (
    "session_id",
    "event_sequence",
    "token_ids",
    "attention_mask",
    "has_error",
    "has_warn",
    "service_name",
    "original_logs",
)
REQUIRED: Final = 2  # an object without one of the first two is no session
SESSION, EVENTS, TOKENS, MASK, ERROR, WARN, SERVICE, LOGS = range(len(KEYS))
UNKNOWN_KEY: Final = len(KEYS)

NOTE_EXTRA: Final = len(KEYS)  # notes about objects that are kept; the first ones say which key is missing
NOTE_TOKENS: Final = 9
NOTE_MASK: Final = 10
NOTE_LENGTHS: Final = 11
NOTE_LOGS: Final = 12
NOTE_SURROGATE: Final = 13
NOTES: Final = 14
EXAMPLES: Final = 4  # positions that are kept of each kind of note

Array = npt.NDArray[Any]


class Columns(NamedTuple):
    """Room for the rows that a block of bytes can hold; list ``i`` ends where ``*_ends[i + 1]`` says."""

    session_ids: Array  # int64
    offsets: Array  # int64, byte where the object begins
    ends: Array  # int64, byte behind it
    token_lengths: Array  # int32, -1 for none
    errors: Array  # uint8: 0 false, 1 true, 2 not there
    warns: Array
    events: Array  # int32
    event_ends: Array  # int32
    services: Array  # bytes
    service_ends: Array  # int32
    has_service: Array  # uint8
    text: Array  # bytes of all log lines
    text_ends: Array  # int64, one per log line
    log_ends: Array  # int32, counts lines
    has_logs: Array  # uint8
    used: Array  # int64: rows, lines
    notes: Array  # int64, NOTES x (1 + EXAMPLES): how often, and where

    @property
    def size(self) -> int:
        """How many bytes of a file there is room for."""
        return len(self.text) - 128

    def clear(self) -> None:
        """Forget all rows and notes."""
        self.used[:] = 0
        self.notes[:] = 0


def room(size: int) -> Columns:
    """Room for all sessions that ``size`` bytes can hold; memory that is not needed is never touched."""
    rows = size // 32 + 2
    lines = size // 3 + 2
    return Columns(
        session_ids=fresh(rows, np.int64),
        offsets=fresh(rows, np.int64),
        ends=fresh(rows, np.int64),
        token_lengths=fresh(rows, np.int32),
        errors=fresh(rows, np.uint8),
        warns=fresh(rows, np.uint8),
        events=fresh(size // 2 + 1, np.int32),
        event_ends=_ends(rows, np.int32),
        services=fresh(size + 128, np.uint8),
        service_ends=_ends(rows, np.int32),
        has_service=fresh(rows, np.uint8),
        text=fresh(size + 128, np.uint8),
        text_ends=_ends(lines, np.int64),
        log_ends=_ends(rows, np.int32),
        has_logs=fresh(rows, np.uint8),
        used=np.zeros(2, np.int64),
        notes=np.zeros((NOTES, 1 + EXAMPLES), np.int64),
    )


def fresh(size: int, kind: Any) -> Array:
    """A large array straight from the system: a page that is not used is not there, and all go back at its end.

    The allocator would keep what such an array leaves, in pieces, for each thread.
    """
    return np.frombuffer(mmap.mmap(-1, max(size, 1) * np.dtype(kind).itemsize), kind, size)


def _ends(size: int, kind: Any) -> Array:
    ends = fresh(size + 1, kind)
    ends[0] = 0
    return ends
