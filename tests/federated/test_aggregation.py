"""Updates become one: hand-computed means, and one hostile client that must not decide."""

import numpy as np
import pytest

from logradar.federated.aggregation import together
from logradar.federated.settings import TrustSettings

HONEST = np.array([[1.0, 2.0], [1.2, 2.2], [0.8, 1.8], [1.0, 2.0]])
WITH_HOSTILE = np.vstack([HONEST, [[-500.0, 900.0]]])
ONES = np.ones(5)


def test_the_mean_is_by_weight():
    found = together(np.array([[0.0], [4.0]]), np.array([3.0, 1.0]), TrustSettings())
    assert found.tolist() == [1.0]


@pytest.mark.parametrize("mode", ["trimmed", "krum"])
def test_one_hostile_client_of_five_does_not_decide(mode):
    found = together(WITH_HOSTILE, ONES, TrustSettings(mode=mode))
    assert np.abs(found - [1.0, 2.0]).max() < 0.25
    assert np.abs(together(WITH_HOSTILE, ONES, TrustSettings()) - [1.0, 2.0]).max() > 50


def test_trimmed_leaves_out_the_highest_and_lowest_of_each_number():
    updates = np.array([[1.0, 9.0], [2.0, 1.0], [3.0, 2.0], [100.0, 3.0], [4.0, -50.0]])
    assert together(updates, ONES, TrustSettings(mode="trimmed")).tolist() == [3.0, 2.0]


def test_no_update_is_longer_than_allowed():
    found = together(WITH_HOSTILE, ONES, TrustSettings(clip=1.0))
    assert np.linalg.norm(found - [1.0, 2.0]) < 1.5


def test_a_hostile_weight_does_not_count_with_trimmed_and_krum():
    weights = np.array([1.0, 1.0, 1.0, 1.0, 1e6])
    for mode in ("trimmed", "krum"):
        assert np.abs(together(WITH_HOSTILE, weights, TrustSettings(mode=mode)) - [1.0, 2.0]).max() < 0.25
