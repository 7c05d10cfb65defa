"""All that revision 0001 knows: incidents, alerts, rates, counts, templates, the feed, the outbox, people and jobs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def text(name: str, nullable: bool = False) -> sa.Column[Any]:
    """A text, which PostgreSQL compares by code point, as SQLite does."""
    kind = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=nullable)


def number(name: str, nullable: bool = False) -> sa.Column[Any]:
    """A count, or a time in microseconds."""
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def counter() -> sa.Column[Any]:
    """Ascending numbers of rows."""
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, autoincrement=True, nullable=False)


def upgrade() -> None:
    """Create all tables and indexes in an empty database."""
    op.create_table(
        "alerts",
        text("role"),
        text("alert_id"),
        text("bundle"),
        text("session_id"),
        text("service"),
        text("severity"),
        sa.Column("severity_score", sa.Double(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        number("started_at"),
        number("raised_at"),
        sa.Column("over", sa.Boolean(), nullable=False),
        text("search"),
        text("document"),
        number("stored_at"),
        sa.PrimaryKeyConstraint("role", "alert_id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_role_raised_at_alert_id", "alerts", ["role", "raised_at", "alert_id"])
    op.create_index("ix_alerts_role_session_id", "alerts", ["role", "session_id"])
    op.create_index(
        "ix_alerts_role_severity_score_raised_at_alert_id",
        "alerts",
        ["role", "severity_score", "raised_at", "alert_id"],
    )
    op.create_index("ix_alerts_stored_at", "alerts", ["stored_at"])
    op.create_table(
        "api_keys",
        counter(),
        text("name"),
        text("key_hash"),
        text("scopes"),
        number("created_at"),
        number("revoked_at", True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "bundles",
        text("bundle"),
        text("path"),
        text("role"),
        text("services", True),
        text("document"),
        number("added_at"),
        number("changed_at"),
        sa.PrimaryKeyConstraint("bundle", name="pk_bundles"),
    )
    op.create_table(
        "feed",
        counter(),
        text("key"),
        text("role"),
        text("kind"),
        text("what"),
        text("subject_id"),
        number("at"),
        text("document"),
        number("stored_at"),
        sa.PrimaryKeyConstraint("id", name="pk_feed"),
        sa.UniqueConstraint("key", name="uq_feed_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feed_stored_at", "feed", ["stored_at"])
    op.create_table(
        "feedback",
        counter(),
        text("sort"),
        text("subject_id"),
        text("verdict"),
        text("by"),
        text("note"),
        number("at"),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feedback_sort_subject_id_id", "feedback", ["sort", "subject_id", "id"])
    op.create_table(
        "incidents",
        text("role"),
        text("incident_id"),
        text("bundle"),
        text("status"),
        text("severity"),
        sa.Column("severity_score", sa.Double(), nullable=False),
        number("started_at"),
        number("last_at"),
        number("alerts"),
        text("kind"),
        text("merged_into", True),
        text("search"),
        text("digest"),
        text("document"),
        number("stored_at"),
        sa.PrimaryKeyConstraint("role", "incident_id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_role_merged_into", "incidents", ["role", "merged_into"])
    op.create_index(
        "ix_incidents_role_severity_score_started_at_incident_id",
        "incidents",
        ["role", "severity_score", "started_at", "incident_id"],
    )
    op.create_index("ix_incidents_role_started_at_incident_id", "incidents", ["role", "started_at", "incident_id"])
    op.create_index("ix_incidents_role_status_started_at", "incidents", ["role", "status", "started_at"])
    op.create_index("ix_incidents_stored_at", "incidents", ["stored_at"])
    op.create_table(
        "jobs",
        counter(),
        text("job_id"),
        text("kind"),
        text("state"),
        text("by"),
        text("settings"),
        text("progress", True),
        text("result", True),
        text("problem", True),
        number("created_at"),
        number("started_at", True),
        number("ended_at", True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("job_id", name="uq_jobs_job_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_state_id", "jobs", ["state", "id"])
    op.create_table("meta", text("key"), text("value"), sa.PrimaryKeyConstraint("key", name="pk_meta"))
    op.create_table(
        "outbox",
        counter(),
        text("key"),
        text("receiver"),
        text("kind"),
        text("incident_id", True),
        text("document"),
        text("state"),
        number("next_try_at"),
        number("attempts"),
        text("problem", True),
        number("ended_at", True),
        number("stored_at"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("key", name="uq_outbox_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_receiver_state_next_try_at_id", "outbox", ["receiver", "state", "next_try_at", "id"])
    op.create_index("ix_outbox_state_ended_at", "outbox", ["state", "ended_at"])
    op.create_table(
        "rate_changes",
        text("role"),
        text("change_id"),
        text("bundle"),
        text("kind"),
        text("service"),
        number("template_id", True),
        number("started_at"),
        number("last_at"),
        text("search"),
        text("document"),
        number("stored_at"),
        sa.PrimaryKeyConstraint("role", "change_id", name="pk_rate_changes"),
    )
    op.create_index("ix_rate_changes_role_service_started_at", "rate_changes", ["role", "service", "started_at"])
    op.create_index("ix_rate_changes_role_started_at_change_id", "rate_changes", ["role", "started_at", "change_id"])
    op.create_index("ix_rate_changes_stored_at", "rate_changes", ["stored_at"])
    op.create_table(
        "service_counts",
        number("minute"),
        text("service"),
        number("records"),
        number("warnings"),
        number("errors"),
        number("stored_at"),
        sa.PrimaryKeyConstraint("minute", "service", name="pk_service_counts"),
    )
    op.create_table(
        "template_counts",
        text("bundle"),
        number("template_id"),
        number("minute"),
        number("count"),
        number("stored_at"),
        sa.PrimaryKeyConstraint("bundle", "template_id", "minute", name="pk_template_counts"),
    )
    op.create_index("ix_template_counts_bundle_minute", "template_counts", ["bundle", "minute"])
    op.create_index("ix_template_counts_minute", "template_counts", ["minute"])
    op.create_table(
        "templates",
        text("bundle"),
        number("template_id"),
        text("template"),
        text("example"),
        text("service"),
        number("first_at"),
        number("last_at"),
        number("count"),
        sa.PrimaryKeyConstraint("bundle", "template_id", name="pk_templates"),
    )
    op.create_index("ix_templates_bundle_count_template_id", "templates", ["bundle", "count", "template_id"])
    op.create_index("ix_templates_bundle_first_at_template_id", "templates", ["bundle", "first_at", "template_id"])
    op.create_table(
        "acknowledgements",
        text("role"),
        text("incident_id"),
        text("by"),
        text("note"),
        number("at"),
        sa.ForeignKeyConstraint(
            ["role", "incident_id"],
            ["incidents.role", "incidents.incident_id"],
            name="fk_acknowledgements_incidents",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("role", "incident_id", name="pk_acknowledgements"),
    )
    op.create_table(
        "alert_services",
        text("role"),
        text("alert_id"),
        text("service"),
        sa.ForeignKeyConstraint(
            ["role", "alert_id"],
            ["alerts.role", "alerts.alert_id"],
            name="fk_alert_services_alerts",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("role", "alert_id", "service", name="pk_alert_services"),
    )
    op.create_index("ix_alert_services_role_service_alert_id", "alert_services", ["role", "service", "alert_id"])
    op.create_table(
        "incident_members",
        text("role"),
        text("sort"),
        text("member_id"),
        text("incident_id"),
        sa.ForeignKeyConstraint(
            ["role", "incident_id"],
            ["incidents.role", "incidents.incident_id"],
            name="fk_incident_members_incidents",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("role", "sort", "member_id", name="pk_incident_members"),
    )
    op.create_index("ix_incident_members_role_incident_id_sort", "incident_members", ["role", "incident_id", "sort"])
    op.create_table(
        "incident_services",
        text("role"),
        text("incident_id"),
        text("service"),
        sa.ForeignKeyConstraint(
            ["role", "incident_id"],
            ["incidents.role", "incidents.incident_id"],
            name="fk_incident_services_incidents",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("role", "incident_id", "service", name="pk_incident_services"),
    )
    op.create_index(
        "ix_incident_services_role_service_incident_id", "incident_services", ["role", "service", "incident_id"]
    )
    op.create_table(
        "incident_versions",
        text("role"),
        text("incident_id"),
        text("digest"),
        sa.ForeignKeyConstraint(
            ["role", "incident_id"],
            ["incidents.role", "incidents.incident_id"],
            name="fk_incident_versions_incidents",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("role", "incident_id", "digest", name="pk_incident_versions"),
    )
    op.create_table(
        "notes",
        counter(),
        text("role"),
        text("incident_id"),
        text("by"),
        text("note"),
        number("at"),
        sa.ForeignKeyConstraint(
            ["role", "incident_id"],
            ["incidents.role", "incidents.incident_id"],
            name="fk_notes_incidents",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notes_role_incident_id_id", "notes", ["role", "incident_id", "id"])
