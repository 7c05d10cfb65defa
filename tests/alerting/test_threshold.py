"""Thresholds come from normal validation scores, by share or by alarms per day."""

from __future__ import annotations

import numpy as np
import pytest

from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.errors import DataError

HUNDRED = np.arange(1.0, 101.0)


def test_the_quantile_is_kept_exactly():
    threshold = fit_threshold(HUNDRED, ThresholdSettings(quantile=0.98), sessions_per_day=200)
    assert (threshold.value < HUNDRED).sum() <= 2
    assert threshold.false_alarms_per_day == pytest.approx((threshold.value < HUNDRED).mean() * 200)


def test_many_equal_scores_do_not_break_the_budget():
    scores = np.array([0.0] * 990 + [1.0] * 10)
    assert fit_threshold(scores, ThresholdSettings(quantile=0.99)).value == 0.0
    assert fit_threshold(scores, ThresholdSettings(quantile=0.995)).value == 1.0


def test_alerts_per_day_becomes_a_share_of_the_daily_sessions():
    threshold = fit_threshold(HUNDRED, ThresholdSettings(alerts_per_day=5), sessions_per_day=100)
    assert (threshold.value < HUNDRED).sum() == pytest.approx(5, abs=1)
    with pytest.raises(DataError, match="carry no times"):
        fit_threshold(HUNDRED, ThresholdSettings(alerts_per_day=5))


def test_more_alerts_than_sessions_alerts_nearly_everything():
    threshold = fit_threshold(HUNDRED, ThresholdSettings(alerts_per_day=1000), sessions_per_day=100)
    assert (threshold.value < HUNDRED).mean() == 0.99


def test_no_validation_sessions_means_only_the_known_is_normal():
    assert fit_threshold(np.empty(0), ThresholdSettings()).value == 0.0


def test_a_precision_comes_from_labels_of_the_validation_part():
    scores, anomalies = np.array([0.0] * 90 + [1.0] * 9 + [5.0]), np.array([1.0] * 4 + [3.0] * 6 + [9.0] * 4)
    most = fit_threshold(scores, ThresholdSettings(precision=0.9), anomalies=anomalies)
    assert (most.value, most.method) == (1.0, "labels")  # 10 of 11 alerts are right
    assert most.precision == pytest.approx(10 / 11)
    assert fit_threshold(scores, ThresholdSettings(precision=0.5), anomalies=anomalies).value == 0.0
    assert fit_threshold(scores, ThresholdSettings(precision=0.99), anomalies=anomalies).value == 5.0
    with pytest.raises(DataError, match="labelled anomalous"):
        fit_threshold(scores, ThresholdSettings(precision=0.9))


def test_a_precision_that_cannot_be_had_gives_the_best_there_is():
    found = fit_threshold(np.array([9.0] * 5), ThresholdSettings(precision=0.9), anomalies=np.array([1.0]))
    assert found.precision < 0.9
