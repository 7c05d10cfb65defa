"""Times on pages: what a person reads, and what a script needs to write it in the reader's zone.

Without a script a time is in UTC, and an age is that of the moment when the page was made.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup

from logradar.core.formatting import NO_TIME
from logradar.serving.store.database import now_us

_AGES: Final = ((86_400, "day"), (3_600, "h"), (60, "min"))
_OLD: Final = 14 * 86_400  # seconds after which the date says more than the age


def moment_of(value: Any) -> datetime | None:
    """The time of microseconds since 1970, or of an ISO 8601 text; None where there is none."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        return datetime.fromtimestamp(value / 1e6, UTC) if value else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def ago(value: Any) -> Markup:
    """How long ago a time is, with the time itself as its title."""
    time = moment_of(value)
    if time is None:
        return Markup(NO_TIME)
    text = in_words((now_us() / 1e6) - time.timestamp(), time)
    return Markup('<time datetime="{}" title="{:%Y-%m-%d %H:%M:%S} UTC" data-ago>{}</time>').format(
        stamp(value), time, text
    )


def clock(value: Any) -> Markup:
    """A time with its date."""
    time = moment_of(value)
    if time is None:
        return Markup(NO_TIME)
    return Markup('<time datetime="{0}" data-clock>{1:%Y-%m-%d %H:%M:%S} UTC</time>').format(stamp(value), time)


def stamp(value: Any) -> str:
    """A time as programs read it, ISO 8601; empty where there is none."""
    time = moment_of(value)
    return "" if time is None else time.isoformat().replace("+00:00", "Z")


def in_words(seconds: float, time: datetime) -> str:
    """An age; of old times, and of those to come, the date.

    >>> in_words(250, datetime(2026, 3, 2, tzinfo=UTC)), in_words(5e8, datetime(2008, 11, 9, 20, 5, tzinfo=UTC))
    ('4 min ago', '9 Nov 2008, 20:05')
    """
    if -60 < seconds < 1:
        return "just now"
    if seconds < 0 or seconds > _OLD:
        return f"{time.day} {time:%b %Y, %H:%M}"
    for size, unit in _AGES:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return f"{int(seconds)} s ago"
