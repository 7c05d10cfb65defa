"""Indexes: no list walks through a whole table, and the newest page is not sorted anew."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from tests.serving.store.documents import MINUTE, START, alert, incident

LISTS = {
    "incidents": lambda store: store.incidents(),
    "urgent incidents": lambda store: store.incidents(order="severity", severity="high"),
    "open incidents": lambda store: store.incidents(status="open", acknowledged=False),
    "alerts": lambda store: store.alerts(),
    "urgent alerts": lambda store: store.alerts(order="severity"),
    "rate changes": lambda store: store.rate_changes(),
    "newest templates": lambda store: store.templates(bundle="shop"),
    "frequent templates": lambda store: store.templates(bundle="shop", order="count"),
    "feed": lambda store: store.feed(5),
    "due": lambda store: store.due("slack", 1, 10),
    "jobs": lambda store: store.jobs(),
    "waiting jobs": lambda store: store.jobs(state="waiting"),
    "feedback": lambda store: store.feedbacks(),
}
FEW = {  # these find few rows, and sort them
    "an incident": lambda store: store.incident(incident(1)["incident_id"]),
    "alerts of an incident": lambda store: store.alerts(incident_id=incident(1)["incident_id"]),
    "alerts of a session": lambda store: store.alerts(session_id="session-1"),
    "a template": lambda store: store.template("shop", 3),
    "counts": lambda store: store.counts(START, START + MINUTE, MINUTE),
    "edges": lambda store: store.edges(START),
    "key": lambda store: store.key_by_hash("hash"),
    "forget": lambda store: store.forget(5),
}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", [*LISTS, *FEW])
def test_indexes_serve_every_list(store, name):
    with store.writing() as w:
        w.alerts([alert(1)], "active", "shop")
        w.incidents([incident(1, [1])], "active", "shop")
    asked = []

    def note(connection, cursor, statement, parameters, context, executemany):
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "DELETE")):
            asked.append((statement, parameters))

    sa.event.listen(store._engine, "before_cursor_execute", note)
    (LISTS | FEW)[name](store)
    sa.event.remove(store._engine, "before_cursor_execute", note)
    assert asked
    with store.reading() as connection:
        for statement, parameters in asked:
            for *_, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                whole = step.startswith("SCAN") and "INDEX" not in step
                assert not (whole and step.split()[1] in TABLES), (step, statement)
                if name in LISTS:
                    assert "ORDER BY" not in step, (step, statement)


TABLES = {"incidents", "alerts", "rate_changes", "template_counts", "service_counts", "feed", "outbox", "notes"}
