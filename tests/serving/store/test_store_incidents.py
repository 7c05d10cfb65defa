"""Incidents in the store: written again, merged, filtered, and read with all that belongs to them."""

from __future__ import annotations

import pytest
from tests.serving.store.documents import BANDS, MINUTE, START, alert, incident, numbers, rate_change

from logradar.serving.store.errors import QueryError
from logradar.serving.store.store import Store


def write(store: Store, *incidents, alerts=(), changes=(), role="active"):
    with store.writing() as w:
        w.alerts(list(alerts), role, "shop")
        w.rate_changes(list(changes), role, "shop")
        w.incidents(list(incidents), role, "shop")


def found(store: Store, **asked) -> list[int]:
    return numbers(store.incidents(**asked).items, "incident_id")


def test_an_incident_comes_back_as_it_was_given(store):
    given = incident(1)
    write(store, given)
    (item,) = store.incidents().items
    assert item == given | {"role": "active", "bundle": "shop", "acknowledged": None}


def test_an_incident_given_again_replaces_the_one_before_and_stays_acknowledged(store, clock):
    write(store, incident(1))
    store.acknowledge(incident(1)["incident_id"], "ann", "on it")
    store.note(incident(1)["incident_id"], "ben", "restarted the cart")
    write(store, incident(1, 5, severity="critical", status="resolved"))
    item = store.incident(incident(1)["incident_id"])
    assert (item["severity"], item["alerts"], item["status"]) == ("critical", 5, "resolved")
    assert item["acknowledged"] == {"by": "ann", "note": "on it", "at": clock.now}
    assert [(one["by"], one["note"]) for one in item["notes"]] == [("ben", "restarted the cart")]
    assert len(store.incidents().items) == 1


def test_alerts_and_rate_changes_belong_to_their_incident_whatever_comes_first(store):
    write(store, incident(1, [0, 1], rate_change_ids=[rate_change(4)["change_id"]]))
    write(store, alerts=[alert(0), alert(1), alert(2)], changes=[rate_change(4), rate_change(5)])
    item = store.incident(incident(1)["incident_id"])
    assert numbers(item["alert_list"], "alert_id") == [0, 1]
    assert numbers(item["rate_change_list"], "change_id") == [4]
    assert [one["incident_id"] for one in store.alerts().items] == [None, item["incident_id"], item["incident_id"]]
    assert [one["incident_id"] for one in store.rate_changes().items] == [None, item["incident_id"]]


def test_a_merged_incident_gives_what_it_has_to_the_other_one(store):
    first, second = incident(1)["incident_id"], incident(2)["incident_id"]
    write(store, incident(1, [0, 1]), incident(2, [2]), alerts=[alert(0), alert(1), alert(2)])
    store.note(first, "ann", "seen")
    grown = incident(2, [2])  # it lists a hundred alerts at most, which need not be those of the merged one
    write(store, grown | {"incident_id": first, "status": "merged", "merged_into": second}, grown)
    assert found(store) == [2]
    assert found(store, status="merged") == [1]
    item = store.incident(second)
    assert numbers(item["alert_list"], "alert_id") == [0, 1, 2]
    assert (item["parts"], [one["note"] for one in item["notes"]]) == ([first], ["seen"])
    assert numbers(store.alerts(incident_id=second).items, "alert_id") == [2, 1, 0]
    assert {one["incident_id"] for one in store.alerts().items} == {second}
    assert store.incident(first)["merged_into"] == second


def test_merges_of_merges_end_at_the_last_one_and_circles_do_not_hang(store):
    chain = [incident(n, [n], status="merged", merged_into=incident(n + 1)["incident_id"]) for n in range(1, 5)]
    write(store, *[incident(n, [n]) for n in range(1, 6)], alerts=[alert(n) for n in range(1, 6)])
    write(store, *chain)
    assert {one["incident_id"] for one in store.alerts().items} == {incident(5)["incident_id"]}
    assert len(store.incident(incident(5)["incident_id"])["alert_list"]) == 5
    write(store, incident(5, [5], status="merged", merged_into=incident(1)["incident_id"]))
    assert {one["incident_id"] for one in store.alerts().items} == {None}
    assert len(store.incident(incident(5)["incident_id"])["alert_list"]) == 5


