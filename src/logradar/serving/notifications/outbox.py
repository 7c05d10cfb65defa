"""The outbox of one receiver: what waits to be sent, in order; it rests in the store, so it survives a restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import exists, select, update

from logradar.alerting.incident_rows import OPEN
from logradar.serving.notifications.changes import OVER
from logradar.serving.store.outbox import DELIVERED, GIVEN_UP, WAITING, Outbox
from logradar.serving.store.schema import INCIDENTS, OUTBOX

_OPEN: Final = 5_000  # incidents that Alertmanager gets again and again at most
_ACTIVE: Final = "active"
_PROBLEM: Final = 500  # characters


@dataclass(frozen=True)
class Pending:
    """A notification that is due: ``attempts`` have failed; ``stored_at`` is in microseconds."""

    key: str
    incident_id: str | None
    document: Mapping[str, Any]
    attempts: int
    stored_at: int


class ReceiverOutbox:
    """What ``store`` keeps for the receiver of this name."""

    def __init__(self, store: Outbox, receiver: str) -> None:
        self.store, self.receiver = store, receiver

    def due(self, now: int, limit: int) -> list[Pending]:
        """Notifications to be tried at ``now`` (microseconds) in the order in which they were planned.

        One that waits for its next try holds up those of its incident, and no other.
        """
        table, earlier = OUTBOX.c, OUTBOX.alias()
        held = exists().where(
            earlier.c.receiver == table.receiver,
            earlier.c.state == WAITING,
            earlier.c.next_try_at > now,
            earlier.c.incident_id == table.incident_id,
            earlier.c.id < table.id,
        )
        query = select(OUTBOX).where(
            table.receiver == self.receiver, table.state == WAITING, table.next_try_at <= now, ~held
        )
        with self.store.reading() as connection:
            rows = connection.execute(query.order_by(table.id).limit(limit)).all()
        return [
            Pending(row.key, row.incident_id, orjson.loads(row.document), row.attempts, row.stored_at) for row in rows
        ]

    def announced(self, incident_id: str) -> bool:
        """Whether anything but the end of the incident was ever planned for this receiver."""
        start = f"{self.receiver}/{incident_id}/"
        table = OUTBOX.c
        query = select(table.id).where(
            table.key >= start, table.key < start[:-1] + chr(ord("/") + 1), table.kind.not_in(OVER)
        )
        with self.store.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def delivered(self, keys: Sequence[str], at: int) -> None:
        """Note that notifications arrived, all of them or none, at a time in microseconds."""
        self._note(keys, state=DELIVERED, ended_at=at, attempts=OUTBOX.c.attempts + 1, problem=None)

    def failed(self, keys: Sequence[str], problem: str, next_try_at: int) -> None:
        """Note why a try failed, and when the next one is, in microseconds."""
        self._note(keys, next_try_at=next_try_at, attempts=OUTBOX.c.attempts + 1, problem=problem[:_PROBLEM])

    def given_up(self, keys: Sequence[str], problem: str, at: int) -> None:
        """Note that there is no further try, and why."""
        self._note(keys, state=GIVEN_UP, ended_at=at, attempts=OUTBOX.c.attempts + 1, problem=problem[:_PROBLEM])

    def _note(self, keys: Sequence[str], **changes: Any) -> None:
        with self.store.changing() as connection:
            connection.execute(update(OUTBOX).where(OUTBOX.c.key.in_(keys)).values(**changes))

    def open_incidents(self) -> list[tuple[dict[str, Any], str]]:
        """Open incidents of the active bundles, the most urgent first, each with the bundle that found it."""
        table = INCIDENTS.c
        query = select(table.document, table.bundle).where(table.role == _ACTIVE, table.status == OPEN)
        with self.store.reading() as connection:
            rows = connection.execute(query.order_by(table.severity_score.desc(), table.incident_id).limit(_OPEN)).all()
        return [(orjson.loads(row.document), row.bundle) for row in rows]
