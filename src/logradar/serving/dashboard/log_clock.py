"""Log clock: the last day of the log. That is not always the last day: logs may be old, or of another clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from logradar.serving.store.database import now_us
from logradar.serving.store.moments import MINUTE
from logradar.serving.store.store import Store

DAY: Final = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class LogDay:
    """The time from ``since`` to ``until`` (microseconds), and what each service did in it.

    ``live``: whether it ends now; else it ends with the last record. ``services`` is as `Store.services` gives it.
    """

    since: int
    until: int
    live: bool
    services: list[dict[str, Any]]

    @property
    def records(self) -> int:
        """Records of all services."""
        return sum(one["records"] for one in self.services)

    @property
    def words(self) -> str:
        """How the time is called."""
        return "last day" if self.live else "last day of the log"


def last_day(store: Store, length: int = DAY) -> LogDay:
    """The last day, or the last day in which there is a record; ``length`` in microseconds is another span."""
    now = now_us()
    services = store.services(now - length)
    if any(one["last_seen"] and one["last_seen"] <= now + MINUTE for one in services):
        return LogDay(now - length, now + MINUTE, True, services)
    every = store.services(0)
    last = max((one["last_seen"] or 0 for one in every), default=0)
    if not last:
        return LogDay(now - length, now + MINUTE, True, every)
    since = last + MINUTE - length
    return LogDay(since, last + MINUTE, False, store.services(since))
