"""Rows with weights: the same loss as on all rows, in batches that a seed decides."""

from __future__ import annotations

import numpy as np
import pytest

from logradar.training.rows import Rows


@pytest.fixture
def rows() -> Rows:
    return Rows({"x": np.arange(10) * 10, "y": np.arange(20).reshape(10, 2)}, [1, 1, 1, 1, 1, 1, 1, 1, 2, 3590])


def test_a_batch_gathers_every_array(rows):
    batch = rows.batch(np.array([9, 0]))
    assert batch["x"].tolist() == [90, 0]
    assert batch["y"].tolist() == [[18, 19], [0, 1]]
    assert batch["weights"].tolist() == [3590, 1]
    assert rows.weight == 3600


def test_batches_hold_every_row_once_and_follow_the_seed(rows):
    batches = rows.batches(4, (0, 1))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(np.concatenate(batches).tolist()) == list(range(10))
    assert np.concatenate(batches).tolist() == np.concatenate(rows.batches(4, (0, 1))).tolist()
    assert np.concatenate(batches).tolist() != np.concatenate(rows.batches(4, (0, 2))).tolist()
    assert np.concatenate(rows.batches(4)).tolist() == list(range(10))


def test_even_rows_keep_the_weight_of_each_value(rows):
    even = rows.even()
    assert even.weights.max() <= 360
    assert len(even) <= 20
    for value in range(10):
        np.testing.assert_allclose(even.weights[even.arrays["x"] == value * 10].sum(), rows.weights[value], rtol=1e-6)


def test_even_of_nothing_is_nothing():
    nothing = Rows({"x": np.empty(0)}, [])
    assert len(nothing.even()) == 0
    assert nothing.batches(8) == []


def test_different_rows_have_different_fingerprints(rows):
    same = Rows(rows.arrays, rows.weights)
    other = Rows({**rows.arrays, "x": rows.arrays["x"] + (np.arange(10) == 5)}, rows.weights)
    heavier = Rows(rows.arrays, rows.weights * 2)
    assert rows.fingerprint() == same.fingerprint()
    assert len({rows.fingerprint(), other.fingerprint(), heavier.fingerprint()}) == 3
