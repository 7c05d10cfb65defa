"""Which kinds a person is asked about, and what an answer changes."""

from __future__ import annotations

import numpy as np

from logradar.core.sequences import Sequences
from logradar.detectors.fusion.review_order import Kinds
from logradar.detectors.fusion.suspects import rarities


def kinds() -> Kinds:
    common = [[3, 4, 5, 6]] * 900 + [[3, 4, 5, 5, 6]] * 60
    rows = common + [[3, 4, 8, 8]] * 25 + [[3, 4, 8, 8, 8]] * 4 + [[9, 9, 9]] * 11
    vectors = Sequences.from_lists(rows).distinct()
    return Kinds(vectors, rarities(vectors))


def test_suspect_kinds_are_asked_about_first_and_none_twice():
    found = kinds()
    order = found.order({})
    assert sorted(order.tolist()) == list(range(5))
    assert set(order[:3].tolist()) == {2, 3, 4}
    assert set(found.order({2: True, 4: False}).tolist()) == {0, 1, 3}


def test_an_answer_goes_for_what_is_near_and_for_nothing_else():
    found = kinds()
    normal, anomaly = found.answered({2: True})
    assert np.flatnonzero(normal).tolist() == [2, 3] and not anomaly.any()


def test_an_own_answer_goes_before_that_of_a_neighbour():
    normal, anomaly = kinds().answered({2: True, 3: False})
    assert np.flatnonzero(normal).tolist() == [2] and np.flatnonzero(anomaly).tolist() == [3]


def test_what_is_settled_by_a_near_answer_is_asked_about_last_of_the_suspects():
    found = kinds()
    assert found.order({2: False}).tolist().index(4) < found.order({2: False}).tolist().index(3)


def test_nobody_is_asked_about_what_is_common_before_the_rest():
    vectors = Sequences.from_lists([[3, 4]] * 400 + [[3, 4, 5]] * 300 + [[3, 9]] * 3 + [[3, 4, 4]] * 2).distinct()
    found = Kinds(vectors, np.array([-0.001, -0.001, 3.0, -2.0]))
    assert set(found.order({})[:2].tolist()) == {2, 3}
