"""Counts: honest about few records and about kinds that vary anyway; and the verdict on what is new."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logradar.pipeline.differences.counts import compared
from logradar.pipeline.differences.verdict import beyond_chance, group

STEADY = np.full((40, 1), 100)


def with_one(good: int, bad: int):
    found = compared(np.vstack([STEADY, [[good]]]), np.append(STEADY[:, 0], bad))
    return found.q[-1], found.ratio[-1]


def test_equal_counts_are_no_change():
    found = compared(STEADY, STEADY[:, 0])
    assert found.q.min() == 1
    assert found.scale == 1


def test_a_large_change_is_one_and_a_small_sample_is_none():
    assert with_one(10, 200)[0] < 0.001
    assert with_one(200, 10)[0] < 0.001
    assert with_one(0, 1)[0] > 0.3
    assert with_one(1, 4)[0] > 0.3


def test_a_longer_run_has_more_of_everything():
    found = compared(STEADY, 3 * STEADY[:, 0])
    assert found.scale == 3
    assert found.q.min() == 1


def test_what_varies_between_good_runs_may_vary():
    random = np.random.default_rng(0)
    steady = random.poisson(100, (60, 3))
    wild = np.round(100 * np.exp(random.normal(0, 0.8, (60, 3)))).astype(int)
    more = np.full(60, 100)
    more[0] = 300
    assert compared(steady, more).q[0] < 0.01
    assert compared(wild, more).q[0] > 0.05
    assert compared(wild, more).dispersion > 10 * compared(steady, more).dispersion


@pytest.mark.parametrize("kinds", [0, 1, 3])
def test_few_kinds_are_compared_too(kinds):
    found = compared(np.ones((kinds, 2)), np.ones(kinds))
    assert len(found.q) == kinds
    assert np.isfinite([found.scale, found.dispersion]).all()


@given(st.integers(1, 50), st.integers(0, 100), st.integers(0, 50), st.integers(0, 400))
def test_more_new_kinds_are_less_probable(new, known, alone, others):
    few, many = (group("x", count, known, alone, alone + known + others) for count in (new, new + 1))
    assert 0 <= many.p <= few.p <= 1


def test_new_kinds_beside_as_many_gone_ones_are_chance():
    assert not beyond_chance([group("errors", 0, 5, 0, 100)])
    assert not beyond_chance([group("errors", 5, 20, 20, 100)])
    assert beyond_chance([group("errors", 5, 5, 1, 100)])