def test_alerts_of_a_withdrawn_incident_have_none(store):
    write(store, incident(1, [0]), alerts=[alert(0)])
    write(store, incident(1, [], status="merged", merged_into=None, started_at=None, last_at=None))
    assert store.alerts().items[0]["incident_id"] is None
    assert found(store) == []


def test_filters(store):
    write(
        store,
        incident(1, severity="low", services=["cart"]),
        incident(2, severity="high", services=["payment"], status="resolved"),
        incident(3, severity="critical", services=["cart", "payment"], title="100% of carts_are FULL"),
    )
    store.acknowledge(incident(2)["incident_id"], "ann")
    assert found(store) == [3, 2, 1]
    assert found(store, status="open") == [3, 1]
    assert found(store, status=["open", "resolved"], severity=["low", "high"]) == [2, 1]
    assert found(store, service="cart") == [3, 1]
    assert found(store, text="full 100%") == [3]
    assert found(store, text="carts_are") == [3]
    assert found(store, text="cartsXare") == found(store, text="100_") == found(store, text="\\") == []
    assert found(store, acknowledged=True) == [2]
    assert found(store, acknowledged=False) == [3, 1]
    assert found(store, order="severity") == [3, 2, 1]
    # one lasts from its minute to the next
    assert found(store, since=START + 3 * MINUTE) == [3, 2]
    assert found(store, until=START + 2 * MINUTE) == [1]
    assert found(store, since=START + 3 * MINUTE, until=START + 3 * MINUTE) == [2]
    assert store.incident_figures() == {"low": 1, "medium": 0, "high": 0, "critical": 1}


def test_a_shadow_bundle_finds_the_same_ids_beside(store):
    write(store, incident(1), alerts=[alert(0)])
    write(store, incident(1, title="by the shadow"), alerts=[alert(0, score=9.0)], role="shadow")
    write(store, incident(2), role="shadow")
    assert found(store) == [1]
    assert found(store, role="shadow") == [2, 1]
    id_ = incident(1)["incident_id"]
    assert store.incident(id_, role="shadow")["title"] == "by the shadow"
    assert store.alert(alert(0)["alert_id"])["score"] == 3.5
    assert store.alert(alert(0)["alert_id"], role="shadow")["score"] == 9.0


@pytest.mark.parametrize("order", ["new", "severity"])
def test_pages_go_on_while_incidents_come(store, order):
    bands = list(BANDS)
    write(store, *[incident(n, severity=bands[n % 4]) for n in range(20)])
    page = store.incidents(order=order, limit=7)
    seen = numbers(page.items, "incident_id")
    while page.next_cursor:
        write(store, incident(100 + len(seen), severity="critical"))  # before all that follow
        page = store.incidents(order=order, limit=7, cursor=page.next_cursor)
        seen += numbers(page.items, "incident_id")
    key = (lambda n: (n % 4, n)) if order == "severity" else (lambda n: n)
    assert seen == sorted(range(20), key=key, reverse=True)


def test_incidents_of_logs_without_times(store):
    write(store, incident(1, started_at=None, last_at=None), incident(2))
    assert found(store) == [2, 1]
    assert store.incident(incident(1)["incident_id"])["started_at"] is None


def test_what_is_not_there(store):
    assert store.incident("nobody\0knows\ud800") is None
    assert store.incidents(text="\0", service="\ud800").items == []
    assert store.alerts(incident_id="none").items == []
    with pytest.raises(QueryError, match="no incident"):
        store.acknowledge("none", "ann")


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"status": "opn"}, "did you mean 'open'"),
        ({"severity": ["high", "x" * 10_000]}, "known are"),
        ({"role": "passive\0"}, "active or shadow"),
        ({"limit": 0}, "1 to 1,000"),
        ({"limit": 10**9}, "1 to 1,000"),
        ({"since": 10**30}, "since"),
        ({"text": "x" * 1_001}, "1,000 characters"),
        ({"order": "title"}, "new or severity"),
        ({"cursor": "!!"}, "cursor is damaged"),
    ],
)
def test_questions_that_make_no_sense(store, asked, word):
    with pytest.raises(QueryError, match=word) as caught:
        store.incidents(**asked)
    assert len(str(caught.value)) < 300
