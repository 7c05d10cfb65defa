"""Delivery: sends what the outbox holds to all receivers, each by a thread of its own.

What is to be sent rests in the store, so a service that ends or is killed goes on where it was: every notification
arrives at least once, and again under the same id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final, Self

from logradar.alerting.incident_rows import OPEN
from logradar.core.errors import ConfigError, did_you_mean
from logradar.serving.notifications.changes import TEST
from logradar.serving.notifications.outbox import ReceiverOutbox
from logradar.serving.notifications.receiver import Receiver
from logradar.serving.notifications.worker import Worker
from logradar.serving.store.database import now_us
from logradar.serving.store.outbox import Outbox

_PATIENCE: Final = 5.0  # seconds
_NAMES: Final = ("waiting", "delivered", "given_up", "waiting_since")


class Delivery:
    """A context manager: the threads run inside of it. ``store`` holds the outbox; ``poll`` is in seconds."""

    def __init__(
        self, receivers: Sequence[Receiver], store: Outbox, *, poll: float = 1.0, clock: Callable[[], int] = now_us
    ) -> None:
        self._store, self._clock = store, clock
        self._workers = [
            Worker(one, ReceiverOutbox(store, one.settings.name), poll=poll, clock=clock) for one in receivers
        ]

    def start(self) -> None:
        """Begin to send."""
        for one in self._workers:
            one.start()

    def wake(self) -> None:
        """Look into the outbox now: for the one who has put something into it."""
        for one in self._workers:
            one.wake()

    def stop(self, patience: float = _PATIENCE) -> bool:
        """End all threads, and break off requests that are under way; they are sent again after the next start.

        Waits ``patience`` seconds at most; whether all threads have ended (the name of a host may take longer to
        resolve; such a thread sends nothing more).
        """
        for one in self._workers:
            one.end()
        deadline = time.monotonic() + patience
        ended = [one.join(max(0.0, deadline - time.monotonic())) for one in self._workers]
        return all(ended)

    def figures(self) -> list[dict[str, Any]]:
        """A JSON object for each receiver.

        From the outbox ``waiting``, ``delivered``, ``given_up`` (counts that survive a restart) and ``waiting_since``;
        of this run ``sent``, ``failed_tries``, ``dropped``, ``summaries``, ``resent``, ``problem``, ``down_since`` and
        ``last_delivered_at``. Times are microseconds.
        """
        stored = {one.receiver: asdict(one) for one in self._store.outbox_figures()}
        nothing: dict[str, Any] = {"waiting": 0, "delivered": 0, "given_up": 0, "waiting_since": None}
        found = []
        for one in self._workers:
            own = one.figures()
            found.append(own | {name: stored.get(own["name"], nothing)[name] for name in _NAMES})
        return found

    def test_message(self, name: str) -> tuple[bool, str]:
        """Send a test to the receiver of this ``name`` now; whether it was accepted, and a sentence that says so.

        Raises `ConfigError` where there is no such receiver.
        """
        known = {one.receiver.settings.name: one.receiver for one in self._workers}
        if name not in known:
            raise ConfigError(f"There is no receiver '{name}'; {did_you_mean(name, known)}")
        return send_test(known[name].fresh(), self._clock())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def send_test(receiver: Receiver, now: int) -> tuple[bool, str]:
    """Send an incident that is none; whether it was accepted, and a sentence. ``now`` is in microseconds."""
    moment = datetime.fromtimestamp(now / 1e6, UTC).isoformat()
    incident = {
        "incident_id": f"test-{now}",
        "status": OPEN,
        "severity": "low",
        "severity_score": 0.0,
        "initial_severity_score": 0.0,
        "started_at": moment,
        "last_at": moment,
        "services": ["logradar"],
        "alerts": 1,
        "rate_changes": 0,
        "alert_ids": [],
        "rate_change_ids": [],
        "kind": f"test-{now}",
        "again_of": None,
        "title": "Test of LogRadar's notifications: nothing is wrong",
        "evidence": None,
        "candidates": [],
        "merged_into": None,
    }
    document = {"change": TEST, "incident": incident, "before": None, "bundle": "test", "at": now}
    settings = receiver.settings
    (news,) = receiver.read([(f"{settings.name}/test-{now}/test", document)])
    request = receiver.request(news)
    if request is None:
        return True, f"{settings.name} gets nothing for a test."
    reply = receiver.address.post(request.body, request.delivery)
    where = f"{settings.name} ({receiver.address.name})"
    if reply.accepted:
        return True, f"{where} accepted the test with status {reply.status}."
    return False, f"{where} did not accept the test: {reply.problem}."
