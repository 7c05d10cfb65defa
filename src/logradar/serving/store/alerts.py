"""Alerts and rate changes, read: pages of them, and one with the incident that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Select, func, select

from logradar.core.tables import SEVERITIES
from logradar.serving.store.database import Database
from logradar.serving.store.errors import QueryError
from logradar.serving.store.filters import has_words, known_role, one_of, within
from logradar.serving.store.owners import members_within, owners
from logradar.serving.store.paging import Order, Page
from logradar.serving.store.schema import ACTIVE, ALERT, ALERT_SERVICES, ALERTS, FEEDBACK, RATE_CHANGE, RATE_CHANGES
from logradar.serving.store.texts import asked_name
from logradar.serving.store.upsert import pieces

KINDS: Final = ("new", "gone", "spike", "dip", "silence")
_A, _R = ALERTS.c, RATE_CHANGES.c
_ORDERS: Final = {
    "new": Order("alerts by time", (_A.raised_at, _A.alert_id), (int, str)),
    "severity": Order("alerts by urgency", (_A.severity_score, _A.raised_at, _A.alert_id), (float, int, str)),
}
_BEGAN: Final = Order("rate changes", (_R.started_at, _R.change_id), (int, str))


class Alerts(Database):
    """Reads alerts and rate changes.

    An alert is its document with ``role``, ``bundle``, ``over``, ``incident_id`` and ``verdict`` (what people said of
    it last), both None where there is none. A rate change is its document, ``role``, ``bundle`` and ``incident_id``.
    """

    def alerts(
        self,
        *,
        severity: str | Sequence[str] | None = None,
        service: str | None = None,
        since: int | None = None,
        until: int | None = None,
        text: str | None = None,
        incident_id: str | None = None,
        session_id: str | None = None,
        role: str = ACTIVE,
        order: str = "new",
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """A page of alerts, those raised last first; with ``order='severity'`` the most urgent first.

        ``service`` is any that the session touched, ``text`` are words that the session's id, its services or the first
        lines of its evidence hold. Times are microseconds.
        """
        if order not in _ORDERS:
            raise QueryError(f"Alerts are sorted by {' or '.join(_ORDERS)}, not by '{order[:40]}'.")
        asked = [_A.role == known_role(role), *one_of(_A.severity, severity, SEVERITIES), *has_words(_A.search, text)]
        asked += within(_A.raised_at, _A.raised_at, since, until)
        if service is not None:
            table = ALERT_SERVICES.c
            named = select(table.alert_id).where(table.role == role, table.service == asked_name(service))
            asked.append(_A.alert_id.in_(named))
        if incident_id is not None:
            asked.append(_A.alert_id.in_(members_within(role, asked_name(incident_id), ALERT)))
        if session_id is not None:
            asked.append(_A.session_id == asked_name(session_id))
        few = incident_id is not None or session_id is not None
        by = _ORDERS[order].of_few() if few else _ORDERS[order]
        page = self._page(_alerts().where(*asked), by, cursor, limit, _alert)
        with self.reading() as connection:
            return Page(_with_incidents(connection, role, page.items), page.next_cursor)

    def alert(self, alert_id: str, *, role: str = ACTIVE) -> dict[str, Any] | None:
        """One alert, or None."""
        query = _alerts().where(_A.role == known_role(role), _A.alert_id == asked_name(alert_id))
        with self.reading() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else _with_incidents(connection, role, [_alert(row)])[0]

    def rate_changes(
        self,
        *,
        kind: str | Sequence[str] | None = None,
        service: str | None = None,
        since: int | None = None,
        until: int | None = None,
        text: str | None = None,
        incident_id: str | None = None,
        role: str = ACTIVE,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """A page of rate changes, those that began last first."""
        asked = [_R.role == known_role(role), *one_of(_R.kind, kind, KINDS), *has_words(_R.search, text)]
        asked += within(_R.started_at, _R.last_at, since, until)
        if service is not None:
            asked.append(_R.service == asked_name(service))
        if incident_id is not None:
            asked.append(_R.change_id.in_(members_within(role, asked_name(incident_id), RATE_CHANGE)))
        query = select(_R.change_id, _R.role, _R.bundle, _R.started_at, _R.document).where(*asked)
        by = _BEGAN if incident_id is None else _BEGAN.of_few()
        page = self._page(query, by, cursor, limit, _change)
        with self.reading() as connection:
            of = owners(connection, role, RATE_CHANGE, [one["change_id"] for one in page.items])
        return Page([{**one, "incident_id": of.get(one["change_id"])} for one in page.items], page.next_cursor)


def _alerts() -> Select[Any]:
    return select(_A.alert_id, _A.role, _A.bundle, _A.over, _A.raised_at, _A.severity_score, _A.document)


def _alert(row: Any) -> dict[str, Any]:
    return {**orjson.loads(row.document), "role": row.role, "bundle": row.bundle, "over": row.over}


def _change(row: Any) -> dict[str, Any]:
    return {**orjson.loads(row.document), "role": row.role, "bundle": row.bundle}


def _with_incidents(connection: Connection, role: str, alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [one["alert_id"] for one in alerts]
    of, said = owners(connection, role, ALERT, ids), _verdicts(connection, ids)
    return [{**one, "incident_id": of.get(one["alert_id"]), "verdict": said.get(one["alert_id"])} for one in alerts]


def _verdicts(connection: Connection, ids: list[str]) -> dict[str, str]:
    """What people said of the alerts last."""
    table = FEEDBACK.c
    found: dict[str, str] = {}
    for some in pieces(ids):
        last = (
            select(func.max(table.id)).where(table.sort == ALERT, table.subject_id.in_(some)).group_by(table.subject_id)
        )
        rows = connection.execute(select(table.subject_id, table.verdict).where(table.id.in_(last)))
        found |= dict(rows.tuples().all())
    return found
