"""Sessions by key, by windows of count and time: no event is lost, and where batches end makes no difference."""

from __future__ import annotations

import lzma
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.core.config import validated
from logradar.core.errors import ConfigError
from logradar.core.tables import EVENTS, SESSIONS, check, conform
from logradar.parsing.event_clock import EventClock
from logradar.parsing.sessionizer import Sessionizer
from logradar.parsing.sessions import SessionSettings

START = datetime(2026, 1, 31, 10, tzinfo=UTC)


def table(*rows: dict, **common) -> pa.Table:
    """EVENTS; ``at`` is seconds after START, ``key`` the session key, template ids count from 3."""
    made = []
    for i, row in enumerate(rows):
        row = {**common, **row}
        at = row.pop("at", None)
        made.append(
            {
                "record_id": row.pop("record_id", i),
                "timestamp": None if at is None else START + timedelta(seconds=at),
                "template_id": 3 + i,
                "session_key": row.pop("key", None),
                **row,
            }
        )
    return pa.Table.from_pylist(made, schema=EVENTS)


def grouped(events: pa.Table, **settings) -> pa.Table:
    """SESSIONS of a whole input."""
    return stream(events, SessionSettings(**settings), [])


def stream(events: pa.Table, settings: SessionSettings, cuts: list[int], again: bool = False) -> pa.Table:
    """SESSIONS in order of their first record, with batches that end at ``cuts``; ``again``: saved and restored."""
    clock, sessionizer, parts = EventClock(), Sessionizer(settings), []
    bounds = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    for begin, end in pairwise(bounds):
        batch = events.slice(begin, end - begin)
        parts.append(sessionizer.push(batch, clock.read(None, batch["timestamp"])))
        if again:
            clock = EventClock.restore(clock.table())
            sessionizer = Sessionizer.restore(settings, sessionizer.tables())
    parts.append(sessionizer.close())
    return in_order(pa.concat_tables(parts))


def in_order(sessions: pa.Table) -> pa.Table:
    first = [min(records) for records in sessions["record_ids"].to_pylist()]
    order = np.lexsort((sessions["session_id"].to_numpy(), first))
    return sessions.take(pa.array(order)).unify_dictionaries()


def at_once(events: pa.Table, settings: SessionSettings) -> pa.Table:
    """SESSIONS of the same events, grouped as a whole."""
    sessionizer = Sessionizer(settings)
    return in_order(sessionizer.group(sessionizer.assign(events, EventClock().read(None, events["timestamp"]))))


def column(found: pa.Table, name: str) -> list:
    return check(found, SESSIONS)[name].to_pylist()


def test_by_key_everything_of_a_session_is_gathered():
    events = table(
        {"at": 0, "key": "a", "service": "web", "level": 9, "label": False},
        {"at": 1, "key": "b", "service": "web"},
        {"at": 2.5, "key": "a", "service": "db", "level": 17, "label": True},
        {"at": 3, "key": "a", "service": "db", "level": 13, "label": False},
    )
    assert grouped(events).to_pylist() == [
        {
            "session_id": "a",
            "service": "db",
            "start": START,
            "end": START + timedelta(seconds=3),
            "record_ids": [0, 2, 3],
            "template_ids": [3, 5, 6],
            "gaps": [0.0, 2.5, 0.5],
            "max_level": 17,
            "label": True,
            "parameters": None,
            "texts": None,
        },
        {
            "session_id": "b",
            "service": "web",
            "start": START + timedelta(seconds=1),
            "end": START + timedelta(seconds=1),
            "record_ids": [1],
            "template_ids": [4],
            "gaps": [0.0],
            "max_level": None,
            "label": None,
            "parameters": None,
            "texts": None,
        },
    ]


def test_of_two_equally_frequent_services_the_first_one_counts_and_no_service_never_does():
    rows = [{"service": "db"}, {"service": "web"}, {"service": "web"}, {"service": "db"}, {}, {}, {}]
    assert column(grouped(table(*rows, key="a")), "service") == ["db"]
    assert column(grouped(table({}, {}, key="a")), "service") == [None]


