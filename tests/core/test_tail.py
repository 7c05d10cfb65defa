"""A fitted tail says what cannot be counted, and nothing where there is no tail."""

from __future__ import annotations

import numpy as np
import pytest

from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.tail import fit_tail


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng, n: rng.exponential(2.0, n), lambda share: -2.0 * np.log(share)),
        (lambda rng, n: rng.uniform(0, 1, n), lambda share: 1.0 - share),
        (lambda rng, n: rng.pareto(5.0, n), lambda share: share ** (-1 / 5.0) - 1.0),
    ],
    ids=["exponential", "bounded", "heavy"],
)
def test_a_share_beyond_the_data_is_met(draw, truth):
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(40):
        tail = fit_tail(draw(rng, 5000))
        errors.append(tail.beyond(1e-4) / truth(1e-4) - 1)
    assert abs(np.median(errors)) < 0.08


def test_no_tail_where_scores_are_few_tied_or_infinite():
    assert fit_tail(np.arange(60.0)) is None
    assert fit_tail(np.repeat([0.0, 1.0, 2.0], 1000)) is None
    assert fit_tail(np.zeros(1000)) is None
    assert fit_tail(np.append(np.random.default_rng(0).exponential(1, 1000), np.inf)) is None


def test_a_share_below_one_session_is_read_from_the_tail_but_not_far_beyond_it():
    scores = np.random.default_rng(1).exponential(1.0, 2000)
    rare = fit_threshold(scores, ThresholdSettings(quantile=1 - 0.1 / 2000))
    assert rare.method == "tail"
    assert rare.value == pytest.approx(-np.log(0.1 / 2000), rel=0.25)
    farther = fit_threshold(scores, ThresholdSettings(quantile=1 - 1e-9))
    assert farther.value == pytest.approx(rare.value)


@pytest.mark.parametrize("lasted", [1.0, 1 / 24, 1 / 8640])
def test_a_budget_below_one_session_leaves_alerts_for_what_is_louder_than_all(lasted):
    scores = np.random.default_rng(1).exponential(1.0, 2000)
    few = fit_threshold(scores, ThresholdSettings(alerts_per_day=0.1), sessions_per_day=2000 / lasted)
    assert (few.method, few.value) == ("largest", scores.max())
    assert fit_threshold(scores, ThresholdSettings(quantile=0.995)).method == "counted"


def test_few_wanted_alerts_are_met_better_than_by_counting():
    every = np.random.default_rng(2).exponential(1.0, 200_000)
    rng, fitted, counted = np.random.default_rng(3), [], []
    for _ in range(100):
        some = rng.choice(every, 1000)
        fit = fit_threshold(some, ThresholdSettings(alerts_per_day=2), sessions_per_day=1000).value
        fitted.append(np.log((every > fit).mean() / 0.002))
        counted.append(np.log((every > np.quantile(some, 0.998, method="inverted_cdf")).mean() / 0.002))
    assert np.mean(np.square(fitted)) < 0.9 * np.mean(np.square(counted))
