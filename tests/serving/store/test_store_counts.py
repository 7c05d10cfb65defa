"""Counts, services, edges and templates: sums that come out as they went in."""

from __future__ import annotations

import pytest
from tests.serving.store.documents import MINUTE, START, alert, incident

from logradar.serving.store.errors import QueryError

HOUR = 60 * MINUTE


def test_counts_are_added_and_summed_by_step(store):
    for _ in range(2):
        with store.writing() as w:
            w.counts([(START + n * MINUTE, "cart", "all", 10) for n in range(10)])
            w.counts([(START + 9 * MINUTE, "cart", "error", 3), (START, None, "all", 1), (START, None, "all", 1)])
    series = store.counts(START, START + 10 * MINUTE, 5 * MINUTE)
    assert (series.start, series.step, list(series.services)) == (START, 5 * MINUTE, ["cart", "unknown"])
    assert series.services["cart"] == {"all": [100, 100], "warn": [0, 0], "error": [0, 6]}
    assert series.services["unknown"]["all"] == [4, 0]
    part = store.counts(START + MINUTE, START + 8 * MINUTE, 5 * MINUTE, service="cart")
    assert part.services["cart"]["all"] == [100, 40]
    assert store.counts(START, START, MINUTE).services == {}


def test_only_the_busiest_services_have_series(store):
    with store.writing() as w:
        w.counts([(START, f"service {n}", "all", n + 1) for n in range(300)])
    series = store.counts(START, START + MINUTE, MINUTE)
    assert list(series.services) == [f"service {n}" for n in range(299, 99, -1)]
    assert len(store.services(START)) == 200


@pytest.mark.parametrize(
    ("asked", "word"),
    [((0, HOUR, 7), "whole number of minutes"), ((0, 10**17, MINUTE), "larger step"), ((0, 10**25, MINUTE), "until")],
)
def test_series_are_bounded(store, asked, word):
    with pytest.raises(QueryError, match=word):
        store.counts(*asked)
    with pytest.raises(QueryError, match="all, warn, error"), store.writing() as w:
        w.counts([(0, "cart", "fatal", 1)])


def test_services_and_edges(store):
    with store.writing() as w:
        w.counts([(START, "cart", "all", 7), (START, "cart", "warn", 2), (START, "cart", "error", 1)])
        w.counts([(START + MINUTE, "payment", "all", 9), (START - HOUR, "old", "all", 100)])
        w.alerts([alert(1), alert(2), alert(3, service="mail", services=["mail", "cart", "payment"])], "active", "b")
        w.alerts([alert(4)], "shadow", "c")
        w.incidents([incident(1, [1, 2]), incident(2, [3], status="resolved")], "active", "b")
    rows = {row.pop("service"): row for row in store.services(START)}
    assert list(rows) == ["payment", "cart", "mail"]
    assert rows["cart"] == {
        "records": 7,
        "warnings": 2,
        "errors": 1,
        "alerts": 2,
        "open_incidents": 1,
        "last_seen": START,
    }
    assert (rows["mail"]["records"], rows["mail"]["alerts"], rows["mail"]["last_seen"]) == (0, 1, None)
    assert store.edges(START) == [("cart", "payment", 3), ("cart", "mail", 1), ("mail", "payment", 1)]
    assert store.edges(START + 3 * MINUTE)[0] == ("cart", "mail", 1)


def test_templates_add_up(store):
    row = ("shop", 3, "Order <*> failed", "Order 17 failed", START, START + MINUTE, 5, "cart")
    with store.writing() as w:
        w.templates([row])
        w.template_counts([("shop", 3, START, 2), ("shop", 3, START, 3)])
    with store.writing() as w:
        w.templates([("shop", 3, "Order <*> <*>", "Order 18 lost", START - MINUTE, START, 2, "mail")])
        w.template_counts([("shop", 3, START - MINUTE, 2)])
    assert store.template("shop", 3) == {
        "bundle": "shop",
        "template_id": 3,
        "template": "Order <*> <*>",
        "example": "Order 18 lost",
        "service": "cart",
        "first_at": START - MINUTE,
        "last_at": START + MINUTE,
        "count": 7,
        "growth": None,
        "minutes": [[START - MINUTE, 2], [START, 5]],
    }
    assert store.template("shop", 3, since=START)["minutes"] == [[START, 5]]
    assert store.template("shop", 4) is None
    assert store.template("shop", 2**60) is None
    assert len(store.templates(text="order", service="cart", bundle="shop").items) == 1
    assert store.templates(text="17").items == []


def test_orders_of_templates(store):
    rows = [("shop", n, f"kind {n}", "", START + n, START + 2 * HOUR, 100 - n, "cart") for n in range(3, 13)]
    with store.writing() as w:
        w.templates([*rows, ("other", 3, "kind", "", START, START, 1, None)])
        w.template_counts([("shop", n, START + HOUR, n) for n in range(3, 13)])  # the hour before the last
        w.template_counts([("shop", n, START + HOUR + MINUTE, 2 * n if n % 2 else 0) for n in range(3, 12)])

    def pages(**asked):
        page = store.templates(bundle="shop", limit=3, **asked)
        seen = [one["template_id"] for one in page.items]
        while page.next_cursor:
            page = store.templates(bundle="shop", limit=3, cursor=page.next_cursor, **asked)
            seen += [one["template_id"] for one in page.items]
        return seen

    assert pages() == list(range(12, 2, -1))
    assert pages(order="count") == list(range(3, 13))
    assert pages(order="growth") == [11, 9, 7, 5, 3, 4, 6, 8, 10, 12]
    assert [one["growth"] for one in store.templates(order="growth", limit=2).items] == [11, 9]
    with pytest.raises(QueryError, match="new, count or growth"):
        store.templates(order="age")
    with pytest.raises(QueryError, match="damaged"):
        store.templates(order="growth", cursor=store.templates(limit=1).next_cursor)