def test_labels_of_normal_records_only_make_a_normal_session():
    assert column(grouped(table({"label": False}, {"label": None}, key="a")), "label") == [False]


def test_events_stand_in_order_of_time_then_of_record():
    events = table({"at": 5, "record_id": 7}, {"at": 1, "record_id": 9}, {"at": 5, "record_id": 3}, key="a")
    found = grouped(events)
    assert column(found, "record_ids") == [[9, 3, 7]]
    assert column(found, "gaps") == [[0.0, 4.0, 0.0]]


def test_a_record_without_a_time_keeps_its_place():
    events = table({}, {"at": 1}, {}, {"at": 4}, {"at": 2}, {}, key="a")
    found = grouped(events)
    assert column(found, "record_ids") == [[0, 1, 2, 4, 5, 3]]
    assert column(found, "gaps") == [[0.0, 0.0, 0.0, 1.0, 0.0, 2.0]]
    assert column(found, "start") == [START + timedelta(seconds=1)]
    nowhere = grouped(table({}, {}, key="a"))
    assert column(nowhere, "record_ids") == [[0, 1]]
    assert column(nowhere, "gaps") == [[0.0, 0.0]]
    assert column(nowhere, "start") == column(nowhere, "end") == [None]


def test_windows_of_count_by_service():
    events = table(*({"at": i, "service": "ab"[i % 2]} for i in range(9)))
    found = grouped(events, by="count", size=2)
    assert column(found, "session_id") == ["a[0]", "b[0]", "a[1]", "b[1]", "a[2]"]
    assert column(found, "record_ids") == [[0, 2], [1, 3], [4, 6], [5, 7], [8]]


@pytest.mark.parametrize(
    ("count", "size", "step", "windows"),
    [
        (6, 4, 2, [[0, 1, 2, 3], [2, 3, 4, 5]]),
        (7, 4, 2, [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6]]),
        (3, 4, 1, [[0, 1, 2]]),
        (5, 4, 3, [[0, 1, 2, 3], [3, 4]]),
    ],
)
def test_overlapping_windows_of_count(count, size, step, windows):
    events = table(*({"at": i} for i in range(count)))
    found = grouped(events, by="count", size=size, step=step)
    assert column(found, "record_ids") == windows


def test_windows_of_time_stand_on_whole_steps_and_empty_ones_are_left_out():
    events = table({"at": 1}, {"at": 9.9}, {"at": 10}, {"at": 3600.5}, service="web")
    found = grouped(events, by="time", seconds=10)
    assert column(found, "record_ids") == [[0, 1], [2], [3]]
    times = ["10:00:00.000", "10:00:10.000", "11:00:00.000"]
    assert column(found, "session_id") == [f"web[2026-01-31T{time}]" for time in times]
    assert column(grouped(events.slice(0, 3), by="time", seconds=10, step_seconds=5), "record_ids") == [[0, 1], [1, 2]]


def test_records_before_the_first_time_form_a_window_of_their_own():
    found = grouped(table({}, {}, {"at": 3}, {}), by="time", seconds=10)
    assert column(found, "record_ids") == [[0, 1], [2, 3]]
    assert column(found, "session_id")[0] == "log[no time]"


def test_what_arrives_late_goes_into_the_oldest_window_that_is_open():
    events = table({"at": 0}, {"at": 50}, {"at": 95}, {"at": 2}, {"at": 58}, {"at": 96})
    found = grouped(events, by="time", seconds=10, lateness=30)
    assert sorted(column(found, "record_ids")) == [[0], [1], [2, 5], [3, 4]]
    starts = sorted(name[-14:-1] for name in column(found, "session_id"))
    assert starts == ["T10:00:00.000", "T10:00:50.000", "T10:01:00.000", "T10:01:30.000"]


