"""People: what they say of incidents and alerts, which no detection overwrites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, delete, select

from logradar.serving.store.database import Database
from logradar.serving.store.errors import QueryError
from logradar.serving.store.feed import Change
from logradar.serving.store.filters import known_role, one_of
from logradar.serving.store.paging import Order, Page, require_range
from logradar.serving.store.schema import (
    ACKNOWLEDGEMENTS,
    ACTIVE,
    ALERT,
    ALERTS,
    FEED,
    FEEDBACK,
    INCIDENT,
    INCIDENTS,
    NOTES,
    REVIEWS,
)
from logradar.serving.store.texts import asked_name
from logradar.serving.store.upsert import insert_new, upsert

VERDICTS: Final = ("false_alarm", "anomaly")
ANSWERS: Final = ("normal", "anomaly", "unsure")
LONGEST_NOTE: Final = 10_000  # characters
_F = FEEDBACK.c
_LATEST: Final = Order("feedback", (_F.id,), (int,))


class People(Database):
    """Notes and reads what people say; ``by`` is who, times are those of this machine in microseconds."""

    def acknowledge(self, incident_id: str, by: str, note: str = "", *, role: str = ACTIVE) -> None:
        """Note that somebody looks after an incident, in place of whoever did before.

        Raises `QueryError` where there is no such incident, as all methods here do.
        """
        with self.changing() as connection:
            row = {**self._said(connection, incident_id, by, role), "note": self._note_text(note)}
            upsert(connection, ACKNOWLEDGEMENTS, [row])
            self._tell(connection, "acknowledged", row, row)

    def withdraw_acknowledgement(self, incident_id: str, by: str, *, role: str = ACTIVE) -> None:
        """Note that nobody looks after an incident any more."""
        with self.changing() as connection:
            row = self._said(connection, incident_id, by, role)
            table = ACKNOWLEDGEMENTS.c
            same = (table.role == role, table.incident_id == row["incident_id"])
            connection.execute(delete(ACKNOWLEDGEMENTS).where(*same))
            self._tell(connection, "withdrawn", row, row)

    def note(self, incident_id: str, by: str, note: str, *, role: str = ACTIVE) -> int:
        """Add a note to an incident, and return the note's number."""
        with self.changing() as connection:
            row = {**self._said(connection, incident_id, by, role), "note": self._note_text(note)}
            number = connection.execute(NOTES.insert().returning(NOTES.c.id), row).scalar_one()
            self._tell(connection, "note", row, {**row, "id": number})
        return int(number)

    def feedback(
        self, verdict: str, by: str, *, alert_id: str | None = None, incident_id: str | None = None, note: str = ""
    ) -> int:
        """Note that an alert or an incident is a 'false_alarm' or an 'anomaly', and return the number of this verdict.

        The last verdict counts. It stays when the alert is forgotten.
        """
        if verdict not in VERDICTS:
            raise QueryError(f"A verdict is {' or '.join(VERDICTS)}, not '{verdict[:40]}'.")
        if (alert_id is None) == (incident_id is None):
            raise QueryError("Feedback is about one alert or one incident: give the id of either.")
        sort, table, column = (
            (ALERT, ALERTS, "alert_id") if alert_id is not None else (INCIDENT, INCIDENTS, "incident_id")
        )
        id_ = asked_name(alert_id if alert_id is not None else str(incident_id))
        row: dict[str, Any] = {"sort": sort, "subject_id": id_, "verdict": verdict, "by": self._texts.name(by)}
        row |= {"note": self._note_text(note), "at": self._clock()}
        with self.changing() as connection:
            if connection.scalar(select(table.c.role).where(table.c[column] == id_).limit(1)) is None:
                raise QueryError(f"There is no {sort} '{id_[:40]}' in the store.")
            number = connection.execute(FEEDBACK.insert().returning(_F.id), row).scalar_one()
            self._append(connection, Change(ACTIVE, sort, "feedback", id_, row["at"], row, str(number)))
        return int(number)

    def withdraw_feedback(self, number: int) -> None:
        """Forget a verdict, as if it had not been given."""
        require_range(number, "number")
        with self.changing() as connection:
            if not connection.execute(delete(FEEDBACK).where(_F.id == number)).rowcount:
                raise QueryError(f"There is no feedback with the number {number}.")

    def feedbacks(self, *, verdict: str | None = None, cursor: str | None = None, limit: int = 50) -> Page:
        """A page of verdicts, the last one first: ``id``, ``sort`` (alert or incident), ``subject_id``, …"""
        query = select(FEEDBACK).where(*one_of(_F.verdict, verdict, VERDICTS))
        return self._page(query, _LATEST, cursor, limit, lambda row: dict(row._mapping))

    def review(self, bundle: str, kind: str, answer: str, by: str) -> None:
        """Answer a question of a review: whether sessions of a ``kind`` are 'normal', an 'anomaly', or 'unsure'."""
        if answer not in ANSWERS:
            raise QueryError(f"An answer is {', '.join(ANSWERS)}, not '{answer[:40]}'.")
        row = {"bundle": self._texts.name(bundle), "kind": self._texts.name(kind), "answer": answer}
        with self.changing() as connection:
            upsert(connection, REVIEWS, [row | {"by": self._texts.name(by), "at": self._clock()}])

    def reviews(self, bundle: str) -> list[dict[str, Any]]:
        """The answers to questions about a bundle: ``kind``, ``answer``, ``by``, ``at``."""
        query = select(REVIEWS).where(REVIEWS.c.bundle == asked_name(bundle)).order_by(REVIEWS.c.kind)
        with self.reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _said(self, connection: Connection, incident_id: str, by: str, role: str) -> dict[str, Any]:
        id_, table = asked_name(incident_id), INCIDENTS.c
        known_role(role)
        if connection.scalar(select(table.role).where(table.role == role, table.incident_id == id_)) is None:
            raise QueryError(f"There is no incident '{id_[:40]}' in the store.")
        return {"role": role, "incident_id": id_, "by": self._texts.name(by), "at": self._clock()}

    def _note_text(self, note: str) -> str:
        if len(note) > LONGEST_NOTE:
            raise QueryError(f"A note has at most {LONGEST_NOTE:,} characters, and this has {len(note):,}.")
        return self._texts.clean(note)

    def _tell(self, connection: Connection, what: str, row: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        key = str(document.get("id", row["at"]))
        self._append(connection, Change(row["role"], INCIDENT, what, row["incident_id"], row["at"], document, key))

    def _append(self, connection: Connection, change: Change) -> None:
        insert_new(connection, FEED, [change.row(self._texts.document(change.document), self._clock())])
