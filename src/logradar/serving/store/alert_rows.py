"""Alerts as rows: what the columns hold of a document, and how alerts are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select

from logradar.core.tables import NO_SERVICE
from logradar.serving.store.feed import NEW, WITHDRAWN, Change
from logradar.serving.store.moments import microseconds_of
from logradar.serving.store.schema import ALERT, ALERT_SERVICES, ALERTS, INCIDENT_MEMBERS
from logradar.serving.store.texts import Texts
from logradar.serving.store.upsert import insert_new, pieces, upsert

_SHOWN: Final = ("session_id", "service", "severity", "severity_score", "score", "raised_at")
_LINES: Final = 3  # lines of the evidence that a search looks into


def store(
    connection: Connection, texts: Texts, rows: Sequence[Mapping[str, Any]], role: str, bundle: str, now: int
) -> list[Change]:
    """Store alerts in place of those with their ids, and return what is new."""
    documents = {str(row["alert_id"]): row for row in rows}  # the last one of an id counts
    if not documents:
        return []
    known: set[str] = set()
    for ids in pieces(documents):
        query = select(ALERTS.c.alert_id).where(ALERTS.c.role == role, ALERTS.c.alert_id.in_(ids))
        known |= set(connection.scalars(query))
    found = [alert_row(row, texts, role, bundle, now) for row in documents.values()]
    upsert(connection, ALERTS, found, keep=("stored_at",))
    old = delete(ALERT_SERVICES).where(ALERT_SERVICES.c.role == role, ALERT_SERVICES.c.alert_id == bindparam("id"))
    if known:
        connection.execute(old, [{"id": id_} for id_ in documents if id_ in known])
    insert_new(
        connection,
        ALERT_SERVICES,
        [
            {"role": role, "alert_id": id_, "service": name}
            for id_ in documents
            for name in named(documents[id_], texts)
        ],
    )
    return [
        Change(role, ALERT, NEW, row["alert_id"], row["raised_at"], _shown(documents[row["alert_id"]]))
        for row in found
        if row["alert_id"] not in known
    ]


def withdraw(connection: Connection, ids: Sequence[str], role: str) -> list[Change]:
    """Delete alerts that are none any more, and return those that were there as changes."""
    changes: list[Change] = []
    for some in pieces(ids):
        there = ALERTS.c.role == role, ALERTS.c.alert_id.in_(some)
        rows = connection.execute(select(ALERTS.c.alert_id, ALERTS.c.raised_at).where(*there)).all()
        changes += [Change(role, ALERT, WITHDRAWN, row.alert_id, row.raised_at, {}) for row in rows]
        services, members = ALERT_SERVICES.c, INCIDENT_MEMBERS.c
        connection.execute(delete(ALERT_SERVICES).where(services.role == role, services.alert_id.in_(some)))
        connection.execute(
            delete(INCIDENT_MEMBERS).where(members.role == role, members.sort == ALERT, members.member_id.in_(some))
        )
        connection.execute(delete(ALERTS).where(*there))
    return changes


def alert_row(row: Mapping[str, Any], texts: Texts, role: str, bundle: str, now: int) -> dict[str, Any]:
    """The columns of an alert."""
    document = {name: value for name, value in row.items() if name != "over"}
    lines = [str(one.get("body") or "") for one in (row.get("evidence") or ())[:_LINES]]
    services = sorted(named(row, texts))
    return {
        "role": role,
        "alert_id": str(row["alert_id"]),
        "bundle": texts.name(bundle),
        "session_id": texts.name(str(row["session_id"])),
        "service": texts.name(row.get("service") or NO_SERVICE),
        "severity": row["severity"],
        "severity_score": float(row["severity_score"]),
        "score": float(row["score"]),
        "started_at": microseconds_of(row.get("started_at")),
        "raised_at": microseconds_of(row.get("raised_at")),
        "over": bool(row.get("over", True)),
        "search": texts.search(str(row["session_id"]), *services, *lines),
        "document": texts.document(document),
        "stored_at": now,
    }


def named(row: Mapping[str, Any], texts: Texts) -> set[str]:
    """The services of a document, as columns hold them."""
    return {texts.name(name or NO_SERVICE) for name in [row.get("service"), *(row.get("services") or ())]}


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in _SHOWN}
