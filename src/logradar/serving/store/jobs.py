"""Jobs: trainings that people asked for, and how far they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select, update

from logradar.serving.store.database import Database
from logradar.serving.store.errors import QueryError
from logradar.serving.store.filters import one_of
from logradar.serving.store.paging import Order, Page
from logradar.serving.store.schema import JOBS
from logradar.serving.store.texts import asked_name

WAITING: Final = "waiting"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
STATES: Final = (WAITING, RUNNING, DONE, FAILED, CANCELLED)
_ENDED: Final = (DONE, FAILED, CANCELLED)
_J = JOBS.c
_LATEST: Final = Order("jobs", (_J.id,), (int,))
_SHOWN: Final = ("job_id", "kind", "state", "by", "problem", "created_at", "started_at", "ended_at")
_JSON: Final = ("settings", "progress", "result")


class Jobs(Database):
    """Keeps jobs.

    A job has ``job_id``, ``kind``, ``state`` (of `STATES`), ``by``, ``settings``, ``progress`` and ``result`` (JSON
    values), ``problem`` (a sentence), ``created_at``, ``started_at`` and ``ended_at`` (microseconds).
    """

    def add_job(self, job_id: str, kind: str, settings: Mapping[str, Any], by: str) -> dict[str, Any]:
        """Store a job that waits for its turn, under an id of the caller. Raises `QueryError` where the id is taken."""
        row = {"job_id": self._texts.name(job_id), "kind": self._texts.name(kind), "state": WAITING}
        row |= {"by": self._texts.name(by), "settings": self._texts.document(settings)}
        with self.changing() as connection:
            if _found(connection, job_id) is not None:
                raise QueryError(f"There is a job '{job_id[:40]}' already: give another id.")
            added = connection.execute(JOBS.insert().returning(JOBS), row | {"created_at": self._clock()}).one()
        return _job(added)

    def take_job(self) -> dict[str, Any] | None:
        """The job that waits longest, which runs from now on; None where none waits. No job is taken twice."""
        with self.changing() as connection:
            query = select(_J.id).where(_J.state == WAITING).order_by(_J.id).limit(1)
            if (number := connection.scalar(query)) is None:
                return None
            change = update(JOBS).where(_J.id == number).values(state=RUNNING, started_at=self._clock())
            row = connection.execute(change.returning(JOBS)).one()
        return _job(row)

    def update_job(
        self,
        job_id: str,
        *,
        state: str | None = None,
        progress: Any = None,
        result: Any = None,
        problem: str | None = None,
    ) -> dict[str, Any]:
        """Note what became of a job; None leaves a value as it is. One that has ended keeps its state.

        Raises `QueryError` where there is no such job, or no such state.
        """
        if state is not None and state not in STATES:
            raise QueryError(f"A job is {', '.join(STATES)}, not '{state[:40]}'.")
        changes: dict[str, Any] = {} if problem is None else {"problem": self._texts.clean(problem)}
        changes |= {
            name: self._texts.document(value)
            for name, value in (("progress", progress), ("result", result))
            if value is not None
        }
        with self.changing() as connection:
            row = _found(connection, job_id)
            if row is None:
                raise QueryError(f"There is no job '{job_id[:40]}' in the store.")
            if state is not None and row.state not in _ENDED:
                now = self._clock()
                changes |= {"state": state, "ended_at": now if state in _ENDED else None}
                changes |= {"started_at": now} if state == RUNNING and row.started_at is None else {}
            if changes:
                row = connection.execute(update(JOBS).where(_J.id == row.id).values(**changes).returning(JOBS)).one()
        return _job(row)

    def end_running_jobs(self, problem: str) -> int:
        """Note that the jobs that ran failed, as a service does when it starts; returns how many there were."""
        changes = {"state": FAILED, "problem": self._texts.clean(problem), "ended_at": self._clock()}
        with self.changing() as connection:
            return connection.execute(update(JOBS).where(_J.state == RUNNING).values(**changes)).rowcount

    def job(self, job_id: str) -> dict[str, Any] | None:
        """One job, or None."""
        with self.reading() as connection:
            row = _found(connection, job_id)
        return None if row is None else _job(row)

    def jobs(self, *, state: str | None = None, cursor: str | None = None, limit: int = 50) -> Page:
        """A page of jobs, the last one first."""
        return self._page(select(JOBS).where(*one_of(_J.state, state, STATES)), _LATEST, cursor, limit, _job)


def _found(connection: Connection, job_id: str) -> Any:
    return connection.execute(select(JOBS).where(_J.job_id == asked_name(job_id))).one_or_none()


def _job(row: Any) -> dict[str, Any]:
    found = row._mapping
    plain = {name: found[name] for name in _SHOWN}
    return plain | {name: None if found[name] is None else orjson.loads(found[name]) for name in _JSON}
