"""What is planned: each change once, for those that want it, and nothing twice when the log is replayed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.serving.notifications.rows import BUNDLE, row, settings, write

from logradar.core.tables import SEVERITIES
from logradar.serving.notifications.plan import Planner
from logradar.serving.store.store import Store

HOOK = {"kind": "webhook", "name": "hook", "url": "https://x.example/"}
ALERTS = {"kind": "alertmanager", "name": "am", "url": "https://x.example"}
PAGER = {"kind": "pagerduty", "name": "pager", "secret_env": "KEY"}
NOON = 1_800_000_000_000_000 // 60_000_000 * 60_000_000  # the begin of a minute, in microseconds


def planner(*chosen: dict[str, Any]) -> Planner:
    return Planner(settings(*chosen).receivers)


def changes(history: list[dict[str, Any]], *chosen: dict[str, Any]) -> list[str]:
    """The changes that are planned when the rows come one by one."""
    one, known, found = planner(*chosen or (HOOK,)), {}, []
    for place, after in enumerate(history):
        found += [made.kind for made in one.plan(known, [after], bundle=BUNDLE, now=NOON + place)]
        known = {**known, after["incident_id"]: after}
    return found


def withdrawn(number: int = 1) -> dict[str, Any]:
    """What incidents give for an early alert whose session turned out to be normal."""
    nothing = dict.fromkeys(("started_at", "last_at", "evidence"))
    lists = {name: [] for name in ("services", "alert_ids", "rate_change_ids", "candidates")}
    return row(number, status="merged", severity="low", title="", kind="", alerts=0, rate_changes=0, **nothing, **lists)


@pytest.mark.parametrize(
    ("history", "planned"),
    [
        ([row()], ["opened"]),
        ([row(), row(minute=1), row(minute=2, alerts=9)], ["opened"]),
        ([row(severity="low")], []),
        ([row(severity="low"), row(minute=1)], ["opened"]),
        ([row(), row(minute=1, severity="critical")], ["opened", "raised"]),
        ([row(severity="critical"), row(minute=1), row(minute=2, severity="critical")], ["opened", "raised"]),
        ([row(), row(status="resolved")], ["opened", "resolved"]),
        ([row(), row(status="resolved"), row(minute=90)], ["opened", "resolved", "again"]),
        ([row(), row(status="resolved"), row(minute=90), row(minute=90, status="resolved")],
         ["opened", "resolved", "again", "resolved"]),
        ([row(status="resolved")], []),
        ([row(), row(minute=3, status="merged", merged_into="f" * 16)], ["opened", "merged"]),
        ([row(), withdrawn()], ["opened", "merged"]),
        ([row(), withdrawn(), row(minute=5)], ["opened", "merged", "opened"]),
        ([row(1), row(2), row(1, status="resolved")], ["opened", "opened", "resolved"]),
        ([row(services=["search"])], ["opened"]),
    ],
)  # fmt: skip
def test_changes_of_an_incident(history: list[dict[str, Any]], planned: list[str]) -> None:
    assert changes(history) == planned


def test_several_rows_of_one_incident_in_one_step() -> None:
    found = planner(HOOK).plan({}, [row(), row(minute=1, severity="critical")], bundle=BUNDLE, now=NOON)
    assert [one.kind for one in found] == ["opened", "raised"]


def test_the_end_is_left_out_where_nobody_wants_it_and_other_services_are_not_told() -> None:
    ended = [row(), row(status="resolved")]
    assert changes(ended, HOOK | {"send_resolved": False}) == ["opened"]
    assert changes([row(), row(2, services=["search"])], HOOK | {"services": ["search"]}) == ["opened"]


def test_alertmanager_gets_to_know_of_other_labels_and_nobody_else() -> None:
    history = [row(), row(minute=1, kind="e" * 16), row(minute=2, kind="e" * 16, services=["payment", "cart"])]
    assert changes(history, ALERTS) == ["opened", "relabelled"]
    assert changes(history) == ["opened"]
    assert changes([row(), row(minute=1, severity="medium")], ALERTS) == ["opened", "relabelled"]


def test_the_row_of_a_merged_incident_is_that_of_its_own() -> None:
    known = {row()["incident_id"]: row()}
    merged = row(severity="critical", title="of the other one", status="merged", merged_into="f" * 16)
    (one,) = planner(HOOK).plan(known, [merged], bundle=BUNDLE, now=NOON)
    incident = one.document["incident"]
    assert (incident["title"], incident["status"]) == (row()["title"], "merged")
    assert (incident["severity"], incident["merged_into"]) == ("high", "f" * 16)


def test_texts_and_lists_of_a_document_are_bounded() -> None:
    huge = row(title="x" * 10_000_000, alert_ids=["a" * 16] * 100)
    huge["evidence"]["body"] = "y" * 10_000_000
    (one,) = planner(HOOK).plan({}, [huge], bundle=BUNDLE, now=NOON)
    assert len(str(one.document)) < 50_000


def test_a_storm_is_postponed_to_the_end_of_its_minute() -> None:
    """Not for Alertmanager, which groups; and what is over reaches PagerDuty."""
    one = planner(HOOK | {"most_per_minute": 3}, ALERTS, PAGER | {"most_per_minute": 3})
    storm = [row(number) for number in range(10)]
    known = {each["incident_id"]: each for each in storm}
    opened = one.plan({}, storm, bundle=BUNDLE, now=NOON + 5)
    over = one.plan(known, [each | {"status": "resolved"} for each in storm], bundle=BUNDLE, now=NOON + 6)
    end = NOON + 60_000_000

    def later(found: list) -> dict[str, int]:
        return {name: sum(each.not_before == end for each in found if each.receiver == name) for name in
                ("hook", "am", "pager")}  # fmt: skip

    assert later(opened) == {"hook": 7, "am": 0, "pager": 7} and len(opened) == 30
    assert later(over) == {"hook": 10, "am": 0, "pager": 0}
    assert all((each.document["gathered"] == end) == (each.not_before == end) for each in (*opened, *over))
    (next_minute,) = planner(HOOK).plan({}, [row(99)], bundle=BUNDLE, now=end)
    assert next_minute.not_before == end and next_minute.document["gathered"] is None


def test_no_limit_means_no_summary() -> None:
    storm = [row(number) for number in range(100)]
    found = planner(HOOK | {"most_per_minute": 0}).plan({}, storm, bundle=BUNDLE, now=NOON)
    assert {each.not_before for each in found} == {NOON}


@some.composite
def histories(draw) -> list[dict[str, Any]]:
    """Rows of three incidents as they may follow each other: they begin open, and time goes on while they are."""
    found, minutes = [], dict.fromkeys(range(3), 0)
    for _ in range(draw(some.integers(1, 12))):
        number = draw(some.integers(0, 2))
        status = draw(some.sampled_from(["open", "open", "open", "resolved"]))
        if status == "open" or not minutes[number]:
            status = "open"
            minutes[number] += 1
        band = draw(some.sampled_from(SEVERITIES))
        kind = f"{draw(some.integers(0, 1)):016x}"
        found.append(row(number, minutes[number], status=status, severity=band, kind=kind))
    return found


@given(histories(), some.integers(0, 11))
def test_a_replay_from_anywhere_plans_nothing_new(history: list[dict[str, Any]], start: int) -> None:
    receivers = (HOOK, ALERTS, HOOK | {"name": "all", "min_severity": "low"})
    keys: set[str] = set()
    known: dict[str, dict[str, Any]] = {}
    for after in history:
        keys |= {one.key for one in planner(*receivers).plan(known, [after], bundle=BUNDLE, now=NOON)}
        known[after["incident_id"]] = after
    for after in history[start:]:
        found = {one.key for one in planner(*receivers).plan(known, [after], bundle=BUNDLE, now=NOON + 10**9)}
        assert found <= keys
        known[after["incident_id"]] = after


def test_the_outbox_keeps_each_key_once(store: Store) -> None:
    one = planner(HOOK)
    history = [row(), row(minute=1, severity="critical"), row(minute=1, severity="critical", status="resolved")]
    planned = [key for each in history for key in write(store, one, each)]
    for each in history:
        write(store, planner(HOOK), each)
    (figures,) = store.outbox_figures()
    assert len(planned) == len(set(planned)) == 3 == figures.waiting
