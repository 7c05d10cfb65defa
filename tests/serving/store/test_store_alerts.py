"""Alerts, rate changes and the feed: what comes again makes no second row and no second change."""

from __future__ import annotations

import pytest
from tests.serving.store.documents import MINUTE, START, alert, incident, numbers, rate_change

from logradar.serving.store.errors import QueryError


def found(store, **asked):
    return numbers(store.alerts(**asked).items, "alert_id")


def feed(store, **asked):
    return [(one["kind"], one["what"]) for one in store.feed(**asked)]


def test_an_early_alert_is_replaced_when_its_session_is_over(store):
    given = alert(1)
    with store.writing() as w:
        w.alerts([given | {"over": False, "score": 2.0, "services": ["cart", "old"]}], "active", "shop")
    assert store.alert(given["alert_id"])["over"] is False
    with store.writing() as w:
        w.alerts([given], "active", "shop")
    assert store.alert(given["alert_id"]) == given | {
        "role": "active",
        "bundle": "shop",
        "incident_id": None,
        "verdict": None,
    }
    assert found(store) == [1]
    assert found(store, service="old") == []
    assert feed(store) == [("alert", "new")]


def test_a_withdrawn_alert_is_gone_and_told_once(store):
    first, second = alert(1), alert(2)
    for _ in range(2):  # a replay changes nothing
        with store.writing() as w:
            w.alerts([first | {"over": False}, second], "active", "shop")
            w.alerts([first], "shadow", "shop")
            w.incidents([incident(1, [1, 2])], "active", "shop")
        with store.writing() as w:
            w.withdraw([first["alert_id"], "never there"], "active")
    assert found(store) == [2]
    assert found(store, incident_id=incident(1)["incident_id"]) == [2]
    assert found(store, role="shadow") == [1], "that of another role stays"
    assert feed(store).count(("alert", "withdrawn")) == 1


def test_filters_of_alerts(store):
    with store.writing() as w:
        w.alerts([alert(1, severity="low"), alert(2, service="Käse", services=[]), alert(3)], "active", "shop")
        w.incidents([incident(1, [2, 3])], "active", "shop")
    assert found(store) == [3, 2, 1]
    assert found(store, severity="low") == [1]
    assert found(store, service="payment") == [3, 1]
    assert found(store, text="KÄSE") == [2]
    assert found(store, text="order failed") == [3, 2, 1]
    assert found(store, session_id="session-2") == [2]
    assert found(store, incident_id=incident(1)["incident_id"], since=START + 3 * MINUTE) == [3]
    assert found(store, until=START + 2 * MINUTE) == [1]
    assert found(store, order="severity", limit=2) == [3, 2]
    with pytest.raises(QueryError, match="new or severity"):
        store.alerts(order="score")


def test_rate_changes(store):
    with store.writing() as w:
        w.rate_changes([rate_change(1), rate_change(2, kind="silence", service=None)], "active", "shop")
        w.rate_changes([rate_change(1, observed=50.0)], "active", "shop")
    items = store.rate_changes().items
    assert numbers(items, "change_id") == [2, 1]
    assert items[1] == rate_change(1, observed=50.0) | {"role": "active", "bundle": "shop", "incident_id": None}
    assert numbers(store.rate_changes(kind="silence").items, "change_id") == [2]
    assert numbers(store.rate_changes(service="cart", text="payment").items, "change_id") == [1]
    assert feed(store) == [("rate_change", "new")] * 2


def test_a_very_long_list_of_alerts_in_one_step(store):
    count = 12_000
    with store.writing() as w:
        w.alerts([alert(n, evidence=[]) for n in range(count)], "active", "shop")
        w.incidents([incident(1, count)], "active", "shop")
    page = store.alerts(limit=1_000)
    assert numbers(page.items, "alert_id") == list(range(count - 1, count - 1_001, -1))
    assert len(store.alerts(incident_id=incident(1)["incident_id"], limit=1_000).items) == 100  # as many as it lists


def test_the_feed_says_what_a_person_sees_change(store):
    steps = [
        incident(1, 1, severity="low"),
        incident(1, 2, severity="low"),  # nothing to see
        incident(1, 9, severity="high"),
        incident(1, 10, severity="high"),
        incident(1, 120, severity="high"),
        incident(1, 120, severity="high", status="resolved"),
        incident(1, 130, severity="low", status="open"),
    ]
    for step in steps:
        with store.writing() as w:
            w.incidents([step], "active", "shop")
    expected = ["new", "severity", "alerts", "alerts", "status", "severity", "status"]
    assert feed(store) == [("incident", what) for what in expected]
    last = store.feed()[-1]
    assert last["document"]["status"] == "open" and last["subject_id"] == steps[0]["incident_id"]
    for step in steps[2:]:  # a replay after a crash
        with store.writing() as w:
            w.incidents([step], "active", "shop")
    assert len(feed(store)) == len(expected)


def test_the_feed_goes_on_after_an_id(store):
    with store.writing() as w:
        w.alerts([alert(n) for n in range(5)], "active", "shop")
        w.alerts([alert(9)], "shadow", "other")
    ids = [one["id"] for one in store.feed()]
    assert ids == sorted(ids) and len(ids) == 5
    assert [one["id"] for one in store.feed(ids[1], 2)] == ids[2:4]
    assert len(store.feed(role=None)) == 6
    assert store.feed_range() == (ids[0], ids[-1] + 1)
    assert store.feed(ids[-1]) == []


def test_people_are_in_the_feed(store):
    with store.writing() as w:
        w.incidents([incident(1)], "active", "shop")
    id_ = incident(1)["incident_id"]
    store.acknowledge(id_, "ann", "mine")
    store.note(id_, "ann", "one")
    store.note(id_, "ann", "one")
    store.withdraw_acknowledgement(id_, "ann")
    store.feedback("anomaly", "ann", incident_id=id_)
    whats = ["new", "acknowledged", "note", "note", "withdrawn", "feedback"]
    assert feed(store) == [("incident", what) for what in whats]
    assert store.incident(id_)["acknowledged"] is None


def test_a_transaction_that_fails_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError), store.writing() as w:
        w.alerts([alert(1)], "active", "shop")
        w.meta("position", 1)
        1 / 0  # noqa: B018
    assert (found(store), store.feed(), store.meta("position")) == ([], [], None)
    with pytest.raises(QueryError, match="active or shadow"), store.writing() as w:
        w.alerts([alert(1)], "passive", "shop")
