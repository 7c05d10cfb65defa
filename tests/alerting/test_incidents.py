"""Incidents: which alerts have one cause, whatever the order and the batches in which they come."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.alerting.incident_files import write_incidents
from logradar.alerting.incident_groups import IncidentSettings
from logradar.alerting.incidents import IncidentList, Incidents, incidents_of
from logradar.alerting.severity import SeveritySettings
from logradar.core.errors import InputError
from logradar.core.tables import ALERTS, ERROR, INCIDENTS, RATE_CHANGES, check

RATE_CHANGES_PLAIN = pa.schema(
    [pa.field("service", pa.string()) if one.name == "service" else one for one in RATE_CHANGES]
)
START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def alert(
    name: str, minutes: float | None, services: tuple[str, ...] = ("shop",), level: int | None = None, **signature: Any
) -> dict[str, Any]:
    """A row of ALERTS whose session ended at ``minutes``; without a signature it has only its line."""
    when = None if minutes is None else START + timedelta(minutes=minutes)
    line = {"record_id": 1, "source": "a.log", "line": 7, "timestamp": when, "level": level, "service": services[0]}
    signed = {"bundle": "b", "sequence": "s", **signature} if signature else None
    return {
        "alert_id": name,
        "session_id": f"session {name}",
        "service": services[0],
        "services": list(services),
        "started_at": when,
        "raised_at": when,
        "detector": "ensemble",
        "score": 1.0,
        "threshold": 0.0,
        "max_level": level,
        "severity": "medium",
        "severity_score": 50.0,
        "severity_parts": [{"name": "confidence", "value": 0.9}, {"name": "level", "value": 0.6},
                           {"name": "services", "value": 0.1}, {"name": "service_weight", "value": 0.5},
                           {"name": "persistence", "value": 0.1}],
        "record_ids": [1],
        "evidence": [line | {"body": f"line of {name}", "reason": "new_template: never seen", "expected": []}],
        "code": None,
        "signature": json.dumps(signed) if signed else None,
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=ALERTS)


def found(rows: list[dict[str, Any]], **given: float) -> list[dict[str, Any]]:
    """The incidents of rows that come at once, in order of their beginning."""
    incidents = incidents_of(table(rows), IncidentSettings(**given), SeveritySettings())
    return sorted(check(incidents, INCIDENTS).to_pylist(), key=lambda row: (row["started_at"] or START, row["title"]))


def members(rows: list[dict[str, Any]]) -> list[list[str]]:
    return [row["alert_ids"] for row in rows]


def test_a_storm_is_one_incident() -> None:
    rows = [alert(f"{n:05}", n / 1000, added={"?no answer from <IP>": 1}, unseen=["?no answer from <IP>"])
            for n in range(10_000)]  # fmt: skip
    (one,) = found(rows)
    assert one["alerts"] == 10_000
    assert one["alert_ids"] == [f"{n:05}" for n in range(100)], "the first hundred are named"
    assert one["title"] == "New message in shop: «line of 00000»"
    assert one["started_at"] == START and one["status"] == "open"


def test_two_faults_at_the_same_time_that_share_nothing_stay_two() -> None:
    rows = []
    for n in range(5):
        rows.append(alert(f"a{n}", n, ("cart",), added={"7": 2}, nearest={"7": 1}))
        rows.append(alert(f"b{n}", n, ("mail",), added={"?bounced": 1}, unseen=["?bounced"]))
    assert members(found(rows)) == [[f"b{n}" for n in range(5)], [f"a{n}" for n in range(5)]]


def test_different_kinds_that_begin_together_in_one_service_are_one() -> None:
    rows = [alert(f"a{n}", n, ("cart",), added={"7": 2}, nearest={"7": 1}) for n in range(3)]
    rows += [alert(f"b{n}", n + 0.1, ("cart",), added={"?lost": 1}, unseen=["?lost"]) for n in range(3)]
    assert len(found(rows)) == 1
    assert len(found(rows, together_seconds=0)) == 2
    for row in rows[3:]:
        row["service"] = "mail"
    assert len(found(rows)) == 2, "the most unusual line is in another service"


def test_a_fault_that_comes_again_is_a_new_incident_of_the_known_kind() -> None:
    times = [(f"{day}{n}", 600 * day + n) for day in (0, 1, 2) for n in (0, 1)]
    rows = [alert(name, minutes, added={"?lost": 1}, unseen=["?lost"]) for name, minutes in times]
    first, second, third = found(rows)
    assert [first["again_of"], second["again_of"], third["again_of"]] == [
        None, first["incident_id"], second["incident_id"],
    ]  # fmt: skip
    assert {row["kind"] for row in (first, second, third)} == {first["incident_id"]}
    assert third["title"].startswith("Again: new message in shop")
    assert [row["status"] for row in (first, second, third)] == ["resolved", "resolved", "open"]


def test_a_scattered_fault_is_one_incident() -> None:
    """It loses another step each time, so no two alerts have the same event."""
    rows = [alert(str(n), n, added={str(10 + n): -1}, nearest={str(10 + n): 1}) for n in range(6)]
    (one,) = found(rows)
    assert one["alerts"] == 6 and one["title"].startswith("Something is missing in shop")


def test_one_alert_alone_is_no_incident_unless_it_is_new_or_an_error() -> None:
    assert found([alert("a", 0, added={"7": 1})]) == []
    assert len(found([alert("a", 0, added={"7": 1}, level=ERROR)])) == 1
    assert len(found([alert("a", 0, added={"?x": 1}, unseen=["?x"])])) == 1


def test_a_few_alerts_belong_to_the_larger_incident_around_them() -> None:
    large = [alert(f"a{n}", n, added={"?lost": 1}, unseen=["?lost"]) for n in range(10)]
    (one,) = found([*large, alert("b", 5.5, added={"7": 1})])
    assert one["alerts"] == 11
    assert found([*large, alert("b", 5.5, ("mail",), added={"7": 1})])[0]["alerts"] == 10, "another service"
    assert len(found([*large, alert("b", 5.5, added={"?other": 1}, unseen=["?other"])])) == 2, "a new message"


def test_who_was_first_and_has_most_of_the_unusual_lines_is_the_likeliest_cause() -> None:
    rows = [alert(f"{n}", n, ("bank", "gateway") if n % 3 else ("gateway",), added={"?x": 1}, unseen=["?x"])
            for n in range(1, 10)]  # fmt: skip
    (one,) = found(rows)
    assert [place["service"] for place in one["candidates"]] == ["bank", "gateway"]
    assert one["candidates"][0]["reason"] == "first, at 08:01:00, unusual lines in 6 of 9 alerts"
    assert one["services"] == ["bank", "gateway"]


def test_without_times_and_signatures_equal_lines_are_one_incident() -> None:
    rows = [alert(f"{n}", None) for n in range(3)]
    (one,) = found(rows)
    assert one["started_at"] is None and one["last_at"] is None and one["alerts"] == 3


def test_severity_rises_with_what_lasts() -> None:
    rows = [alert(f"{n}", 10 * n, added={"?x": 1}, unseen=["?x"]) for n in range(6)]
    (one,) = found(rows)
    assert one["initial_severity_score"] < one["severity_score"] <= 100


def test_an_early_alert_opens_an_incident_that_the_complete_one_does_not_count_again() -> None:
    early, late = alert("a", 0, added={"?x": 1}, unseen=["?x"]), alert("a", 3, added={"?x": 2}, unseen=["?x"])
    incidents, told = Incidents(), IncidentList()
    told.add(incidents.push(table([]), early=table([early])))
    assert told.table()["alerts"].to_pylist() == [1]
    told.add(incidents.push(table([late])))
    told.add(incidents.close())
    assert told.table()["alerts"].to_pylist() == [1]
    assert told.table()["last_at"].to_pylist() == [START + timedelta(minutes=3)]


def test_two_incidents_become_one_when_an_alert_joins_them() -> None:
    incidents = Incidents()
    rows = [alert("a", 0, added={"?x": 1}, unseen=["?x"]), alert("b", 30, added={"?y": 1}, unseen=["?y"])]
    (first, second) = incidents.push(table(rows)).to_pylist()
    both = alert("c", 31, added={"?x": 1, "?y": 1}, unseen=["?x", "?y"])
    merged, whole = incidents.push(table([both])).to_pylist()
    assert merged["incident_id"] == second["incident_id"]
    assert (merged["status"], merged["merged_into"]) == ("merged", first["incident_id"])
    assert whole["incident_id"] == first["incident_id"] and whole["alerts"] == 3


def test_an_open_incident_is_resolved_when_time_goes_by() -> None:
    incidents = Incidents()
    rows = [alert(f"{n}", n, added={"?x": 1}, unseen=["?x"]) for n in range(2)]
    assert incidents.push(table(rows)).to_pylist()[0]["status"] == "open"
    later = round((START + timedelta(minutes=30)).timestamp() * 1e6)
    assert incidents.push(table([]), now=later).num_rows == 0
    much_later = later + 60 * 60 * 1_000_000
    assert incidents.push(table([]), now=much_later).to_pylist()[0]["status"] == "resolved"
    assert incidents.push(table([]), now=much_later + 1).num_rows == 0, "said once"


def test_what_is_over_for_long_is_forgotten_but_its_kind_is_known() -> None:
    incidents = Incidents()
    rows = [alert(f"{n}", n, added={"?x": 1}, unseen=["?x"]) for n in range(2)]
    first = incidents.push(table(rows)).to_pylist()[0]
    incidents.push(table([alert("z", 3 * 1440, ("mail",), added={"?z": 1}, unseen=["?z"])]))
    assert len(incidents.tables()["incident_bursts"]) == 1
    again = incidents.push(table([alert("y", 3 * 1440 + 5, added={"?x": 1}, unseen=["?x"])])).to_pylist()[-1]
    assert again["again_of"] == first["incident_id"]


ALERT = st.builds(
    lambda minutes, services, events, unseen, less, level: (minutes, services, events, unseen, less, level),
    st.floats(0, 600).map(lambda value: round(value, 2)) | st.none(),
    st.sampled_from([("cart",), ("mail",), ("cart", "mail"), ("bank", "cart")]),
    st.dictionaries(st.sampled_from("3456"), st.integers(1, 3), max_size=2),
    st.lists(st.sampled_from(["?a", "?b", "?c"]), max_size=2, unique=True),
    st.lists(st.sampled_from("789"), max_size=2, unique=True),
    st.sampled_from([None, 9, 17]),
)


def of_plan(name: str, plan: tuple[Any, ...]) -> dict[str, Any]:
    minutes, services, events, unseen, less, level = plan
    added = {**events, **dict.fromkeys(unseen, 1), **dict.fromkeys(less, -1)}
    runs = [] if added else [["3", "4"]]
    return alert(name, minutes, services, level, added=added, unseen=unseen, nearest={"3": 1}, runs=runs)


@settings(max_examples=60, deadline=None)
@given(st.lists(ALERT, max_size=25), st.lists(st.integers(0, 10**6), max_size=4), st.booleans(), st.randoms())
def test_the_oath(plans: list[Any], cuts: list[int], reload: bool, rng: Any) -> None:
    """Any order, any cut, any reload: the same incidents."""
    rows = [of_plan(f"{n:02}", plan) for n, plan in enumerate(plans)]
    expected = incidents_of(table(rows), IncidentSettings(), SeveritySettings()).to_pylist()
    rng.shuffle(rows)
    incidents, told = Incidents(), IncidentList()
    bounds = [0, *sorted(cut % (len(rows) + 1) for cut in cuts), len(rows)]
    for begin, end in pairwise(bounds):
        told.add(incidents.push(table(rows[begin:end])))
        if reload:
            with TemporaryDirectory() as folder:
                for name, state in incidents.tables().items():
                    pq.write_table(state, Path(folder) / f"{name}.parquet")
                incidents = Incidents()
                incidents.restore({path.stem: pq.read_table(path) for path in Path(folder).glob("*.parquet")})
    told.add(incidents.close())
    assert told.table().to_pylist() == expected
    assert sum(row["alerts"] for row in expected) <= len(rows)


def test_files_of_incidents(tmp_path: Path) -> None:
    rows = [alert("a", 0, ("=cmd()",), added={"?x": 1}, unseen=["?x"])]
    incidents = incidents_of(table(rows), IncidentSettings(), SeveritySettings())
    for suffix in (".json", ".parquet", ".csv"):
        write_incidents(incidents, tmp_path / f"i{suffix}")
    assert pq.read_table(tmp_path / "i.parquet").schema.equals(INCIDENTS)
    (one,) = json.loads((tmp_path / "i.json").read_text())
    assert one["started_at"] == "2026-03-02T08:00:00+00:00" and one["evidence"]["line"] == 7
    assert "'=cmd()" in (tmp_path / "i.csv").read_text()
    with pytest.raises(InputError, match="another ending"):
        write_incidents(incidents, tmp_path / "i.txt")


def change(name: str, minutes: float, lasts: float = 5, service: str | None = "shop", **given: Any) -> dict[str, Any]:
    """A row of RATE_CHANGES that began at ``minutes``, and was found a minute later."""
    began = START + timedelta(minutes=minutes)
    return {
        "change_id": name, "kind": "spike", "service": service, "template_id": 7, "template": "retry <*>", "level": 13,
        "started_at": began, "last_at": began + timedelta(minutes=lasts), "found_at": began + timedelta(minutes=1),
        "observed": 90.0, "expected": 3.0, "bucket_seconds": 60.0, "p_value": 1e-6, "record_id": 3, "source": "a.log",
        "line": 9, "body": "retry 4", "reason": "90 times in 5 minutes instead of 3", **given,
    }  # fmt: skip


def changes(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=RATE_CHANGES_PLAIN)


def with_changes(rows: list[dict[str, Any]], rates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = incidents_of(table(rows), IncidentSettings(), SeveritySettings(), changes=changes(rates))
    return check(found, INCIDENTS).to_pylist()


def test_a_rate_change_belongs_to_the_incident_of_its_service_or_is_one_of_its_own() -> None:
    rows = [alert(f"{n}", n, added={"?x": 1}, unseen=["?x"]) for n in range(3)]
    (one,) = with_changes(rows, [change("r", 0)])
    assert (one["alerts"], one["rate_changes"], one["rate_change_ids"]) == (3, 1, ["r"])
    assert one["alert_ids"] == ["0", "1", "2"]
    (alone,) = with_changes([], [change("r", 0)])
    assert alone["title"] == "shop: spike of «retry <*>», 90 times in 5 minutes instead of 3"
    assert (alone["alerts"], alone["alert_ids"], alone["services"]) == (0, [], ["shop"])
    assert sorted(row["alerts"] for row in with_changes(rows, [change("r", 0, service="mail")])) == [0, 3]


def test_rate_changes_that_begin_together_are_one_incident() -> None:
    rates = [change("r", 0, service="shop"), change("s", 0, service="mail", template_id=8)]
    assert [one["rate_change_ids"] for one in with_changes([], rates)] == [["r", "s"]]
    assert len(with_changes([], [rates[0], rates[1] | change("s", 7, service="mail", template_id=8)])) == 2


def test_an_alert_that_is_no_incident_becomes_none_by_a_rate_change() -> None:
    (one,) = with_changes([alert("a", 0, added={"7": 1})], [change("r", 0)])
    assert (one["alerts"], one["rate_changes"]) == (0, 1)


def test_two_incidents_do_not_become_one_by_a_rate_change() -> None:
    """A spike of the event that is too often in both of them."""
    rows = [alert(f"{n}", 100 * n, ("shop",), added={"7": 9}, nearest={"7": 1}, level=ERROR) for n in range(2)]
    found = with_changes(rows, [change("r", 1, lasts=110)])
    assert sorted((one["alerts"], one["rate_changes"]) for one in found) == [(1, 0), (1, 1)]


def test_the_silence_of_a_service_has_its_incident_in_another_one_and_is_where_to_look() -> None:
    rows = [alert(f"{n}", n, ("cart",), added={"?no answer": 1}, unseen=["?no answer"]) for n in range(1, 9)]
    silence = change("r", 0, 20, "bank", kind="silence", template_id=None, template=None, level=None, reason="nothing")
    silence["found_at"] = START + timedelta(minutes=9)
    (one,) = with_changes(rows, [silence])
    assert one["title"] == "bank: silence, nothing"
    assert one["candidates"][0]["service"] == "bank" and one["candidates"][0]["reason"] == "first, at 08:00:00, silent"
    assert one["evidence"]["body"] == "line of 1" and one["started_at"] == START
    before = [row | {"raised_at": row["raised_at"] - timedelta(minutes=30)} for row in rows]
    assert len(with_changes(before, [silence])) == 2


def test_the_silence_of_a_service_is_as_severe_as_an_error() -> None:
    (service,) = with_changes([], [change("r", 0, kind="silence", template_id=None, template=None, level=None)])
    (message,) = with_changes([], [change("r", 0, kind="silence", level=9)])
    (spike,) = with_changes([], [change("r", 0, level=9)])
    assert [one["severity"] for one in (service, message, spike)] == ["high", "medium", "low"]


def test_a_rate_change_that_goes_on_is_counted_once() -> None:
    incidents, told = Incidents(), IncidentList()
    for minutes in (1, 2, 300):
        told.add(incidents.push(table([]), changes([change("r", 0, lasts=minutes)])))
    told.add(incidents.close())
    assert told.table()["rate_changes"].to_pylist() == [1]
    assert told.table()["last_at"].to_pylist() == [START + timedelta(minutes=300)]


def test_new_messages_of_a_service_that_are_others_each_time_are_one_incident() -> None:
    rows = [alert(f"{n:02}", 3 * n, added={f"?{n}": 1}, unseen=[f"?{n}"]) for n in range(40)]
    assert [row["alerts"] for row in found(rows)] == [40]
    assert len(found(rows[:10])) == 10
    assert len(found([row | {"service": f"shop{n}"} for n, row in enumerate(rows)])) == 40


def test_a_storm_costs_no_more_than_its_alerts() -> None:
    def work(alerts: int) -> int:
        """Of a storm that brings another text in every alert, each of which is a step of a stream."""
        incidents, told = Incidents(), IncidentList()
        for n in range(alerts):
            told.add(incidents.push(table([alert(f"{n:05}", n / 60, added={f"?{n}": 1}, unseen=[f"?{n}"])])))
        told.add(incidents.close())
        assert told.table()["alerts"].to_pylist() == [alerts]
        return incidents.compared

    assert work(600) <= 3 * work(300), "four times as many would be their square"


def test_what_a_storm_postpones_is_given_when_the_input_pauses() -> None:
    incidents, told = Incidents(), IncidentList()
    for n in range(700):
        told.add(incidents.push(table([alert(f"{n:05}", n / 6000, added={f"?{n}": 1}, unseen=[f"?{n}"])])))
    assert told.table()["alerts"].to_pylist() < [700]
    again = Incidents()
    again.restore(incidents.tables())
    told.add(again.settle())
    assert told.table()["alerts"].to_pylist() == [700]
    assert again.settle().num_rows == 0


CHANGE = st.builds(
    change, st.sampled_from("rstuv"), st.integers(0, 600), st.integers(1, 90), st.sampled_from(["cart", "mail", None]),
    kind=st.sampled_from(["spike", "silence", "gone"]), template_id=st.sampled_from([None, 3, 7]),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(ALERT, max_size=15), st.lists(CHANGE, max_size=5, unique_by=lambda row: row["change_id"]),
       st.integers(0, 10**6), st.booleans(), st.randoms())  # fmt: skip
def test_the_oath_with_rate_changes_that_grow(plans: Any, rates: Any, cut: int, reload: bool, rng: Any) -> None:
    """A stream is given each change several times, as it is so far; a file only as it was last."""
    rows = [of_plan(f"{n:02}", plan) for n, plan in enumerate(plans)]
    expected = with_changes(rows, rates)
    begun = [row | {"last_at": row["found_at"], "kind": "dip", "p_value": 0.001} for row in rates]
    rng.shuffle(rows)
    cut %= len(rows) + 1
    incidents, told = Incidents(), IncidentList()
    for some, grown in ((rows[:cut], begun), (rows[cut:], rates)):
        told.add(incidents.push(table(some), changes(grown)))
        if reload:
            state, incidents = incidents.tables(), Incidents()
            incidents.restore(state)
    told.add(incidents.close())
    assert told.table().to_pylist() == expected
