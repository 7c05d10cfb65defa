"""Timestamp text of every layout, column-wise, and what the text leaves out."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logradar.sources.decoding.layouts import layout_of, layouts_of
from logradar.sources.decoding.timestamps import TIME, Clock

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def read(*texts: str | None, latest: datetime = NOW) -> list[str | None]:
    times = Clock(latest).read(pl.Series(list(texts), dtype=pl.String))
    assert times.dtype == TIME
    return [time.isoformat().removesuffix("+00:00") if time else None for time in times]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2015-10-18 18:01:47,978", "2015-10-18T18:01:47.978000"),
        ("2015-10-18T18:01:47.123456789Z", "2015-10-18T18:01:47.123456"),
        ("2015-10-18T18:01:47.1+01:00", "2015-10-18T17:01:47.100000"),
        ("2015-10-18T18:01:47-0830", "2015-10-19T02:31:47"),
        ("2015-10-18 18:01:47.123 UTC", "2015-10-18T18:01:47.123000"),
        ("2015-10-18 18:01:47,97", "2015-10-18T18:01:47.970000"),
        ("2015/10/18 18:01:47", "2015-10-18T18:01:47"),
        ("2005-06-03-15.42.50.675872", "2005-06-03T15:42:50.675872"),
        ("20171223-22:15:29:606", "2017-12-23T22:15:29.606000"),
        ("20171223-2:5:9:6", "2017-12-23T02:05:09.006000"),
        ("081109 203615", "2008-11-09T20:36:15"),
        ("17/06/09 20:10:40", "2017-06-09T20:10:40"),
        ("Sun Dec 04 04:47:44 2005", "2005-12-04T04:47:44"),
        ("04/Dec/2005:04:47:44 +0100", "2005-12-04T03:47:44"),
        ("02 Jan 2006 15:04:05,123", "2006-01-02T15:04:05.123000"),
        ("Mon, 02 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05"),
        ("Jan 02, 2006 3:04:05 PM", "2006-01-02T15:04:05"),
        ("31/12/2020 10:11:12", "2020-12-31T10:11:12"),
        ("1117838570", "2005-06-03T22:42:50"),
        ("1117838570.123456", "2005-06-03T22:42:50.123456"),
        ("1117838570123", "2005-06-03T22:42:50.123000"),
        ("1117838570123456", "2005-06-03T22:42:50.123456"),
        ("1117838570123456789", "2005-06-03T22:42:50.123456"),
        ("20200102T030405Z", "2020-01-02T03:04:05"),
        ("Jul  1 09:00:55", "2026-07-01T09:00:55"),
        ("Dec 10 06:55:46", "2025-12-10T06:55:46"),
        ("Feb 29 06:55:46", "2024-02-29T06:55:46"),
        ("03-17 16:13:38.811", "2026-03-17T16:13:38.811000"),
        ("16:48:16.545", "2026-11-21T16:48:16.545000"),
        ("2015-02-30 10:00:00", None),
        ("99999999999999999999", None),
        ("2015-10-18 28:01:47", None),
        ("hello", None),
        ("", None),
        (None, None),
    ],
)
def test_layouts(text, time):
    assert read(text) == [time]


def test_several_layouts_in_one_column():
    found = read("2020-01-01T00:00:00Z", "no", "1577836801", None, "2020-01-01 00:00:02,5", "2020-01-01T00:00:03Z")
    assert found == [
        "2020-01-01T00:00:00",
        None,
        "2020-01-01T00:00:01",
        None,
        "2020-01-01T00:00:02.500000",
        "2020-01-01T00:00:03",
    ]


def test_the_year_turns_and_may_turn_back_for_late_lines():
    texts = [
        "Dec 31 23:59:59",
        "Jan  1 00:00:00",
        "Dec 31 23:59:59",
        "Jan 1 00:00:01",
        "Feb 29 01:00:00",
        "Mar  1 00:00:00",
    ]
    found = read(*texts, latest=datetime(2024, 3, 1, tzinfo=UTC))
    assert [time[:10] for time in found] == [
        "2023-12-31",
        "2024-01-01",
        "2023-12-31",
        "2024-01-01",
        "2024-02-29",
        "2024-03-01",
    ]


def test_the_year_goes_on_in_the_next_block():
    clock = Clock(datetime(2024, 3, 1, tzinfo=UTC))
    first = clock.read(pl.Series(["Nov 30 00:00:00", "Dec 31 00:00:00"]))
    second = clock.read(pl.Series(["Jan 1 00:00:00"]))
    assert [time.year for time in [*first, *second]] == [2023, 2023, 2024]


def test_days_turn_where_the_date_is_missing():
    found = read("23:59:59.9", "00:00:00", "23:59:59.95", "10:00:00")
    assert [time[:10] for time in found] == ["2026-11-21", "2026-11-22", "2026-11-21", "2026-11-22"]


@given(st.lists(st.integers(0, 300 * 86_400), min_size=1, max_size=60))
def test_a_log_of_less_than_a_year_gets_its_times_back(seconds):
    """RFC 3164 text of times in order, the last one just before the file was written."""
    times = [datetime(2023, 9, 1) + timedelta(seconds=second) for second in sorted(seconds)]
    gaps = itertools.pairwise(times)
    if any((after - before).days > 150 for before, after in gaps):
        return  # a log that is silent for half a year does not tell its years
    texts = [time.strftime("%b %e %H:%M:%S") for time in times]
    assert read(*texts, latest=times[-1].replace(tzinfo=UTC)) == [time.isoformat() for time in times]


def test_no_layout_for_words():
    assert layout_of("status unpacked") is None


def test_layouts_of_several_texts_are_those_of_each_alone() -> None:
    texts = [
        "2015-10-18 18:01:47,978", "03/04/2026 10:11:12", "13/04/2026 10:11:12", "no time", "1447000000",
        "9999999999999", "Mar 3 10:11:12", "081109 203518", "2026-13-01 10:11:12", "10:11:12.5",
        " 2015-10-18 18:01:47,979 ",
    ]  # fmt: skip
    for order in ("day", "month", "year", None):
        alone = [layout_of(text, order) for text in texts]
        assert layouts_of(texts, order) == alone
    assert sum(layout is None for layout in alone) == 2
