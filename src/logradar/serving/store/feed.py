"""The feed: one row for each change that a person sees, in ascending order, for pages that are open.

A row has a key of its own, so what is written again after a crash appends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import func, select

from logradar.serving.store.database import Database
from logradar.serving.store.filters import known_role
from logradar.serving.store.paging import require_limit, require_range
from logradar.serving.store.schema import ACTIVE, FEED, INCIDENT
from logradar.serving.store.texts import bounded

NEW: Final = "new"
WITHDRAWN: Final = "withdrawn"
_SHOWN: Final = ("title", "status", "severity", "severity_score", "services", "alerts", "last_at", "merged_into")


@dataclass(frozen=True)
class Change:
    """What a person sees change.

    ``kind`` (incident, alert, rate_change) and ``subject_id`` say of what, ``what`` says how (new, withdrawn,
    severity, status, merged, alerts, acknowledged, note, feedback), ``at`` is the time of the log, and ``key`` tells
    changes apart.
    """

    role: str
    kind: str
    what: str
    subject_id: str
    at: int
    document: Mapping[str, Any]
    key: str = ""

    def row(self, document: str, stored_at: int) -> dict[str, Any]:
        """The row of the table, given the document as clean text."""
        return {
            "key": bounded(f"{self.role}:{self.kind}:{self.subject_id}:{self.what}:{self.key}"),
            "role": self.role,
            "kind": self.kind,
            "what": self.what,
            "subject_id": self.subject_id,
            "at": self.at,
            "document": document,
            "stored_at": stored_at,
        }


def incident_changes(role: str, row: Mapping[str, Any], before: Mapping[str, Any] | None, at: int) -> list[Change]:
    """What is visible of an incident that is now ``row`` (its document) and was ``before`` (its columns), at ``at``."""
    shown = {name: row.get(name) for name in _SHOWN}

    def change(what: str, key: str = "") -> Change:
        return Change(role, INCIDENT, what, str(row["incident_id"]), at, shown, key)

    if before is None:
        return [change(NEW)]
    found = []
    if row["severity"] != before["severity"]:
        found.append(change("severity", f"{row['severity']}:{at}"))
    if row["status"] != before["status"] or row.get("merged_into") != before["merged_into"]:
        what = "merged" if row["status"] == "merged" else "status"
        found.append(change(what, f"{row['status']}:{row.get('merged_into') or ''}:{at}"))
    if (size := _magnitude(row["alerts"])) > _magnitude(before["alerts"]):
        found.append(change("alerts", str(10**size)))
    return found


class Feed(Database):
    """Reads the feed, for pages that show changes as they come."""

    def feed(self, after_id: int = 0, limit: int = 100, *, role: str | None = ACTIVE) -> list[dict[str, Any]]:
        """Changes after the one with this id, the oldest first; of one ``role``, or with None of both.

        Each has ``id``, ``role``, ``kind``, ``what``, ``subject_id``, ``at`` (of the log), ``stored_at`` and
        ``document``: the title, severity and so on of the subject.
        """
        require_limit(limit)
        require_range(after_id, "after_id")
        query = select(FEED).where(FEED.c.id > after_id).order_by(FEED.c.id).limit(limit)
        if role is not None:
            query = query.where(FEED.c.role == known_role(role))
        with self.reading() as connection:
            rows = connection.execute(query).mappings().all()
        kept = ("id", "role", "kind", "what", "subject_id", "at", "stored_at")
        return [{**{name: row[name] for name in kept}, "document": orjson.loads(row["document"])} for row in rows]

    def feed_range(self) -> tuple[int, int]:
        """The ids of the oldest and the newest change that are kept; (0, 0) without any.

        A page that saw less than the one before the oldest has missed some, and must load everything again.
        """
        with self.reading() as connection:
            oldest, newest = (connection.scalar(select(end(FEED.c.id))) for end in (func.min, func.max))
        return oldest or 0, newest or 0


def _magnitude(count: int) -> int:
    return len(str(max(count, 1))) - 1
