"""Retention: what is old goes, with all that hangs on it; what people said and what is open stays."""

from __future__ import annotations

import pytest
from tests.serving.store.documents import MINUTE, START, alert, incident, numbers, rate_change

from logradar.serving.store import retention
from logradar.serving.store.outbox import Notification

DAY = 24 * 60 * MINUTE


def fill(store, clock):
    """Two days of which the store heard when they were, and one before that it heard of today."""
    for day in (0, 1):
        clock.now = START + day * DAY
        at = day * 24 * 60
        with store.writing() as w:
            w.alerts([alert(at + n) for n in range(5)], "active", "shop")
            w.rate_changes([rate_change(at)], "active", "shop")
            w.incidents([incident(at, [at], status="resolved"), incident(at + 1, [at + 1])], "active", "shop")
            w.counts([(START + day * DAY, "cart", "all", 1)])
            w.template_counts([("shop", 3, START + day * DAY, 1)])
            w.notify([Notification(f"{day}{n}", "slack", "m", None, {}) for n in range(2)])
        store.delivered(f"{day}0", clock.now)
    store.feedback("anomaly", "ann", alert_id=alert(0)["alert_id"])
    store.note(incident(0)["incident_id"], "ann", "seen")
    with store.writing() as w:
        w.alerts([alert(-60 * 24 * 365 + 10**9)], "active", "shop")
        w.alerts([alert(7, raised_at="2001-01-01T00:00:00+00:00")], "active", "shop")


@pytest.mark.parametrize("together", [1, 2_000])
def test_what_is_old_is_forgotten(store, clock, monkeypatch, together):
    monkeypatch.setattr(retention, "_TOGETHER", together)
    fill(store, clock)
    gone = store.forget(START + DAY // 2)
    assert gone["incidents"] == gone["rate_changes"] == gone["template_counts"] == gone["service_counts"] == 1
    assert (gone["alerts"], gone["outbox"]) == (5, 1)
    assert gone["feed"] == 5 + 1 + 2
    assert numbers(store.incidents(order="new").items, "incident_id") == [1441, 1440, 1]  # one is open
    kept = store.alerts(until=START + 2 * DAY).items
    assert numbers(kept, "alert_id") == [1444, 1443, 1442, 1441, 1440, 7]  # the last one came late
    assert len(store.due("slack", 10**18, 10)) == 2
    assert len(store.feedbacks().items) == 1
    assert store.incident(incident(0)["incident_id"]) is None
    assert store.forget(START + DAY // 2) == dict.fromkeys(gone, 0)
    assert sum(store.forget(2**62).values()) > 0
    assert store.alerts().items == []


def test_files_become_smaller(store, url):
    with store.writing() as w:
        w.alerts([alert(n, evidence=[{"body": "x" * 1_000}]) for n in range(2_000)], "active", "shop")
    full = store.size_bytes()
    assert full > 2_000_000
    store.forget(2**62)
    store.vacuum()
    assert store.size_bytes() < full / 2
    with store.reading() as connection:
        if url.startswith("sqlite"):
            assert connection.exec_driver_sql("PRAGMA freelist_count").scalar() == 0
            assert connection.exec_driver_sql("PRAGMA quick_check").scalar() == "ok"
