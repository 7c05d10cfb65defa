"""Times of senders as microseconds since 1970: ISO 8601, epochs in s, ms, µs or ns, and any layout of log files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from logradar.serving.arrivals import Arrival

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)
_FIRST: Final = 10**8  # seconds: 1973; a smaller number is no time
_LAST: Final = 253_402_300_800_000_000  # microseconds: year 10000
LONGEST: Final = 64  # letters of a time


def microseconds(value: object) -> int | None:
    """A time that is ISO 8601 (UTC if it names no zone) or a number; None for all else.

    >>> microseconds("2026-01-01T00:00:00.123456789Z") == microseconds("1767225600.123456")
    True
    >>> microseconds(1767225600123) == microseconds("1767225600123000000")
    True
    """
    if isinstance(value, str):
        if value[4:5] == "-":
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                return None
            return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _START) // _MICRO
        if len(value) > LONGEST:
            return None
        try:
            value = int(value) if value.isdecimal() else float(value)
        except ValueError:
            return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value)
    return None


def from_nanoseconds(value: object) -> int | None:
    """Nanoseconds since 1970, a number or its digits; None for 0, which means unknown, and what is no time."""
    if isinstance(value, str):
        if len(value) > LONGEST or not value.isdecimal():
            return microseconds(value)
        value = int(value)
    if isinstance(value, int) and 0 < value // 1000 < _LAST:
        return value // 1000
    return None


def with_late_times(arrivals: list[Arrival], late: Sequence[tuple[int, str]]) -> None:
    """Dates arrivals whose time has another layout; ``late`` are their positions and texts. They are read at once."""
    if not late:
        return
    import polars as pl

    from logradar.sources.decoding.timestamps import Clock

    times = Clock().read(pl.Series([text for _, text in late], dtype=pl.String)).cast(pl.Int64).to_list()
    for (position, _), time in zip(late, times, strict=True):
        if time is not None:
            arrivals[position] = arrivals[position]._replace(timestamp=time)


def _of_number(number: int | float) -> int | None:
    if not _FIRST <= number < 1e20:  # also not NaN
        return None
    if number < 1e11:
        found = round(number * 1_000_000)
    elif number < 1e14:
        found = round(number * 1_000)
    elif number < 1e17:
        found = int(number)
    else:
        found = int(number) // 1_000
    return found if found < _LAST else None
