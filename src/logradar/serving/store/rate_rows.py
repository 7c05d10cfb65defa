"""Rate changes as rows: what the columns hold of a document, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from logradar.core.tables import NO_SERVICE
from logradar.serving.store.feed import NEW, Change
from logradar.serving.store.moments import microseconds_of
from logradar.serving.store.schema import RATE_CHANGE, RATE_CHANGES
from logradar.serving.store.texts import Texts
from logradar.serving.store.upsert import pieces, upsert

_SHOWN: Final = ("kind", "service", "template", "reason", "started_at")


def store(
    connection: Connection, texts: Texts, rows: Sequence[Mapping[str, Any]], role: str, bundle: str, now: int
) -> list[Change]:
    """Store rate changes in place of those with their ids, and return what is new."""
    documents = {str(row["change_id"]): row for row in rows}
    known: set[str] = set()
    for ids in pieces(documents):
        query = select(RATE_CHANGES.c.change_id).where(RATE_CHANGES.c.role == role, RATE_CHANGES.c.change_id.in_(ids))
        known |= set(connection.scalars(query))
    found = [_row(row, texts, role, bundle, now) for row in documents.values()]
    upsert(connection, RATE_CHANGES, found, keep=("stored_at",))
    return [
        Change(role, RATE_CHANGE, NEW, id_, microseconds_of(row["started_at"]), {name: row[name] for name in _SHOWN})
        for id_, row in documents.items()
        if id_ not in known
    ]


def _row(row: Mapping[str, Any], texts: Texts, role: str, bundle: str, now: int) -> dict[str, Any]:
    return {
        "role": role,
        "change_id": str(row["change_id"]),
        "bundle": texts.name(bundle),
        "kind": row["kind"],
        "service": texts.name(row["service"] or NO_SERVICE),
        "template_id": row["template_id"],
        "started_at": microseconds_of(row["started_at"]),
        "last_at": microseconds_of(row["last_at"]),
        "search": texts.search(row["service"], row["template"], row["body"], row["reason"]),
        "document": texts.document(dict(row)),
        "stored_at": now,
    }
