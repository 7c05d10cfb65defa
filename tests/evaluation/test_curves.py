from __future__ import annotations

import numpy as np
import pytest

from logradar.evaluation.curves import precision_recall, ranks, receiver_operating

TRUTH = np.array([True, False, True, False])
SCORES = np.array([4.0, 3.0, 2.0, 1.0])


def test_ranks_keep_order_and_ties_of_infinite_scores() -> None:
    assert ranks(np.array([np.inf, 1.0, -np.inf, 1.0, np.inf])).tolist() == [2, 1, 0, 1, 2]


def test_precision_over_recall_point_by_point() -> None:
    curve = precision_recall(TRUTH, SCORES)
    assert curve.x.tolist() == [0, 0.5, 0.5, 1, 1]
    assert curve.y.tolist() == pytest.approx([1, 1, 0.5, 2 / 3, 0.5])
    assert curve.area == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_the_curve_does_not_begin_with_a_precision_that_nobody_reached() -> None:
    curve = precision_recall(np.array([False, True]), np.array([2.0, 1.0]))
    assert curve.y.tolist() == [0, 0, 0.5]


def test_recall_over_false_positive_rate() -> None:
    curve = receiver_operating(TRUTH, SCORES)
    assert list(zip(curve.x.tolist(), curve.y.tolist(), strict=True)) == [
        (0, 0),
        (0, 0.5),
        (0.5, 0.5),
        (0.5, 1),
        (1, 1),
    ]
    assert curve.area == 0.75


@pytest.mark.parametrize("truth", [np.zeros(3, bool), np.array([], bool)])
def test_nothing_to_draw_without_an_anomaly(truth: np.ndarray) -> None:
    assert precision_recall(truth, np.arange(len(truth), dtype=float)) is None
    assert receiver_operating(truth, np.arange(len(truth), dtype=float)) is None


def test_thinning_keeps_the_shape_in_few_points() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(50_000) < 0.5
    curve = receiver_operating(truth, rng.normal(size=50_000) + truth)
    thin = curve.thinned(100)
    assert len(thin.x) < 500 < len(curve.x)
    assert np.abs(np.interp(curve.x, thin.x, thin.y) - curve.y).max() < 0.02
    assert (thin.x[0], thin.y[0], thin.x[-1], thin.y[-1]) == (0, 0, 1, 1)


def test_until_stops_at_the_first_point_there() -> None:
    assert precision_recall(TRUTH, SCORES).until(1.0).x.tolist() == [0, 0.5, 0.5, 1]
