"""Tables of the store, as they are after the last migration: columns to filter and sort by, beside a JSON document.

Times are microseconds since 1970 UTC; 0 stands for a time that the log does not tell. ``stored_at`` is the time of this
machine when a row came, and never changes. A shadow bundle finds the same alerts as the active one, under the same ids,
so ``role`` is part of their keys. Texts compare by code point in both databases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER: Final = BigInteger()
COUNTER: Final = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows of INTEGER columns only


def _text(name: str, **more: Any) -> Column[Any]:
    return Column(name, TEXT, nullable=more.pop("nullable", False), **more)


def _number(name: str, **more: Any) -> Column[Any]:
    return Column(name, NUMBER, nullable=more.pop("nullable", False), **more)


def _table(name: str, *parts: Any, key: Sequence[str]) -> Table:
    return Table(name, METADATA, *parts, PrimaryKeyConstraint(*key))


def _numbered(name: str, *parts: Any) -> Table:
    """A table whose rows have ascending numbers that are never given twice."""
    number = Column("id", COUNTER, autoincrement=True, nullable=False)
    return Table(name, METADATA, number, *parts, PrimaryKeyConstraint("id"), sqlite_autoincrement=True)


def _of_incident() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["role", "incident_id"], ["incidents.role", "incidents.incident_id"], ondelete="CASCADE"
    )


INCIDENTS: Final = _table(
    "incidents",
    _text("role"),
    _text("incident_id"),
    _text("bundle"),
    _text("status"),
    _text("severity"),
    Column("severity_score", Double, nullable=False),
    _number("started_at"),
    _number("last_at"),
    _number("alerts"),
    _text("kind"),
    _text("merged_into", nullable=True),
    _text("search"),  # what a search by words looks into, without capital letters
    _text("digest"),  # of the document
    _text("document"),
    _number("stored_at"),
    Index(None, "role", "started_at", "incident_id"),
    Index(None, "role", "severity_score", "started_at", "incident_id"),
    Index(None, "role", "status", "started_at"),
    Index(None, "role", "merged_into"),
    Index(None, "stored_at"),
    key=("role", "incident_id"),
)
INCIDENT_SERVICES: Final = _table(
    "incident_services",
    _text("role"),
    _text("incident_id"),
    _text("service"),
    _of_incident(),
    Index(None, "role", "service", "incident_id"),
    key=("role", "incident_id", "service"),
)
INCIDENT_MEMBERS: Final = (
    _table(  # the incident that an alert or a rate change was given with; one merged keeps its own
        "incident_members",
        _text("role"),
        _text("sort"),  # alert or rate_change
        _text("member_id"),
        _text("incident_id"),
        _of_incident(),
        Index(None, "role", "incident_id", "sort"),
        key=("role", "sort", "member_id"),
    )
)
INCIDENT_VERSIONS: Final = _table(  # digests of every document of an incident: what comes again is no news
    "incident_versions",
    _text("role"),
    _text("incident_id"),
    _text("digest"),
    _of_incident(),
    key=("role", "incident_id", "digest"),
)
ALERTS: Final = _table(
    "alerts",
    _text("role"),
    _text("alert_id"),
    _text("bundle"),
    _text("session_id"),
    _text("service"),
    _text("severity"),
    Column("severity_score", Double, nullable=False),
    Column("score", Double, nullable=False),
    _number("started_at"),
    _number("raised_at"),
    Column("over", Boolean, nullable=False),
    _text("search"),
    _text("document"),
    _number("stored_at"),
    Index(None, "role", "raised_at", "alert_id"),
    Index(None, "role", "severity_score", "raised_at", "alert_id"),
    Index(None, "role", "session_id"),
    Index(None, "stored_at"),
    key=("role", "alert_id"),
)
ALERT_SERVICES: Final = _table(
    "alert_services",
    _text("role"),
    _text("alert_id"),
    _text("service"),
    ForeignKeyConstraint(["role", "alert_id"], ["alerts.role", "alerts.alert_id"], ondelete="CASCADE"),
    Index(None, "role", "service", "alert_id"),
    key=("role", "alert_id", "service"),
)
RATE_CHANGES: Final = _table(
    "rate_changes",
    _text("role"),
    _text("change_id"),
    _text("bundle"),
    _text("kind"),
    _text("service"),
    _number("template_id", nullable=True),
    _number("started_at"),
    _number("last_at"),
    _text("search"),
    _text("document"),
    _number("stored_at"),
    Index(None, "role", "started_at", "change_id"),
    Index(None, "role", "service", "started_at"),
    Index(None, "stored_at"),
    key=("role", "change_id"),
)
TEMPLATES: Final = _table(
    "templates",
    _text("bundle"),
    _number("template_id"),
    _text("template"),
    _text("example"),
    _text("service"),
    _number("first_at"),
    _number("last_at"),
    _number("count"),
    _text("search", server_default=text("''")),
    Index(None, "bundle", "first_at", "template_id"),
    Index(None, "bundle", "count", "template_id"),
    key=("bundle", "template_id"),
)
TEMPLATE_COUNTS: Final = _table(
    "template_counts",
    _text("bundle"),
    _number("template_id"),
    _number("minute"),
    _number("count"),
    _number("stored_at"),
    Index(None, "bundle", "minute"),
    Index(None, "minute"),
    key=("bundle", "template_id", "minute"),
)
SERVICE_COUNTS: Final = _table(
    "service_counts",
    _number("minute"),
    _text("service"),
    _number("records"),
    _number("warnings"),  # of them, of level WARN
    _number("errors"),  # of level ERROR or worse
    _number("stored_at"),
    key=("minute", "service"),
)
FEED: Final = _numbered(
    "feed",
    _text("key"),  # one row each: what is given again appends nothing
    _text("role"),
    _text("kind"),
    _text("what"),
    _text("subject_id"),
    _number("at"),
    _text("document"),
    _number("stored_at"),
    UniqueConstraint("key"),
    Index(None, "stored_at"),
)
OUTBOX: Final = _numbered(
    "outbox",
    _text("key"),
    _text("receiver"),
    _text("kind"),
    _text("incident_id", nullable=True),
    _text("document"),
    _text("state"),
    _number("next_try_at"),
    _number("attempts"),
    _text("problem", nullable=True),
    _number("ended_at", nullable=True),
    _number("stored_at"),
    UniqueConstraint("key"),
    Index(None, "receiver", "state", "next_try_at", "id"),
    Index(None, "state", "ended_at"),
)
ACKNOWLEDGEMENTS: Final = _table(
    "acknowledgements",
    _text("role"),
    _text("incident_id"),
    _text("by"),
    _text("note"),
    _number("at"),
    _of_incident(),
    key=("role", "incident_id"),
)
NOTES: Final = _numbered(
    "notes",
    _text("role"),
    _text("incident_id"),
    _text("by"),
    _text("note"),
    _number("at"),
    _of_incident(),
    Index(None, "role", "incident_id", "id"),
)
FEEDBACK: Final = _numbered(  # the last row of a subject counts; it outlives the alert that it is about
    "feedback",
    _text("sort"),  # alert or incident
    _text("subject_id"),
    _text("verdict"),
    _text("by"),
    _text("note"),
    _number("at"),
    Index(None, "sort", "subject_id", "id"),
)
REVIEWS: Final = _table(
    "reviews",
    _text("bundle"),
    _text("kind"),
    _text("answer"),
    _text("by"),
    _number("at"),
    key=("bundle", "kind"),
)
JOBS: Final = _numbered(
    "jobs",
    _text("job_id"),
    _text("kind"),
    _text("state"),
    _text("by"),
    _text("settings"),
    _text("progress", nullable=True),
    _text("result", nullable=True),
    _text("problem", nullable=True),
    _number("created_at"),
    _number("started_at", nullable=True),
    _number("ended_at", nullable=True),
    UniqueConstraint("job_id"),
    Index(None, "state", "id"),
)
BUNDLES: Final = _table(
    "bundles",
    _text("bundle"),
    _text("path"),
    _text("role"),
    _text("services", nullable=True),  # a JSON list; null: all
    _text("document"),
    _number("added_at"),
    _number("changed_at"),
    key=("bundle",),
)
API_KEYS: Final = _numbered(
    "api_keys",
    _text("name"),
    _text("key_hash"),
    _text("scopes"),
    _number("created_at"),
    _number("revoked_at", nullable=True),
    UniqueConstraint("key_hash"),
)
META: Final = _table("meta", _text("key"), _text("value"), key=("key",))

ACTIVE: Final = "active"
SHADOW: Final = "shadow"
ROLES: Final = (ACTIVE, SHADOW)
OPEN: Final = "open"
RESOLVED: Final = "resolved"
MERGED: Final = "merged"
ALERT: Final = "alert"
RATE_CHANGE: Final = "rate_change"
INCIDENT: Final = "incident"
