"""Limits of one request and of all requests together, so that no sender can exhaust the memory."""

from __future__ import annotations

from dataclasses import dataclass

MEBI = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What a request may bring; more is refused with a sentence and status 413, 408 or 429.

    ``compressed_bytes`` is the length of a body as it is sent, ``inflated_bytes`` after inflation, ``records`` the
    number of log records in it. A message of protobuf takes up to 64 times its bytes in memory, which is why the number
    of records has a limit of its own. ``depth`` is how deep JSON may be nested. ``body_seconds`` is how long a sender
    may take for a body. ``in_flight_bytes`` is what all requests together may hold until they are answered. Bodies
    above ``loop_bytes`` are read in a thread, one at a time, so that short requests need not wait for them.
    """

    compressed_bytes: int = 16 * MEBI
    inflated_bytes: int = 24 * MEBI
    records: int = 100_000
    depth: int = 64
    body_seconds: float = 60.0
    in_flight_bytes: int = 128 * MEBI
    loop_bytes: int = MEBI // 4
