"""Drift is told when there is some, and only then."""

from __future__ import annotations

import numpy as np
import pytest

from logradar.alerting.drift import Watched, check_drift
from logradar.alerting.threshold import ThresholdSettings, fit_threshold

NORMAL = np.random.default_rng(0).exponential(1.0, 5000)
LIMIT = fit_threshold(NORMAL, ThresholdSettings(quantile=0.995))


def test_no_warning_on_more_of_the_same():
    rng = np.random.default_rng(1)
    warned = [check_drift(NORMAL, LIMIT, rng.exponential(1.0, n)).warnings for n in [60, 300, 3000, 30_000] * 25]
    assert not any(warned)


def test_no_warning_on_more_of_the_same_that_is_nearly_always_zero():
    rng = np.random.default_rng(1)
    zero = np.where(rng.random(5000) < 0.001, rng.random(5000), 0.0)
    limit = fit_threshold(zero, ThresholdSettings(quantile=0.995))
    for _ in range(50):
        new = np.where(rng.random(15_000) < 0.001, rng.random(15_000), 0.0)
        assert check_drift(zero, limit, new).warnings == []


def test_many_more_alerts_are_told_with_the_numbers():
    new = np.append(NORMAL[:1000], np.full(40, 50.0))
    drift = check_drift(NORMAL, LIMIT, new)
    assert "many faults, or normal behaviour has changed" in drift.warnings[0]
    assert "of 1,040 sessions" in drift.warnings[0]
    assert drift.to_json()["trusted"] is False


def test_a_bulk_that_moves_below_the_threshold_is_told():
    drift = check_drift(NORMAL, LIMIT, np.clip(NORMAL[:1000] * 0.4 + 1.5, 0, LIMIT.value))
    assert any("other scores than there" in sentence for sentence in drift.warnings)
    assert drift.index > 0.2
    assert drift.distance > 0.2


def test_unseen_messages_and_rates():
    then, now = Watched(unseen=2, days=5), Watched(unseen=60, days=2)
    drift = check_drift(NORMAL, LIMIT, NORMAL[:1500], then, now)
    assert any("messages that are not in the training data" in sentence for sentence in drift.warnings)
    assert drift.rates == (750, 1000)
    busy = check_drift(NORMAL, LIMIT, NORMAL, then, Watched(unseen=0, days=1.5))
    assert len(busy.warnings) == 1
    assert "3.3 times as many" in busy.warnings[0]


def test_too_little_to_tell():
    assert check_drift(NORMAL, LIMIT, NORMAL[:49]) is None
    assert check_drift(NORMAL[:49], LIMIT, NORMAL) is None


@pytest.mark.parametrize("value", [0.0, np.inf])
def test_scores_that_are_all_alike(value):
    drift = check_drift(np.zeros(100), fit_threshold(np.zeros(100), ThresholdSettings()), np.full(100, value))
    assert bool(drift.warnings) == (value > 0)