def test_records_without_a_key_form_windows_and_are_counted():
    events = table({"key": "a"}, {}, {"key": "a"}, {}, {"service": "web"})
    assert column(grouped(events, size=2), "session_id") == ["a", "log[0]", "web[0]"]
    sessionizer = Sessionizer(SessionSettings(unkeyed="drop"))
    sessionizer.push(events, EventClock().read(None, events["timestamp"]))
    assert column(sessionizer.close(), "record_ids") == [[0, 2]]
    assert (sessionizer.records, sessionizer.windowed, sessionizer.dropped) == (5, 0, 3)


def test_without_any_key_there_are_windows():
    assert column(grouped(table({}, {}, {}), size=2), "record_ids") == [[0, 1], [2]]


def test_long_sessions_are_cut_and_short_ones_dropped_if_wanted():
    events = table(*({"at": i, "key": "a"} for i in range(7)), {"at": 9, "key": "b"})
    found = grouped(events, max_length=3, min_length=2)
    assert column(found, "session_id") == ["a", "a#2"]
    assert column(found, "gaps") == [[0, 1, 1], [0, 1, 1]]
    assert column(grouped(events, max_length=3), "session_id") == ["a", "a#2", "a#3", "b"]


def test_a_session_ends_when_the_clock_is_past_its_last_event():
    events = table(
        {"at": 0, "key": "a"},
        {"at": 9, "key": "b"},
        {"at": 10, "key": "a"},
        {"at": 21, "key": "b"},
        {"at": 25, "key": "a"},
    )
    found = grouped(events, idle_seconds=10)
    assert column(found, "record_ids") == [[0, 2], [1], [3], [4]]
    assert column(found, "session_id") == ["a", "b", "b", "a"]
    assert column(grouped(events), "record_ids") == [[0, 2, 4], [1, 3]]


def test_a_pause_ends_a_window_of_count_and_the_next_one_begins_anew():
    events = table(*({"at": at} for at in (0, 1, 2, 100, 101, 102, 103)))
    found = grouped(events, by="count", size=2, idle_seconds=10)
    assert column(found, "record_ids") == [[0, 1], [2], [3, 4], [5, 6]]
    assert column(found, "session_id") == ["log[0]", "log[1]", "log[2]", "log[3]"]


def test_a_session_is_given_back_as_soon_as_it_is_over():
    sessionizer, clock = Sessionizer(SessionSettings(idle_seconds=10)), EventClock()
    events = table({"at": 0, "key": "a"}, {"at": 1, "key": "b"}, {"at": 11.5, "key": "c"})
    done = sessionizer.push(events, clock.read(None, events["timestamp"]))
    assert column(done, "session_id") == ["a", "b"]
    assert len(sessionizer) == 1 and column(sessionizer.unfinished(), "session_id") == ["c"]
    assert sessionizer.open_records().tolist() == [2]


@pytest.mark.parametrize("wrong", [0, 3, 7])
def test_a_record_with_a_wrong_year_ends_no_other_session(wrong):
    century = 100 * 365 * 86_400
    rows = [{"at": at, "key": "ab"[at % 2]} for at in range(10)]
    right = column(grouped(table(*rows), idle_seconds=600), "record_ids")
    rows[wrong]["at"] += century
    events = table(*rows)
    sessionizer = Sessionizer(SessionSettings(idle_seconds=600))
    closed = sessionizer.push(events, EventClock().read(None, events["timestamp"]))
    found = column(closed, "record_ids") + column(sessionizer.close(), "record_ids")
    assert right[1 - wrong % 2] in found  # the other session is whole
    assert len(closed) == (wrong > 1)  # of its own session: what came before the wrong date


def test_a_key_that_comes_back_after_a_pause_is_a_new_session():
    events = table(*({"at": at, "key": "a"} for at in (0, 1, 7200, 7201)))
    assert column(grouped(events, idle_seconds=600), "record_ids") == [[0, 1], [2, 3]]


