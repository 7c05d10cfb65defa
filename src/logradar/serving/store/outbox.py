"""The outbox: notifications that are due, delivered or given up; what is in it survives a crash.

A receiver's rows are asked for by its name, so one that is dead delays no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import func, select, update

from logradar.serving.store.database import Database
from logradar.serving.store.paging import require_limit
from logradar.serving.store.schema import OUTBOX
from logradar.serving.store.texts import Texts, asked_name

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
GIVEN_UP: Final = "given_up"
_PROBLEM: Final = 500  # characters that are kept of why it failed


@dataclass(frozen=True)
class Notification:
    """One document for one receiver.

    ``key`` tells notifications apart, ``kind`` says what it is (the receiver's own word), ``not_before`` is in
    microseconds, ``attempts`` how often it failed so far.
    """

    key: str
    receiver: str
    kind: str
    incident_id: str | None
    document: Mapping[str, Any]
    not_before: int = 0
    attempts: int = 0


@dataclass(frozen=True)
class OutboxFigures:
    """Of one ``receiver``: how many wait, were delivered and given up; the time since which the oldest one waits.

    ``problem`` is why the last failed one did.
    """

    receiver: str
    waiting: int
    delivered: int
    given_up: int
    waiting_since: int | None
    problem: str | None


def outbox_row(one: Notification, texts: Texts, now: int) -> dict[str, Any]:
    """The columns of a notification that was not tried yet."""
    return {
        "key": texts.name(one.key),
        "receiver": texts.name(one.receiver),
        "kind": texts.name(one.kind),
        "incident_id": one.incident_id,
        "document": texts.document(one.document),
        "state": WAITING,
        "next_try_at": one.not_before,
        "attempts": 0,
        "stored_at": now,
    }


class Outbox(Database):
    """Reads what is due, and notes what became of it."""

    def due(self, receiver: str, now: int, limit: int) -> list[Notification]:
        """Notifications of the receiver that are to be tried at ``now`` (microseconds), the longest due first."""
        require_limit(limit)
        table = OUTBOX.c
        query = select(OUTBOX).where(
            table.receiver == asked_name(receiver), table.state == WAITING, table.next_try_at <= now
        )
        with self.reading() as connection:
            rows = connection.execute(query.order_by(table.next_try_at, table.id).limit(limit)).all()
        return [
            Notification(
                row.key,
                row.receiver,
                row.kind,
                row.incident_id,
                orjson.loads(row.document),
                row.next_try_at,
                row.attempts,
            )
            for row in rows
        ]

    def delivered(self, key: str, at: int) -> None:
        """Note that a notification arrived, at a time in microseconds."""
        self._note(key, state=DELIVERED, ended_at=at, attempts=OUTBOX.c.attempts + 1, problem=None)

    def failed(self, key: str, problem: str, next_try_at: int | None) -> None:
        """Note why a notification did not arrive, and when to try again; None: it is given up."""
        problem = self._texts.clean(problem)[:_PROBLEM]
        if next_try_at is None:
            self._note(key, state=GIVEN_UP, ended_at=self._clock(), attempts=OUTBOX.c.attempts + 1, problem=problem)
        else:
            self._note(key, next_try_at=next_try_at, attempts=OUTBOX.c.attempts + 1, problem=problem)

    def outbox_figures(self) -> list[OutboxFigures]:
        """A row for each receiver, by name."""
        table = OUTBOX.c
        waiting = func.min(table.stored_at).filter(table.state == WAITING)
        states = [func.count().filter(table.state == state) for state in (WAITING, DELIVERED, GIVEN_UP)]
        last = func.max(table.id).filter(table.problem.is_not(None))
        query = select(table.receiver, *states, waiting, last).group_by(table.receiver).order_by(table.receiver)
        with self.reading() as connection:
            rows = connection.execute(query).all()
            problems = dict(
                connection.execute(
                    select(table.id, table.problem).where(table.id.in_([row[5] for row in rows if row[5]]))
                )
                .tuples()
                .all()
            )
        return [OutboxFigures(row[0], row[1], row[2], row[3], row[4], problems.get(row[5])) for row in rows]

    def _note(self, key: str, **changes: Any) -> None:
        with self.changing() as connection:
            connection.execute(update(OUTBOX).where(OUTBOX.c.key == asked_name(key)).values(**changes))
