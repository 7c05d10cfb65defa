"""A replay after a crash: steps that are written again, from any earlier one on, leave the same rows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.store.documents import BANDS, MINUTE, START, alert, incident, rate_change

from logradar.serving.store.outbox import Notification
from logradar.serving.store.schema import METADATA
from logradar.serving.store.store import Store

few = st.integers(0, 3)
bands = st.sampled_from(list(BANDS))
alerts = st.builds(
    lambda n, severity, over, services: alert(n, severity=severity, services=services) | {"over": over},
    few,
    bands,
    st.booleans(),
    st.lists(st.sampled_from(["cart", "mail", None]), max_size=3),
)
incidents = st.builds(
    lambda n, members, severity, status, into, count: (
        incident(
            n,
            members,
            severity=severity,
            status=status,
            merged_into=None if status != "merged" or into is None else incident(into)["incident_id"],
        )
        | {"alerts": count}
    ),
    few,
    st.lists(few, max_size=3),
    bands,
    st.sampled_from(["open", "resolved", "merged"]),
    st.none() | few,
    st.sampled_from([1, 9, 10, 500]),
)
changes = st.builds(lambda n, seen: rate_change(n, observed=seen), few, st.floats(0, 9))
notifications = st.builds(lambda n: Notification(f"slack:{n}", "slack", "message", None, {"n": n}), few)
counts = st.tuples(few.map(lambda n: START + n * MINUTE), st.sampled_from(["cart", None]), st.just("all"), few)
steps = st.lists(
    st.fixed_dictionaries(
        {
            "alerts": st.lists(alerts, max_size=3),
            "incidents": st.lists(incidents, max_size=3),
            "rate_changes": st.lists(changes, max_size=2),
            "notify": st.lists(notifications, max_size=2),
            "counts": st.lists(counts, max_size=2),
        }
    ),
    min_size=1,
    max_size=6,
)


def apply(store: Store, given_steps: list[dict[str, Any]], start: int, end: int, clock: Any) -> None:
    """Write steps as detection does: counts of a step only where they were not counted yet."""
    for number in range(start, end):
        step = given_steps[number]
        clock.now += 1_000
        with store.writing() as w:
            w.alerts(step["alerts"], "active", "shop")
            w.rate_changes(step["rate_changes"], "active", "shop")
            w.incidents(step["incidents"], "active", "shop")
            w.notify(step["notify"])
            if number >= store.meta("position", 0):
                w.counts(step["counts"])
                w.template_counts([("shop", 3, minute, count) for minute, _, _, count in step["counts"]])
                w.templates(
                    [("shop", 3, "t", "e", minute, minute, count, "cart") for minute, _, _, count in step["counts"]]
                )
                w.meta("position", number + 1)


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All that is stored, less the numbers of rows, of which PostgreSQL leaves some out."""
    found = {}
    with store.reading() as connection:
        for table in METADATA.sorted_tables:
            columns = [column for column in table.columns if column.name != "id"]
            found[table.name] = sorted(map(tuple, connection.execute(sa.select(*columns))), key=repr)
    return found


def wipe(store: Store) -> None:
    with store.changing() as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_steps=steps, places=st.tuples(st.integers(0, 6), st.integers(0, 6)))
def test_steps_that_are_written_again_change_nothing(store, clock, given_steps, places):
    start, end = sorted(min(place, len(given_steps)) for place in places)
    wipe(store)
    apply(store, given_steps, 0, end, clock)
    before = rows(store)
    apply(store, given_steps, start, end, clock)
    assert rows(store) == before
    # and what follows is as if there had been no crash
    clock.now += 1_000_000
    at = clock.now
    apply(store, given_steps, end, len(given_steps), clock)
    after = rows(store)
    wipe(store)
    clock.now = at - 1_000_000 - 1_000 * (2 * end - start)
    apply(store, given_steps, 0, end, clock)
    clock.now = at
    apply(store, given_steps, end, len(given_steps), clock)
    assert rows(store) == after
