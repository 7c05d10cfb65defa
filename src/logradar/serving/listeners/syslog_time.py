"""Times of syslog messages: ISO 8601 with a zone (RFC 5424), or a month and a day without a year (RFC 3164)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from logradar.serving.ingest.moments import microseconds

_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS: Final = {name: number for number, name in enumerate(_NAMES, start=1)}
_BSD: Final = re.compile(
    r"([A-Z][a-z]{2}) +([0-9]{1,2}) (?:([0-9]{4}) )?([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,:]([0-9]{1,9}))?"
)
_AHEAD: Final = timedelta(days=1)  # a time without a zone may be so far ahead of UTC
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)


def time_of(text: str, received: int, zone: tzinfo = UTC) -> int | None:
    """Microseconds since 1970 of the time in a header; None for none (``-``) and for what is no time.

    A year that is missing is the latest one in which the time is not a day after ``received`` (microseconds since
    1970), as `logradar.sources.decoding.timestamps` decides it for files. A time without a zone is of ``zone``.

    >>> new_year = time_of("2026-01-01T00:00:05Z", 0)
    >>> (new_year - time_of("Dec 31 23:59:55", new_year)) / 1e6
    10.0
    """
    if text[4:5] == "-":
        return microseconds(text)
    found = _BSD.fullmatch(text)
    if found is None or (month := _MONTHS.get(found[1])) is None:
        return None
    day, hour, minute, second = int(found[2]), int(found[4]), int(found[5]), int(found[6])
    micro = int((found[7] or "0").ljust(6, "0")[:6])
    if found[3]:
        return _moment(int(found[3]), month, day, hour, minute, second, micro, zone)
    latest = _START + received * _MICRO + _AHEAD
    for year in range(latest.year, latest.year - 9, -1):  # 29 February may be 8 years ago
        moment = _moment(year, month, day, hour, minute, second, micro, zone)
        if moment is not None and moment <= received + _AHEAD // _MICRO:
            return moment
    return None


def _moment(
    year: int, month: int, day: int, hour: int, minute: int, second: int, micro: int, zone: tzinfo
) -> int | None:
    try:
        return (datetime(year, month, day, hour, minute, second, micro, zone) - _START) // _MICRO
    except (ValueError, OverflowError):  # 30 February, or a leap second
        return None
