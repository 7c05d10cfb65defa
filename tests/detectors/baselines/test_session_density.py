"""Kernel density of count vectors, against the definition written out."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.detectors.density import Density, DensitySettings
from logradar.detectors.fusion.cross_conformal import learnt

ROWS = st.lists(st.lists(st.integers(3, 7), min_size=1, max_size=8), min_size=1, max_size=12)


def by_definition(train: list[list[int]], row: list[int], bandwidth: float) -> float:
    held = Counter(event for one in train for event in set(one))
    weight = {event: 1 + np.log(len(train) / held[event]) for event in held}
    unknown = 1 + np.log(len(train))
    here = Counter(row)
    total = 0.0
    for one in train:
        there = Counter(one)
        apart = sum(w * abs(np.sqrt(here[event]) - np.sqrt(there[event])) for event, w in weight.items())
        apart += unknown * np.sqrt(sum(count for event, count in here.items() if event not in held))
        total += np.exp(-apart / bandwidth)
    return max(-np.log(total / len(train)), 0.0) + np.log(0.03)


@given(train=ROWS, row=st.lists(st.integers(3, 9), min_size=1, max_size=8), bandwidth=st.sampled_from([0.5, 2.0]))
def test_it_is_the_density_of_count_vectors(train, row, bandwidth):
    detector = learnt(Density(DensitySettings(bandwidth=bandwidth)), Sequences.from_lists(train).distinct())
    score = detector._score(SessionView(Sequences.from_lists([row]))).rows[0]
    assert np.isclose(score, by_definition(train, row, bandwidth), atol=1e-9)


def test_anomalies_among_training_sessions_stay_rare():
    train = [[3, 4, 5, 6, 7]] * 500 + [[3, 4, 8, 9]] * 5
    detector = learnt(Density(), Sequences.from_lists(train).distinct())
    usual, twin, alike = detector._score(
        SessionView(Sequences.from_lists([[3, 4, 5, 6, 7], [3, 4, 8, 9], [3, 4, 8, 8, 9]]))
    ).rows
    assert usual < 0 < twin < alike


def test_a_session_beyond_the_prototypes_counts_once():
    train = Sequences.from_lists([[3, 4]] * 50 + [[5] * count for count in range(1, 30)]).distinct()
    few = learnt(Density(DensitySettings(prototypes=1)), train)
    row = SessionView(Sequences.from_lists([[5], [6]]))
    known, unknown = few._score(row).rows
    assert known < unknown


def test_findings_say_how_few_are_like_it_and_what_differs():
    train = [[3, 4, 5, 6, 7]] * 500 + [[3, 4, 8, 9]] * 5
    detector = learnt(Density(), Sequences.from_lists(train).distinct())
    first, *others = next(iter(detector._explain(SessionView(Sequences.from_lists([[3, 4, 5, 6, 8, 8]])))))
    assert first.reason.startswith("like ") and first.reason.endswith(" of the training sessions")
    assert {finding.template_id for finding in others} == {7, 8}
