"""Sessions by key, by windows of count and time: nothing lost, everything in order, ids known beforehand."""

from __future__ import annotations

import lzma
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.core.config import validated
from logradar.core.errors import ConfigError, DataError
from logradar.core.tables import EVENTS, SESSIONS, check, conform
from logradar.parsing.sessions import SessionSettings, by_count, by_key, by_time, session_ids, sessions

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


def column(found: pa.Table, name: str) -> list:
    return check(found, SESSIONS)[name].to_pylist()


def test_by_key_everything_of_a_session_is_gathered():
    events = table(
        {"at": 0, "key": "a", "service": "web", "level": 9, "label": False},
        {"at": 1, "key": "b", "service": "web"},
        {"at": 2.5, "key": "a", "service": "db", "level": 17, "label": True},
        {"at": 3, "key": "a", "service": "db", "level": 13, "label": False},
    )
    assert by_key(events).to_pylist() == [
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
        },
    ]


def test_of_two_equally_frequent_services_the_first_one_counts_and_no_service_never_does():
    rows = [{"service": "db"}, {"service": "web"}, {"service": "web"}, {"service": "db"}, {}, {}, {}]
    assert column(by_key(table(*rows, key="a")), "service") == ["db"]
    assert column(by_key(table({}, {}, key="a")), "service") == [None]


def test_labels_of_normal_records_only_make_a_normal_session():
    assert column(by_key(table({"label": False}, {"label": None}, key="a")), "label") == [False]


def test_events_stand_in_order_of_time_then_of_record():
    events = table({"at": 5, "record_id": 7}, {"at": 1, "record_id": 9}, {"at": 5, "record_id": 3}, key="a")
    found = by_key(events)
    assert column(found, "record_ids") == [[9, 3, 7]]
    assert column(found, "gaps") == [[0.0, 4.0, 0.0]]


def test_a_record_without_a_time_keeps_its_place():
    events = table({}, {"at": 1}, {}, {"at": 4}, {"at": 2}, {}, key="a")
    found = by_key(events)
    assert column(found, "record_ids") == [[0, 1, 2, 4, 5, 3]]
    assert column(found, "gaps") == [[0.0, 0.0, 0.0, 1.0, 0.0, 2.0]]
    assert column(found, "start") == [START + timedelta(seconds=1)]
    nowhere = by_key(table({}, {}, key="a"))
    assert column(nowhere, "record_ids") == [[0, 1]]
    assert column(nowhere, "gaps") == [[0.0, 0.0]]
    assert column(nowhere, "start") == column(nowhere, "end") == [None]


def test_windows_of_count_by_service():
    events = table(*({"at": i, "service": "ab"[i % 2]} for i in range(9)))
    found = by_count(events, 2)
    assert column(found, "session_id") == ["a[0]", "b[0]", "a[1]", "b[1]", "a[2]"]
    assert column(found, "record_ids") == [[0, 2], [1, 3], [4, 6], [5, 7], [8]]
    assert session_ids(events, SessionSettings(by="count", size=2)).to_pylist()[:5] == ["a[0]", "b[0]"] * 2 + ["a[1]"]


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
    found = by_count(events, size, step)
    assert column(found, "record_ids") == windows
    names = column(found, "session_id")
    of_records = session_ids(events, SessionSettings(by="count", size=size, step=step)).to_pylist()
    for record, name in enumerate(of_records):
        assert record in windows[names.index(name)]


def test_windows_of_time_stand_on_whole_steps_and_empty_ones_are_left_out():
    events = table({"at": 1}, {"at": 9.9}, {"at": 10}, {"at": 3600.5}, service="web")
    found = by_time(events, 10)
    assert column(found, "record_ids") == [[0, 1], [2], [3]]
    times = ["10:00:00.000", "10:00:10.000", "11:00:00.000"]
    assert column(found, "session_id") == [f"web[2026-01-31T{time}]" for time in times]
    assert column(by_time(events.slice(0, 3), 10, 5), "record_ids") == [[0, 1], [1, 2]]


def test_windows_of_time_without_any_time_are_an_error():
    with pytest.raises(DataError, match="by=count"):
        by_time(table({}, {}), 10)


