"""Worker: the thread that empties the outbox of one receiver, so that a dead or slow one delays no other.

A try that failed is noted in the outbox with the time of the next one. Meanwhile the whole receiver rests a little
too, as it is rarely one document that is the cause.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from logradar.alerting.endpoint import Reply
from logradar.core.errors import LogRadarError
from logradar.core.progress import say
from logradar.serving.notifications.changes import OPENED
from logradar.serving.notifications.outbox import Pending, ReceiverOutbox
from logradar.serving.notifications.pauses import Pauses
from logradar.serving.notifications.receiver import Receiver, Request, Summary
from logradar.serving.store.database import now_us

_TOGETHER: Final = 1_000  # notifications that are read at once, and that one summary holds at most
_REFUSED: Final = frozenset({400, 413, 422})  # it is the document that is wrong, so no further try helps
_HOUR: Final = 3_600_000_000  # microseconds


class Worker:
    """Sends what ``outbox`` holds to ``receiver``; ``poll`` are the seconds between two looks into it."""

    def __init__(
        self, receiver: Receiver, outbox: ReceiverOutbox, *, poll: float = 1.0, clock: Callable[[], int] = now_us
    ) -> None:
        self.receiver, self._outbox, self._poll, self._clock = receiver, outbox, poll, clock
        self._pauses = Pauses(receiver.whole.first_wait, receiver.whole.longest_wait)
        self._wake, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"notify-{receiver.settings.name}", daemon=True)
        self._resend = 0.0  # monotonic seconds
        self._arrived: list[str] = []  # keys of which the outbox does not know it yet
        self._delivered = self._failed = self._given_up = self._summaries = self._resent = 0
        self._problem: str | None = None  # None: the last request was accepted
        self._down_since: int | None = None
        self._last_delivered_at: int | None = None

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """Look into the outbox now."""
        self._wake.set()

    def end(self) -> None:
        """Ask the thread to end, and break off the request that is under way; it will be sent again later."""
        self._ending.set()
        self._wake.set()
        self.receiver.address.hang_up()

    def join(self, seconds: float) -> bool:
        """Wait for the thread; whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def figures(self) -> dict[str, Any]:
        """What happened since the start, times in microseconds; ``problem`` None: the last request was accepted."""
        settings = self.receiver.settings
        return {
            "name": settings.name,
            "kind": settings.kind,
            "to": self.receiver.address.name,
            "sent": self._delivered,
            "failed_tries": self._failed,
            "dropped": self._given_up,
            "summaries": self._summaries,
            "resent": self._resent,
            "problem": self._problem,
            "down_since": self._down_since,
            "last_delivered_at": self._last_delivered_at,
        }

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.clear()
            more = False
            try:
                more = not self._pauses.left and self._round()
            except Exception as error:  # the store refuses (a full disk), or worse: the thread must go on
                self._trouble(
                    str(error).removesuffix(".") if isinstance(error, LogRadarError) else type(error).__name__
                )
                self._pauses.failed(Reply(None))
            if not more:
                self._wake.wait(min(self._poll, self._pauses.left or self._poll))

    def _round(self) -> bool:
        """Send what is due; whether there may be more."""
        self._note()
        if self.receiver.resends and time.monotonic() >= self._resend:
            self._say_again()
        due = self._outbox.due(self._clock(), _TOGETHER)
        groups: dict[object, list[Pending]] = {}  # one by one, and those of a storm together, in order
        for row in self._young(due):
            groups.setdefault(row.document.get("gathered") or row.key, []).append(row)
        held: set[str | None] = set()  # incidents whose earlier notification waits
        for rows in groups.values():
            if self._ending.is_set() or self._pauses.left:
                return False
            free = [row for row in rows if row.incident_id is None or row.incident_id not in held]
            if not self._deliver(free):
                held |= {row.incident_id for row in rows}
        return len(due) == _TOGETHER

    def _young(self, rows: Sequence[Pending]) -> list[Pending]:
        """The rows that are not too old; the others are given up."""
        hours = self.receiver.whole.give_up_hours
        oldest = self._clock() - round(hours * _HOUR)
        if old := [row for row in rows if row.stored_at < oldest]:
            last = f"; the last try: {self._problem}" if self._problem else ""
            self._give_up(old, f"not delivered within {hours:g} hours{last}")
        return [row for row in rows if row.stored_at >= oldest]

    def _deliver(self, rows: Sequence[Pending]) -> bool:
        """Try once to send one notification, or several as a summary; whether nothing more is to be done with them."""
        if not rows:
            return True
        keys = [row.key for row in rows]
        try:
            request = self._request(rows)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            self._give_up(rows, f"its document cannot be read ({type(error).__name__})")
            return True
        if request is None:
            self._outbox.delivered(keys, self._clock())
            return True
        reply = self.receiver.address.post(request.body, request.delivery)
        if reply.accepted:
            self._arrived += keys
            self._delivered += len(rows)
            self._summaries += rows[0].document.get("gathered") is not None
            self._last_delivered_at = self._clock()
            self._well()
            self._note()
            return True
        if self._ending.is_set():  # it was broken off here
            return False
        self._failed += 1
        self._trouble(reply.problem)
        if reply.status in _REFUSED:
            self._give_up(rows, f"refused with {reply.problem}")
            return True
        wait = self._pauses.failed(reply, rows[0].attempts)
        self._outbox.failed(keys, reply.problem, self._clock() + round(wait * 1e6))
        return False

    def _note(self) -> None:
        """Note what arrived; where the store refuses it, that comes first next time, and nothing is sent twice."""
        if self._arrived:
            self._outbox.delivered(self._arrived, self._clock())
            self._arrived = []

    def _request(self, rows: Sequence[Pending]) -> Request | None:
        """The request for notifications; None where all of them are the end of what was never announced."""
        known = [row for row in rows if row.document["announced"] or self._outbox.announced(str(row.incident_id))]
        news = self.receiver.read([(row.key, row.document) for row in known])
        minute = rows[0].document.get("gathered")
        if not news or minute is None:
            return self.receiver.request(news[0]) if news else None
        return self.receiver.summary(Summary(f"summary/{minute}/{' '.join(one.key for one in news)}", news))

    def _say_again(self) -> None:
        """Send open incidents again."""
        settings = self.receiver.settings
        self._resend = time.monotonic() + settings.resend_seconds
        rows = [(row, bundle) for row, bundle in self._outbox.open_incidents() if settings.wants(row)]
        about = {"change": OPENED, "before": None, "at": self._clock()}
        news = self.receiver.read([("", {**about, "incident": row, "bundle": bundle}) for row, bundle in rows])
        for request in self.receiver.again(news):
            reply = self.receiver.address.post(request.body, request.delivery)
            if self._ending.is_set():
                return
            if not reply.accepted:
                self._trouble(reply.problem)
                self._pauses.failed(reply)
                self._resend = 0.0  # as soon as it may be
                return
            self._well()
        self._resent += len(news)

    def _give_up(self, rows: Sequence[Pending], problem: str) -> None:
        self._outbox.given_up([row.key for row in rows], problem, self._clock())
        self._given_up += len(rows)

    def _trouble(self, problem: str) -> None:
        if self._problem is None:
            say(f"Notifications to {self.receiver.settings.name} ({self.receiver.address.name}) fail: {problem}.")
            self._down_since = self._clock()
        self._problem = problem

    def _well(self) -> None:
        if self._problem is not None:
            say(f"Notifications to {self.receiver.settings.name} ({self.receiver.address.name}) are accepted again.")
        self._problem = self._down_since = None
        self._pauses.worked()
