"""Incidents as rows: what the columns hold of a document, how incidents are written, and what of it is news."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from logradar.core.tables import NO_SERVICE
from logradar.serving.store.feed import Change, incident_changes
from logradar.serving.store.moments import microseconds_of
from logradar.serving.store.schema import (
    ALERT,
    INCIDENT_MEMBERS,
    INCIDENT_SERVICES,
    INCIDENT_VERSIONS,
    INCIDENTS,
    MERGED,
    RATE_CHANGE,
)
from logradar.serving.store.texts import Texts, digest
from logradar.serving.store.upsert import insert_new, pieces, upsert


def store(
    connection: Connection, texts: Texts, rows: Sequence[Mapping[str, Any]], role: str, bundle: str, now: int
) -> list[Change]:
    """Store incidents in place of those with their ids, in their order, and return what a person sees change.

    A document that the incident had before is a replay, and no news.
    """
    ids = {str(row["incident_id"]) for row in rows}
    before, seen = _before(connection, role, ids), _seen(connection, role, ids)
    last: dict[str, dict[str, Any]] = {}
    versions, changes = [], []
    for row in rows:
        found = _row(row, texts, role, bundle, now)
        id_ = found["incident_id"]
        if (id_, found["digest"]) not in seen:
            changes += incident_changes(role, row, before.get(id_), found["last_at"])
            seen.add((id_, found["digest"]))
            versions.append({"role": role, "incident_id": id_, "digest": found["digest"]})
        before[id_] = last[id_] = found
    upsert(connection, INCIDENTS, list(last.values()), keep=("stored_at",))
    insert_new(connection, INCIDENT_VERSIONS, versions)
    _link(connection, texts, rows, role)
    return changes


def _before(connection: Connection, role: str, ids: set[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    table = INCIDENTS.c
    for some in pieces(ids):
        query = select(table.incident_id, table.severity, table.status, table.merged_into, table.alerts)
        rows = connection.execute(query.where(table.role == role, table.incident_id.in_(some))).mappings()
        found |= {row["incident_id"]: row for row in rows}
    return found


def _seen(connection: Connection, role: str, ids: set[str]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    table = INCIDENT_VERSIONS.c
    for some in pieces(ids):
        query = select(table.incident_id, table.digest).where(table.role == role, table.incident_id.in_(some))
        found |= {(row.incident_id, row.digest) for row in connection.execute(query)}
    return found


def _row(row: Mapping[str, Any], texts: Texts, role: str, bundle: str, now: int) -> dict[str, Any]:
    document = texts.document(dict(row))
    evidence = row.get("evidence") or {}
    return {
        "role": role,
        "incident_id": str(row["incident_id"]),
        "bundle": texts.name(bundle),
        "status": row["status"],
        "severity": row["severity"],
        "severity_score": float(row["severity_score"]),
        "started_at": microseconds_of(row.get("started_at")),
        "last_at": microseconds_of(row.get("last_at")),
        "alerts": int(row["alerts"]),
        "kind": row.get("kind") or "",
        "merged_into": row.get("merged_into"),
        "search": texts.search(row["incident_id"], row.get("title"), *row["services"], evidence.get("body")),
        "digest": digest(document),
        "document": document,
        "stored_at": now,
    }


def _link(connection: Connection, texts: Texts, rows: Sequence[Mapping[str, Any]], role: str) -> None:
    """Note the services of incidents, and which incident each alert and rate change was given with last.

    One that is merged shows what the other one has; what it had itself is found through it.
    """
    if not rows:
        return
    ids = [str(row["incident_id"]) for row in rows]
    table = INCIDENT_SERVICES.c
    gone = delete(INCIDENT_SERVICES).where(table.role == role, table.incident_id == bindparam("id"))
    connection.execute(gone, [{"id": id_} for id_ in ids])
    last = {str(row["incident_id"]): row for row in rows}
    services = [
        {"role": role, "incident_id": id_, "service": name}
        for id_, row in last.items()
        for name in sorted({texts.name(name or NO_SERVICE) for name in row["services"]})
    ]
    insert_new(connection, INCIDENT_SERVICES, services)
    members = [
        {"role": role, "sort": sort, "member_id": str(member), "incident_id": str(row["incident_id"])}
        for row in rows
        if row["status"] != MERGED
        for sort, key in ((ALERT, "alert_ids"), (RATE_CHANGE, "rate_change_ids"))
        for member in row.get(key) or ()
    ]
    upsert(connection, INCIDENT_MEMBERS, members)