def test_records_without_a_key_form_windows_and_are_counted():
    events = table({"key": "a"}, {}, {"key": "a"}, {}, {"service": "web"})
    found = sessions(events, SessionSettings(size=2))
    assert column(found.table, "session_id") == ["a", "log[0]", "web[0]"]
    assert (found.keyed, found.windowed, found.dropped) == (2, 3, 0)
    found = sessions(events, SessionSettings(unkeyed="drop"))
    assert column(found.table, "record_ids") == [[0, 2]]
    assert (found.keyed, found.windowed, found.dropped) == (2, 0, 3)
    assert session_ids(events, SessionSettings(unkeyed="drop")).to_pylist() == ["a", None, "a", None, None]


def test_without_any_key_auto_makes_windows():
    assert column(sessions(table({}, {}, {}), SessionSettings(size=2)).table, "record_ids") == [[0, 1], [2]]


def test_long_sessions_are_cut_and_short_ones_dropped_if_wanted():
    events = table(*({"at": i, "key": "a"} for i in range(7)), {"at": 9, "key": "b"})
    found = sessions(events, SessionSettings(max_length=3, min_length=2))
    assert column(found.table, "session_id") == ["a", "a#2"]
    assert column(found.table, "gaps") == [[0, 1, 1], [0, 1, 1]]
    assert (found.cut, found.dropped) == (1, 2)
    ids = session_ids(events, SessionSettings(max_length=3)).to_pylist()
    assert ids == ["a"] * 3 + ["a#2"] * 3 + ["a#3", "b"]


def test_names_are_unique_whatever_keys_are_called():
    keys = ["a", "a", "a", "a#2", "log[0]", "a#2~2", "", None]
    found = sessions(table(*({"key": key} for key in keys)), SessionSettings(max_length=2))
    names = column(found.table, "session_id")
    assert len(set(names)) == len(names) == 7
    assert sorted(r for records in column(found.table, "record_ids") for r in records) == list(range(8))


def test_no_events_are_no_sessions():
    found = sessions(EVENTS.empty_table())
    assert found.table.schema == SESSIONS
    assert (found.table.num_rows, found.keyed, found.windowed, found.dropped, found.cut) == (0, 0, 0, 0, 0)
    assert session_ids(EVENTS.empty_table()).to_pylist() == []


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
    by=st.sampled_from(["auto", "key", "count"]),
    size=st.integers(1, 5),
    unkeyed=st.sampled_from(["windows", "drop"]),
    max_length=st.integers(2, 6),
)


@settings(max_examples=150, deadline=None)
@given(ROWS, OPTIONS)
def test_every_record_is_in_the_session_that_was_foretold(rows, options):
    events = table(*rows)
    ids = session_ids(events, options)
    found = sessions(events, options)
    inside = {r: name for row in found.table.to_pylist() for r in row["record_ids"] for name in [row["session_id"]]}
    assert [inside.get(i) for i in range(len(rows))] == ids.to_pylist()
    assert found.dropped == ids.null_count
    again = sessions(events, options, ids)
    assert again.table == found.table
    for row in found.table.to_pylist():
        assert len(row["record_ids"]) <= options.max_length
        assert min(row["gaps"]) >= 0 and row["gaps"][0] == 0
        assert row["template_ids"] == [3 + record for record in row["record_ids"]]


def test_real_sessions_are_those_of_the_labels(data_dir):
    with lzma.open(data_dir / "hdfs" / "HDFS_2pct.log.xz", "rt") as file:
        blocks = pl.Series(file.read().splitlines()).str.extract(r"(blk_-?\d+)")
    count = len(blocks)
    columns = {"record_id": np.arange(count), "template_id": np.full(count, 3), "session_key": blocks.to_arrow()}
    found = by_key(conform(pa.table(columns), EVENTS))
    assert column(found, "session_id") == blocks.unique(maintain_order=True).to_list()
    labelled = pl.read_csv(data_dir / "hdfs" / "HDFS_2pct_labels.csv.gz")["BlockId"]
    assert set(column(found, "session_id")) == set(labelled)
    lengths = blocks.value_counts(name="n")["n"]
    assert sorted(map(len, column(found, "record_ids"))) == lengths.sort().to_list()
