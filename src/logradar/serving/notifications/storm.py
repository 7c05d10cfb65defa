"""Storm guard: so many notifications of one receiver in a minute go out one by one; the rest becomes one summary."""

from __future__ import annotations

from collections import Counter
from typing import Final

from logradar.serving.notifications.settings import ReceiverSettings

MINUTE: Final = 60_000_000  # microseconds


class StormGuard:
    """Counts by the clock of this machine; after a restart it counts anew."""

    def __init__(self) -> None:
        self._minute = 0
        self._counts = Counter[str]()

    def postponed(self, receiver: ReceiverSettings, over: bool, now: int) -> int | None:
        """The end of the minute ``now`` (microseconds) where this one belongs to its summary; None: it is sent alone.

        Alertmanager groups by itself, and what is ``over`` has to reach PagerDuty one by one, where it is quiet.
        """
        if not receiver.most_per_minute or receiver.kind == "alertmanager" or (receiver.kind == "pagerduty" and over):
            return None
        if (minute := now // MINUTE) > self._minute:  # a clock that goes back opens no new minute
            self._minute, self._counts = minute, Counter()
        self._counts[receiver.name] += 1
        return (self._minute + 1) * MINUTE if self._counts[receiver.name] > receiver.most_per_minute else None