def test_records_of_several_files_are_merged_by_their_clocks():
    rows = [{"at": 0, "key": "a"}, {"at": 50, "key": "a"}, {"at": 1, "key": "a"}, {"at": 51, "key": "a"}]
    events, sources = table(*rows), pa.array(["web.log", "web.log", "db.log", "db.log"])
    sessionizer = Sessionizer(SessionSettings(idle_seconds=10))
    found = sessionizer.group(sessionizer.assign(events, EventClock().read(sources, events["timestamp"])))
    assert column(found, "record_ids") == [[0, 2], [1, 3]]


def test_no_events_are_no_sessions():
    assert grouped(EVENTS.empty_table()).schema == SESSIONS
    assert grouped(EVENTS.empty_table()).num_rows == 0


def test_steps_that_would_lose_records_are_refused():
    with pytest.raises(ConfigError, match="longer than 'size'"):
        validated(SessionSettings, {"size": 5, "step": 6})


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.none() | st.integers(0, 50),
            "key": st.none() | st.sampled_from(["a", "b", "a#2"]),
            "service": st.none() | st.sampled_from(["web", "db"]),
        }
    ),
    max_size=40,
)
OPTIONS = st.builds(
    SessionSettings,
    by=st.sampled_from(["key", "count"]),
    size=st.integers(1, 5),
    unkeyed=st.sampled_from(["windows", "drop"]),
    max_length=st.integers(2, 6),
    idle_seconds=st.none() | st.integers(1, 30),
) | st.builds(
    lambda step, size, **others: SessionSettings(
        size=size, step=min(step, size), seconds=size, step_seconds=min(step, size), **others
    ),
    st.integers(1, 5),
    st.integers(1, 9),
    by=st.sampled_from(["count", "time"]),
    lateness=st.integers(0, 20),
    idle_seconds=st.none() | st.integers(1, 30),
)


@settings(max_examples=300, deadline=None)
@given(ROWS, OPTIONS, st.lists(st.integers(0, 40), max_size=8), st.booleans())
def test_where_batches_end_makes_no_difference(rows, options, cuts, again):
    events = table(*rows)
    whole = stream(events, options, [])
    assert stream(events, options, cuts, again).to_pylist() == whole.to_pylist()
    assert at_once(events, options).to_pylist() == whole.to_pylist()


@settings(max_examples=150, deadline=None)
@given(ROWS, OPTIONS)
def test_every_record_is_in_a_session(rows, options):
    found = stream(table(*rows), options, []).to_pylist()
    inside = [record for row in found for record in row["record_ids"]]
    keyless = options.by == "key" and options.unkeyed == "drop"
    expected = {i for i, row in enumerate(rows) if not (keyless and row["key"] is None)}
    assert set(inside) == expected
    if options.by == "key":
        assert len(inside) == len(expected)
    for row in found:
        assert len(row["record_ids"]) <= options.max_length
        assert min(row["gaps"]) >= 0 and row["gaps"][0] == 0
        assert row["template_ids"] == [3 + record for record in row["record_ids"]]


def test_real_sessions_are_those_of_the_labels(data_dir):
    with lzma.open(data_dir / "hdfs" / "HDFS_2pct.log.xz", "rt") as file:
        blocks = pl.Series(file.read().splitlines()).str.extract(r"(blk_-?\d+)")
    count = len(blocks)
    columns = {"record_id": np.arange(count), "template_id": np.full(count, 3), "session_key": blocks.to_arrow()}
    found = grouped(conform(pa.table(columns), EVENTS))
    assert column(found, "session_id") == blocks.unique(maintain_order=True).to_list()
    labelled = pl.read_csv(data_dir / "hdfs" / "HDFS_2pct_labels.csv.gz")["BlockId"]
    assert set(column(found, "session_id")) == set(labelled)
    lengths = blocks.value_counts(name="n")["n"]
    assert sorted(map(len, column(found, "record_ids"))) == lengths.sort().to_list()
