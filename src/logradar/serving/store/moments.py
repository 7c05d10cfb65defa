"""Moments: the times of documents, ISO 8601, as the microseconds that columns hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE: Final = 60_000_000


def microseconds_of(moment: str | None) -> int:
    """Microseconds since 1970; 0 where there is no time.

    >>> microseconds_of("1970-01-01T00:00:01+00:00"), microseconds_of(None)
    (1000000, 0)
    """
    if not moment:
        return 0
    time = datetime.fromisoformat(moment)
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _BEGINNING) // timedelta(microseconds=1)
