"""Migrations: what an older version wrote is there after an upgrade, and steps lead to the tables of the schema."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from tests.serving.store.documents import START, alert, incident, rate_change

from logradar.serving.store.migrations.running import upgrade
from logradar.serving.store.schema import METADATA
from logradar.serving.store.store import Store

WRITTEN = {  # rows as version 0001 wrote them
    "incidents": {
        "role": "active",
        "incident_id": incident(1)["incident_id"],
        "bundle": "shop",
        "status": "open",
        "severity": "high",
        "severity_score": 60.0,
        "started_at": START,
        "last_at": START,
        "alerts": 1,
        "kind": "k",
        "merged_into": None,
        "search": "payment",
        "digest": "0" * 16,
        "document": json.dumps(incident(1)),
        "stored_at": START,
    },
    "incident_services": {"role": "active", "incident_id": incident(1)["incident_id"], "service": "cart"},
    "incident_members": {
        "role": "active",
        "sort": "alert",
        "member_id": alert(1)["alert_id"],
        "incident_id": incident(1)["incident_id"],
    },
    "incident_versions": {"role": "active", "incident_id": incident(1)["incident_id"], "digest": "0" * 16},
    "alerts": {
        "role": "active",
        "alert_id": alert(1)["alert_id"],
        "bundle": "shop",
        "session_id": "session-1",
        "service": "cart",
        "severity": "high",
        "severity_score": 60.0,
        "score": 3.5,
        "started_at": START,
        "raised_at": START,
        "over": True,
        "search": "payment",
        "document": json.dumps(alert(1)),
        "stored_at": START,
    },
    "alert_services": {"role": "active", "alert_id": alert(1)["alert_id"], "service": "cart"},
    "rate_changes": {
        "role": "active",
        "change_id": rate_change(1)["change_id"],
        "bundle": "shop",
        "kind": "spike",
        "service": "cart",
        "template_id": 3,
        "started_at": START,
        "last_at": START,
        "search": "payment",
        "document": json.dumps(rate_change(1)),
        "stored_at": START,
    },
    "templates": {
        "bundle": "shop",
        "template_id": 3,
        "template": "Order <*> FAILED",
        "example": "Order 17 FAILED",
        "service": "cart",
        "first_at": START,
        "last_at": START,
        "count": 7,
    },
    "template_counts": {"bundle": "shop", "template_id": 3, "minute": START, "count": 7, "stored_at": START},
    "service_counts": {
        "minute": START,
        "service": "cart",
        "records": 7,
        "warnings": 1,
        "errors": 0,
        "stored_at": START,
    },
    "feed": {
        "key": "active:alert:1:new:",
        "role": "active",
        "kind": "alert",
        "what": "new",
        "subject_id": "1",
        "at": START,
        "document": "{}",
        "stored_at": START,
    },
    "outbox": {
        "key": "slack:1",
        "receiver": "slack",
        "kind": "message",
        "incident_id": None,
        "document": "{}",
        "state": "waiting",
        "next_try_at": 0,
        "attempts": 0,
        "stored_at": START,
    },
    "acknowledgements": {
        "role": "active",
        "incident_id": incident(1)["incident_id"],
        "by": "ann",
        "note": "mine",
        "at": START,
    },
    "notes": {"role": "active", "incident_id": incident(1)["incident_id"], "by": "ann", "note": "seen", "at": START},
    "feedback": {
        "sort": "alert",
        "subject_id": alert(1)["alert_id"],
        "verdict": "anomaly",
        "by": "ann",
        "note": "",
        "at": START,
    },
    "jobs": {
        "job_id": "a",
        "kind": "train",
        "state": "waiting",
        "by": "ann",
        "settings": "{}",
        "created_at": START,
    },
    "bundles": {
        "bundle": "shop",
        "path": "/bundles/shop",
        "role": "active",
        "services": None,
        "document": "{}",
        "added_at": START,
        "changed_at": START,
    },
    "api_keys": {"name": "ci", "key_hash": "hash", "scopes": '["read"]', "created_at": START},
    "meta": {"key": "position", "value": "17"},
}


def written_by_0001(url: str) -> None:
    """A database as the first version left it, with a row in every table."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, "here", target="0001")
        for name, row in WRITTEN.items():
            columns = ", ".join(f'"{column}"' for column in row)
            values = ", ".join(f":{column}" for column in row)
            connection.execute(sa.text(f"INSERT INTO {name} ({columns}) VALUES ({values})"), row)
    with engine.connect() as connection:
        tables = set(sa.inspect(connection).get_table_names())
    assert set(WRITTEN) == tables - {"alembic_version"}
    engine.dispose()


def test_a_database_of_the_first_version_is_upgraded_with_all_that_it_holds(new_url):
    written_by_0001(new_url)
    for _ in range(2):  # the second time there is nothing to do
        with Store.open(new_url) as store:
            with store.reading() as connection:
                assert MigrationContext.configure(connection).get_current_revision() == "0002"
                for name, row in WRITTEN.items():
                    (found,) = connection.execute(sa.select(METADATA.tables[name])).mappings()
                    assert {column: found[column] for column in row} == row
            item = store.incident(incident(1)["incident_id"])
            assert item["acknowledged"]["by"] == "ann"
            assert item["alert_list"] == [alert(1)]
            assert store.alert(alert(1)["alert_id"])["verdict"] == "anomaly"
            assert store.meta("position") == 17
            assert [one["template_id"] for one in store.templates(text="failed 17").items] == [3]
            store.review("shop", "kind", "normal", "ann")
            assert len(store.feed()) == 1


def test_the_steps_lead_to_the_tables_of_the_schema(new_url):
    with Store.open(new_url) as store, store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(new_url, monkeypatch):
    written_by_0001(new_url)
    real = sa.engine.Connection.execute

    def fail(self, statement, *more, **named):
        if str(statement).startswith("UPDATE alembic_version"):
            raise RuntimeError("power cut")
        return real(self, statement, *more, **named)

    monkeypatch.setattr(sa.engine.Connection, "execute", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        Store.open(new_url)
    monkeypatch.undo()
    engine = sa.create_engine(new_url)
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0001"
        assert "reviews" not in sa.inspect(connection).get_table_names()
    engine.dispose()
    Store.open(new_url).close()
