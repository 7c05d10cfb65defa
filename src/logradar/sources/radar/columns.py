"""Arrays for the sessions of one block of a day file, and counters of unusual sessions."""

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
REQUIRED: Final = 2  # an object without one of the first two keys is not a session
SESSION, EVENTS, TOKENS, MASK, ERROR, WARN, SERVICE, LOGS = range(len(KEYS))
UNKNOWN_KEY: Final = len(KEYS)

NOTE_EXTRA: Final = len(KEYS)  # notes about sessions that are kept; the first ones say which key is missing
NOTE_TOKENS: Final = 9
NOTE_MASK: Final = 10
NOTE_LENGTHS: Final = 11
NOTE_LOGS: Final = 12
NOTE_SURROGATE: Final = 13
NOTES: Final = 14
EXAMPLES: Final = 4  # positions stored for each kind of note

Array = npt.NDArray[Any]


class Columns(NamedTuple):
    """Arrays large enough for all sessions in a block of bytes; list ``i`` ends at ``*_ends[i + 1]``."""

    session_ids: Array  # int64
    offsets: Array  # int64, byte where the object begins
    ends: Array  # int64, byte after its end
    token_lengths: Array  # int32, -1 for none
    errors: Array  # uint8: 0 false, 1 true, 2 missing
    warns: Array
    events: Array  # int32
    event_ends: Array  # int32
    services: Array  # bytes
    service_ends: Array  # int32
    has_service: Array  # uint8
    text: Array  # bytes of all log lines
    text_ends: Array  # int64, one per log line
    log_ends: Array  # int32, in lines
    has_logs: Array  # uint8
    used: Array  # int64: number of rows, number of lines
    notes: Array  # int64, NOTES x (1 + EXAMPLES): count, then positions

    @property
    def size(self) -> int:
        """Number of bytes of a file for which the arrays are large enough."""
        return len(self.text) - 128

    def clear(self) -> None:
        """Remove all rows and notes."""
        self.used[:] = 0
        self.notes[:] = 0


def room(size: int) -> Columns:
    """Arrays for all sessions in ``size`` bytes; memory that is not needed is reserved but never used."""
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
    """A large array of zeros directly from the operating system (mmap).

    Pages that are not written take no memory, and all memory is returned when the array is deleted. The default
    allocator would keep parts of such arrays for each thread.
    """
    return np.frombuffer(mmap.mmap(-1, max(size, 1) * np.dtype(kind).itemsize), kind, size)


def _ends(size: int, kind: Any) -> Array:
    ends = fresh(size + 1, kind)
    ends[0] = 0
    return ends
