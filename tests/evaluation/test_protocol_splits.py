"""Splits as papers make them: so many sessions train, and all anomalies are held back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logradar.core.errors import DataError
from logradar.core.tables import SESSIONS, conform
from logradar.evaluation.splits import SplitSettings, chronological

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def sessions(labels):
    columns = {
        "session_id": [f"s{row}" for row in range(len(labels))],
        "start": [DAY + timedelta(minutes=row) for row in range(len(labels))],
        "record_ids": [[row] for row in range(len(labels))],
        "template_ids": [[3]] * len(labels),
        "gaps": [[0.0]] * len(labels),
        "label": pa.array(labels, pa.bool_()),
    }
    return conform(pa.table(columns), SESSIONS)


def test_so_many_sessions_train_and_all_later_ones_are_held_back():
    parts = chronological(sessions([False] * 20), SplitSettings(first=10, valid=0.2))
    assert parts.train.tolist() == list(range(8))
    assert parts.valid.tolist() == [8, 9]
    assert parts.test.tolist() == list(range(10, 20))


def test_first_takes_the_place_of_a_share():
    parts = chronological(sessions([False] * 20), SplitSettings(first=4, test=0.9, valid=0))
    assert (len(parts.train), len(parts.test)) == (4, 16)


def test_first_of_fewer_sessions_holds_nothing_back():
    assert len(chronological(sessions([False] * 5), SplitSettings(first=50)).test) == 0


def test_anomalies_are_held_back_wherever_they_stand():
    labels = [True, False, None, True, False, False, True, False]
    parts = chronological(sessions(labels), SplitSettings(test=0.4, valid=0, hold_anomalies=True))
    assert parts.train.tolist() == [1, 2, 4]
    assert parts.test.tolist() == [0, 3, 5, 6, 7]  # in order of time


def test_anomalies_before_the_cut_are_in_no_test_without_that():
    parts = chronological(sessions([True, False, False, False]), SplitSettings(test=0.5, valid=0))
    assert parts.train.tolist() == [0, 1]
    assert parts.test.tolist() == [2, 3]


def test_first_counts_the_normal_sessions_where_anomalies_are_held_back():
    labels = [True, True, False, False, False, True]
    parts = chronological(sessions(labels), SplitSettings(first=2, valid=0, hold_anomalies=True))
    assert parts.train.tolist() == [2, 3]


def test_only_anomalies_are_too_few():
    with pytest.raises(DataError, match="too few"):
        chronological(sessions([True] * 4), SplitSettings(test=0.5, hold_anomalies=True))


@pytest.mark.parametrize("values", [{"first": 5}, {"hold_anomalies": True}])
def test_files_are_not_counted_in_sessions(values):
    with pytest.raises(ValueError, match="set by=sessions"):
        SplitSettings(by="files", **values)


@pytest.mark.parametrize(
    ("values", "holds"), [({}, False), ({"test": 0.1}, True), ({"first": 3}, True), ({"hold_anomalies": True}, True)]
)
def test_what_holds_sessions_back(values, holds):
    assert SplitSettings(**values).holds is holds


@given(st.lists(st.booleans(), min_size=6, max_size=60), st.integers(2, 50), st.booleans())
def test_each_session_is_in_one_part_and_no_anomaly_trains(labels, first, hold):
    labels = [False] * 3 + labels
    parts = chronological(sessions(labels), SplitSettings(first=first, hold_anomalies=hold))
    every = np.concatenate([parts.train, parts.valid, parts.test])
    assert sorted(every.tolist()) == list(range(len(labels)))
    if hold:
        assert not np.array(labels)[np.concatenate([parts.train, parts.valid])].any()
        plain = len(labels) - sum(labels)
        assert len(parts.train) + len(parts.valid) == min(first, plain)
