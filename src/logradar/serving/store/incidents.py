"""Incidents, read: pages of them by time or urgency, and one with all that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Select, and_, func, select

from logradar.core.tables import SEVERITIES
from logradar.serving.store.database import Database
from logradar.serving.store.errors import QueryError
from logradar.serving.store.filters import has_words, known_role, one_of, within
from logradar.serving.store.owners import ids_within, members_within
from logradar.serving.store.paging import Order, Page
from logradar.serving.store.schema import (
    ACKNOWLEDGEMENTS,
    ACTIVE,
    ALERT,
    ALERTS,
    INCIDENT_SERVICES,
    INCIDENTS,
    MERGED,
    NOTES,
    OPEN,
    RATE_CHANGE,
    RATE_CHANGES,
    RESOLVED,
)
from logradar.serving.store.texts import asked_name

STATUSES: Final = (OPEN, RESOLVED, MERGED)
_T = INCIDENTS.c
_NEWEST: Final = Order("incidents by time", (_T.started_at, _T.incident_id), (int, str))
_URGENT: Final = Order("incidents by urgency", (_T.severity_score, _T.started_at, _T.incident_id), (float, int, str))
_ORDERS: Final = {"new": _NEWEST, "severity": _URGENT}
_WITH: Final = 100  # alerts and rate changes that come with an incident; `alerts(incident_id=)` pages through all
_SAID: Final = (ACKNOWLEDGEMENTS.c.by, ACKNOWLEDGEMENTS.c.note, ACKNOWLEDGEMENTS.c.at)


class Incidents(Database):
    """Reads incidents. One is its document with ``role``, ``bundle`` and ``acknowledged`` (by, note, at; or None)."""

    def incidents(
        self,
        *,
        status: str | Sequence[str] | None = None,
        severity: str | Sequence[str] | None = None,
        service: str | None = None,
        since: int | None = None,
        until: int | None = None,
        text: str | None = None,
        acknowledged: bool | None = None,
        role: str = ACTIVE,
        order: str = "new",
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """A page of incidents, those that began last first; with ``order='severity'`` the most urgent first.

        ``status`` None stands for open and resolved ones: one that is merged is part of another one. ``text`` are words
        that the title, the first line or the services hold. Times are microseconds.
        """
        asked = [_T.role == known_role(role), *one_of(_T.severity, severity, SEVERITIES), *has_words(_T.search, text)]
        asked += one_of(_T.status, (OPEN, RESOLVED) if status is None else status, STATUSES)
        asked += within(_T.started_at, _T.last_at, since, until)
        if service is not None:
            asked.append(_T.incident_id.in_(_of_service(role, service)))
        if acknowledged is not None:
            said = ACKNOWLEDGEMENTS.c.at
            asked.append(said.is_not(None) if acknowledged else said.is_(None))
        return self._page(_query().where(*asked), _order(order), cursor, limit, _item)

    def incident(self, incident_id: str, *, role: str = ACTIVE) -> dict[str, Any] | None:
        """One incident, or None: its document, and what belongs to it.

        ``alert_list`` and ``rate_change_list`` (the first hundred of each, as documents), ``notes`` (by, note, at;
        those of incidents that are part of it too) and ``parts`` (the ids of these).
        """
        id_, role = asked_name(incident_id), known_role(role)
        inside = ids_within(role, id_)
        notes = select(NOTES).where(NOTES.c.role == role, NOTES.c.incident_id.in_(inside)).order_by(NOTES.c.id)
        with self.reading() as connection:
            row = connection.execute(_query().where(_T.role == role, _T.incident_id == id_)).one_or_none()
            if row is None:
                return None
            parts = sorted(set(connection.scalars(inside)) - {id_})
            said = connection.execute(notes).mappings().all()
            alerts = connection.scalars(_documents(ALERTS, ALERT, role, id_, "alert_id", "raised_at"))
            changes = connection.scalars(_documents(RATE_CHANGES, RATE_CHANGE, role, id_, "change_id", "started_at"))
            return {
                **_item(row),
                "alert_list": [orjson.loads(one) for one in alerts],
                "rate_change_list": [orjson.loads(one) for one in changes],
                "notes": [{name: one[name] for name in ("id", "incident_id", "by", "note", "at")} for one in said],
                "parts": parts,
            }

    def incident_figures(self, *, role: str = ACTIVE) -> dict[str, int]:
        """How many incidents are open, by severity; all of `SEVERITIES` are there."""
        query = (
            select(_T.severity, func.count())
            .where(_T.role == known_role(role), _T.status == OPEN)
            .group_by(_T.severity)
        )
        with self.reading() as connection:
            found: dict[str, int] = dict(connection.execute(query).tuples().all())
        return {name: found.get(name, 0) for name in SEVERITIES}


def _order(name: str) -> Order:
    if name not in _ORDERS:
        raise QueryError(f"Incidents are sorted by {' or '.join(_ORDERS)}, not by '{name[:40]}'.")
    return _ORDERS[name]


def _query() -> Select[Any]:
    said = ACKNOWLEDGEMENTS
    columns = (_T.incident_id, _T.role, _T.bundle, _T.severity_score, _T.started_at, _T.document, *_SAID)
    same = and_(said.c.role == _T.role, said.c.incident_id == _T.incident_id)
    return select(*columns).select_from(INCIDENTS.outerjoin(said, same))


def _item(row: Any) -> dict[str, Any]:
    said = None if row.at is None else {"by": row.by, "note": row.note, "at": row.at}
    return {**orjson.loads(row.document), "role": row.role, "bundle": row.bundle, "acknowledged": said}


def _of_service(role: str, service: str) -> Select[Any]:
    table = INCIDENT_SERVICES.c
    return select(table.incident_id).where(table.role == role, table.service == asked_name(service))


def _documents(table: Any, sort: str, role: str, incident_id: str, key: str, time: str) -> Select[Any]:
    """The documents of the first members of an incident."""
    query = select(table.c.document).where(
        table.c.role == role, table.c[key].in_(members_within(role, incident_id, sort))
    )
    return query.order_by(table.c[time] + 0, table.c[key]).limit(_WITH)  # as `Order.of_few`
