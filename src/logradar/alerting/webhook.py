"""Webhook: sends alerts and incidents to one HTTP address while detection goes on.

`send` only puts tables into a queue; a thread redacts them, writes JSON and sends it, with retries. The queue is
bounded, and what does not fit is dropped and counted. So a slow or dead receiver never delays detection and never
takes memory.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Literal, Self

import orjson
import pyarrow as pa

from logradar import __version__
from logradar.alerting.endpoint import Endpoint, Reply
from logradar.alerting.files import alert_json
from logradar.alerting.incident_files import incident_json
from logradar.alerting.incidents import NO_INCIDENTS
from logradar.core.progress import say
from logradar.core.tables import ALERTS, empty

FORMAT: Final = 1  # of the document
TOGETHER: Final = 100  # alerts and incidents of one document
NO_ALERTS: Final = empty(ALERTS)
Redact = Callable[[pa.Table], pa.Table]
Sort = Literal["early", "over", "withdrawn", "incidents"]  # of what a table holds


@dataclass(frozen=True)
class WebhookPolicy:
    """How hard a webhook tries: times in seconds.

    Between two tries there are 0 to ``first_wait`` seconds, doubled with each try up to ``longest_wait``, or what the
    receiver asks for up to ``longest_asked``. ``patience`` is how long the end waits for what is in the queue. The
    queue holds ``most`` tables and ``most_bytes`` bytes of them.
    """

    tries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0
    longest_asked: float = 60.0
    patience: float = 5.0
    most: int = 1_000
    most_bytes: int = 64 << 20


class Webhook:
    """A context manager that sends ALERTS and INCIDENTS to ``endpoint``; its end waits a little for the rest.

    ``redact`` is applied to every table before it leaves. ``about`` is part of every document.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        redact: Redact | None = None,
        about: dict[str, Any] | None = None,
        policy: WebhookPolicy | None = None,
    ) -> None:
        self.endpoint, self._redact, self._about = endpoint, redact, about or {}
        self.policy = policy or WebhookPolicy()
        self.delivered = self.failed = self.dropped = 0  # alerts and incidents
        self._queue: deque[tuple[pa.Table, Sort]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._ending = self._over = self._down = False
        self._sending = 0  # alerts and incidents of the document that is being sent
        self._deadline = float("inf")
        self._known: set[str] = set()  # ids of early alerts that were put into the queue
        self._thread = threading.Thread(target=self._work, name="webhook", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._ending = True
            self._deadline = time.monotonic() + (self.policy.patience if kind is None else 0)
            self._changed.notify_all()
        try:
            self._thread.join(max(0.0, self._deadline - time.monotonic()) + 0.1)
        finally:
            with self._changed:
                self._over = True
                self.dropped += self._sending + sum(len(table) for table, _ in self._queue)
                self._queue.clear()
        if lost := self.dropped + self.failed:
            say(
                f"Webhook {self.endpoint.name}: {self.delivered:,} alerts and incidents delivered, {lost:,} not "
                f"({self.failed:,} not accepted, {self.dropped:,} dropped because the queue was full or the time over)."
            )

    def send(
        self,
        alerts: pa.Table = NO_ALERTS,
        early: pa.Table = NO_ALERTS,
        incidents: pa.Table = NO_INCIDENTS,
        withdrawn: Sequence[str] = (),
    ) -> None:
        """Put ALERTS (of sessions that are over, and of others that are anomalous ``early``) and INCIDENTS in line.

        ``withdrawn`` are ids of early alerts that are none any more.
        """
        ids = pa.table({"alert_id": pa.array(withdrawn, pa.string())})
        tables: tuple[tuple[pa.Table, Sort], ...] = (
            *((ids, "withdrawn"), (early, "early"), (alerts, "over"), (incidents, "incidents")),
        )
        for table, sort in tables:
            for first in range(0, len(table), TOGETHER):
                self._put(table.slice(first, TOGETHER), sort)

    def figures(self) -> dict[str, Any]:
        """What became of the alerts and incidents; those that wait are in none of the numbers."""
        return {"to": self.endpoint.name, "delivered": self.delivered, "failed": self.failed, "dropped": self.dropped}

    def _put(self, table: pa.Table, sort: Sort) -> None:
        size = table.nbytes
        with self._changed:
            full = len(self._queue) >= self.policy.most or self._bytes + size > self.policy.most_bytes
            if full and self._queue:
                self.dropped += len(table)
                return
            self._queue.append((table, sort))
            self._bytes += size
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._ending:
                    self._changed.wait()
                if not self._queue:
                    return
                table, sort = self._queue.popleft()
                self._bytes -= table.nbytes
                self._sending = len(table)
            try:
                arrived = self._deliver(self._document(table, sort))
            except Exception as error:  # the thread must go on whatever one document does
                say(f"Webhook {self.endpoint.name}: a document was not sent ({type(error).__name__}: {error}).")
                arrived = False
            with self._changed:
                if self._over:
                    return
                self._sending = 0
                if arrived:
                    self.delivered += len(table)
                else:
                    self.failed += len(table)

    def _document(self, table: pa.Table, sort: Sort) -> bytes:
        shown = self._redact(table) if self._redact is not None and sort != "withdrawn" else table
        rows = shown.to_pylist()
        document: dict[str, Any] = {"type": "logradar", "format": FORMAT, "version": __version__, **self._about}
        document |= {"redacted": self._redact is not None, "alerts": [], "incidents": []}
        if sort == "incidents":
            document["incidents"] = [incident_json(row) for row in rows]
        elif sort == "withdrawn":
            self._known.difference_update(row["alert_id"] for row in rows)
            document["alerts"] = [{**row, "change": "withdrawn"} for row in rows]
        else:
            document["alerts"] = [self._alert(row, sort == "over") for row in rows]
        return orjson.dumps(document)

    def _alert(self, row: dict[str, Any], over: bool) -> dict[str, Any]:
        """An alert without its signature; whether it is new, and whether its session is over."""
        name = row["alert_id"]
        new = name not in self._known
        if over:
            self._known.discard(name)
        else:
            self._known.add(name)
        alert = {key: value for key, value in alert_json({**row, "signature": None}).items() if key != "signature"}
        return {**alert, "change": "new" if new else "changed", "session_over": over}

    def _deliver(self, body: bytes) -> bool:
        delivery = f"msg_{uuid.uuid4().hex}"
        answer = Reply(None)
        for number in range(self.policy.tries):
            answer = self.endpoint.post(body, delivery)
            if answer.accepted:
                if self._down:
                    say(f"Webhook {self.endpoint.name} accepts documents again.")
                self._down = False
                return True
            if not answer.again or number + 1 == self.policy.tries or not self._pause(number, answer):
                break
        if not self._down:
            say(f"Webhook {self.endpoint.name} does not accept documents: {answer.problem}. Detection goes on.")
        self._down = True
        return False

    def _pause(self, number: int, answer: Reply) -> bool:
        """Wait for the next try; False where the end would come first."""
        policy = self.policy
        if answer.wait is not None:
            wait = min(answer.wait, policy.longest_asked)
        else:
            wait = random.uniform(0, min(policy.first_wait * 2**number, policy.longest_wait))
        until = time.monotonic() + wait
        with self._changed:
            while (left := min(until, self._deadline) - time.monotonic()) > 0:
                self._changed.wait(left)
            return time.monotonic() < self._deadline
