"""Figures of day files beside plain Python; merging files equals reading them as one."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from day_samples import document, scan, session
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.sources.radar.fingerprints import Fingerprints, of_integers, of_sessions
from logradar.sources.radar.generate import DayShape, write_days
from logradar.sources.radar.lengths import Lengths, bin_range, bins_of
from logradar.sources.radar.statistics import Statistics, statistics_of


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    return write_days(tmp_path_factory.mktemp("days"), 3, 600_000, 5, DayShape(distinct=250_000, length=40))


def test_one_day_beside_plain_python(days):
    made = json.loads(days[0].read_bytes())
    figures = statistics_of(days[0]).report()
    sequences = [one["event_sequence"] for one in made]
    lengths = [len(one) for one in sequences]
    assert figures["files"] == 1
    assert figures["bytes"] == days[0].stat().st_size
    assert figures["sessions"] == len(made)
    assert figures["events"] == figures["lines"] == sum(lengths)
    assert figures["sequence_length"]["mean"] == round(np.mean(lengths), 2)
    assert (figures["sequence_length"]["min"], figures["sequence_length"]["max"]) == (min(lengths), max(lengths))
    assert abs(figures["sequence_length"]["median"] - np.median(lengths)) <= 1
    assert sum(count for *_, count in figures["sequence_length"]["histogram"]) == len(made)
    assert figures["services"] == dict(Counter(one["service_name"] for one in made))
    assert figures["with_error"] == round(np.mean([one["has_error"] for one in made]), 6)
    assert figures["with_warn"] == round(np.mean([one["has_warn"] for one in made]), 6)
    assert figures["padded_length"] == {"40": len(made)}
    assert figures["distinct_sequences"] == len({tuple(one) for one in sequences})
    contents = {json.dumps({**one, "session_id": 0}) for one in made}
    assert figures["duplicate_sessions"] == len(made) - len(contents) > 0
    assert figures["repeated_session_ids"] == 0
    assert figures["counted_exactly"] is True
    assert figures["faults"] == [] and figures["lost"] == 0
    ids = [{*one} for one in sequences]
    assert figures["vocabulary"]["size"] == len(set.union(*ids))
    for step, size in figures["vocabulary"]["growth"]:
        assert size == len(set.union(*ids[:step]))
    json.dumps(figures, allow_nan=False)


def test_merged_files_are_as_one(days):
    together = Statistics()
    parts = [statistics_of(day) for day in days]
    for part in parts:
        together.merge(part)
    right = statistics_of(days[1])
    right.merge(parts[2])
    other = statistics_of(days[0])
    other.merge(right)
    figures = together.report()
    assert other.report() == figures
    made = [json.loads(day.read_bytes()) for day in days]
    sequences = [one["event_sequence"] for day in made for one in day]
    assert figures["distinct_sequences"] == len({tuple(one) for one in sequences})
    ids = [{event for one in day for event in one["event_sequence"]} for day in made]
    new = [len(ids[0]), len(ids[1] - ids[0]), len(ids[2] - ids[1] - ids[0])]
    assert [day["new_events"] for day in figures["days"]] == new
    assert [day["sessions"] for day in figures["days"]] == [len(day) for day in made]
    assert [day["file"] for day in figures["days"]] == [day.name for day in days]
    assert figures["vocabulary"]["growth"][-1] == [len(sequences), sum(new)]


def test_faults_have_counts_places_and_texts(tmp_path):
    made = [session(1), {"session_id": 2}, session(3, extra=1), session(3), session(4, service_name=...)]
    path = tmp_path / "day.json"
    path.write_bytes(document(made))
    figures = statistics_of(path).report()
    assert figures["sessions"] == 4 and figures["lost"] == 1
    assert figures["repeated_session_ids"] == 1
    assert figures["services"] == {"service-1": 1, "service-3": 2, "unknown": 1}
    by_reason = {fault["reason"]: fault for fault in figures["faults"]}
    assert set(by_reason) == {
        "session without a required key: event_sequence",
        "session with an unknown key, ignored",
        "session without service_name",
    }
    lost = by_reason["session without a required key: event_sequence"]
    assert (lost["count"], lost["kept"]) == (1, False)
    at = path.read_bytes().index(b'{"session_id": 2}')
    example = {"source": "day.json", "offset": at, "place": at + 17, "text": '{"session_id": 2}'}
    assert lost["examples"] == [example]


@given(st.lists(st.integers(0, 5_000_000), min_size=1))
def test_every_length_falls_into_its_bin(lengths):
    numbers = bins_of(np.array(lengths))
    for length, number in zip(lengths, numbers.tolist(), strict=True):
        low, high = bin_range(number)
        assert low <= length <= high
        assert high - low <= length / 16


def test_bins_follow_each_other():
    assert [bin_range(number)[0] for number in range(1, 480)] == [bin_range(number)[1] + 1 for number in range(479)]


def test_lengths_of_nothing():
    lengths = Lengths()
    lengths.add(np.zeros(0, np.int64))
    assert lengths.report() == {"mean": 0.0, "min": 0, "median": 0, "p90": 0, "p99": 0, "max": 0, "histogram": []}
    json.dumps(Statistics().report())


def test_fingerprints_are_exact_until_they_are_many():
    prints = Fingerprints(capacity=1_000)
    prints.add(of_integers(np.arange(900)))
    prints.add(of_integers(np.arange(500)))
    assert (prints.total, prints.distinct, prints.repeated, prints.exact) == (1_400, 900, 500, True)
    for start in range(0, 200_000, 7_000):
        prints.add(of_integers(np.arange(start, start + 14_000)))
    assert not prints.exact
    assert abs(prints.distinct / 210_000 - 1) < 0.15
    assert len(prints._known) <= 1_000


@settings(deadline=None)
@given(st.lists(st.integers(0, 3_000), max_size=400), st.lists(st.integers(0, 3_000), max_size=400))
def test_fingerprints_merge_as_if_they_were_one(left, right):
    one, two, both = Fingerprints(100), Fingerprints(100), Fingerprints(100)
    one.add(of_integers(np.array(left, np.int64)))
    two.add(of_integers(np.array(right, np.int64)))
    both.add(of_integers(np.array(left + right, np.int64)))
    one.merge(two)
    assert (one.total, one.distinct, one.exact) == (both.total, both.distinct, both.exact)


def test_what_makes_two_sessions_the_same():
    base = session(1)
    others = [
        session(
            2,
            [4, 7, 11],
            original_logs=base["original_logs"],
            has_error=False,
            has_warn=False,
            service_name="service-1",
        ),
        {**base, "has_error": True},
        {**base, "has_error": None},
        {**base, "service_name": "other"},
        {**base, "original_logs": [base["original_logs"][0] + base["original_logs"][1], "", base["original_logs"][2]]},
        {**base, "original_logs": []},
        {**base, "event_sequence": [4, 7]},
    ]
    table, _ = scan(document([base, *others]))
    sequences, contents = of_sessions(table)
    assert contents[0] == contents[1]
    assert len(set(contents.tolist())) == len(others)
    assert len(set(sequences.tolist())) == 2
    part_sequences, part_contents = of_sessions(table.slice(3))
    assert (part_sequences == sequences[3:]).all() and (part_contents == contents[3:]).all()
