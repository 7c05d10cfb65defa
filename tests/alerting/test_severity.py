"""Severity is bounded, rises with every sign, and is 0 where nobody is sure of the anomaly."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logradar.alerting.confidence import UNKNOWN_CONFIDENCE, Confidence
from logradar.alerting.severity import (
    BANDS,
    ImpactWeights,
    SeveritySettings,
    Signs,
    band,
    of_parts,
    parts_of,
    risen,
    severity,
)
from logradar.core.errors import ConfigError
from logradar.core.tables import SEVERITIES
from logradar.model.settings import run_settings

NAMES = ("pay", "cart", "mail", "search", "web", "db", "auth")
SHARES = st.floats(0, 1)
SERVICES = st.lists(st.sampled_from(NAMES), unique=True).map(tuple)
SIGNS = st.builds(
    Signs,
    confidence=SHARES,
    level=st.none() | st.integers(1, 24),
    services=SERVICES,
    all_services=SERVICES,
    errors=st.integers(0, 50),
    warnings=st.integers(0, 50),
    seconds=st.floats(0, 1e7),
)
WEIGHTS = st.builds(ImpactWeights, **dict.fromkeys(ImpactWeights.model_fields, st.floats(0, 1000)))
SETTINGS = st.builds(
    SeveritySettings,
    profile=st.sampled_from(["logradar", "radar"]),
    services=st.dictionaries(st.sampled_from(NAMES), SHARES),
    other_services=st.just(0.0),
    weights=WEIGHTS,
)


@given(SIGNS, SETTINGS)
def test_it_is_bounded_and_has_the_band_of_its_score(signs, settings):
    found = severity(signs, settings)
    assert 0 <= found.score <= 100
    assert found.band == band(found.score)
    assert found.band in SEVERITIES
    assert all(0 <= part <= 1 for part in found.parts.values())


@given(SIGNS, SETTINGS)
def test_without_confidence_it_is_zero(signs, settings):
    assert severity(replace(signs, confidence=0.0), settings).score == 0


@given(SIGNS, SIGNS, SETTINGS)
def test_it_rises_with_every_sign(one, other, settings):
    higher = {
        "confidence": max(one.confidence, other.confidence),
        "level": max(one.level or 0, other.level or 0) or None,
        "services": tuple(dict.fromkeys(one.services + other.services)),
        "all_services": tuple(dict.fromkeys(one.all_services + other.all_services)),
        "errors": max(one.errors, other.errors),
        "warnings": max(one.warnings, other.warnings),
        "seconds": max(one.seconds, other.seconds),
    }
    before = severity(one, settings).score
    for name, value in higher.items():
        assert severity(replace(one, **{name: value}), settings).score >= before, name


@given(SIGNS, SIGNS, SETTINGS)
def test_what_is_open_rises_and_never_falls(first, later, settings):
    initial, current = parts_of(first, settings), parts_of(later, settings)
    found = risen(initial, current, settings)
    assert found.score >= max(of_parts(initial, settings).score, of_parts(current, settings).score)
    assert risen(initial, initial, settings) == of_parts(initial, settings)


def test_a_warning_ranks_above_an_information_that_is_as_sure():
    settings = SeveritySettings()
    scores = [severity(Signs(0.9, level=level), settings).score for level in (None, 9, 13, 17, 21)]
    assert scores[0] == scores[1]
    assert scores[1:] == sorted(set(scores))


def test_the_formula_of_radar():
    settings = SeveritySettings(profile="radar", services={"pay": 1.0}, other_services=0.2)
    signs = Signs(0.5, errors=5, warnings=40, all_services=("pay", "cart", "web"))
    expected = 0.4 * 0.5 + 0.3 * 0.5 + 0.1 * 1 + 0.15 * 1.0 + 0.05 * 0.5
    assert severity(signs, settings).score == pytest.approx(100 * expected)
    assert [band(score) for score in (80, 79.9, 60, 40, 39.9, 0)] == [
        "critical",
        "high",
        "high",
        "medium",
        "low",
        "low",
    ]


def test_the_numbers_of_other_systems_rise_with_the_band():
    found = [severity(Signs(1.0, level=level, seconds=1e6, services=NAMES), SeveritySettings()) for level in (21, None)]
    assert (found[0].band, found[0].syslog, found[0].otel, found[0].pagerduty) == ("critical", 2, 21, "critical")
    assert found[1].syslog > found[0].syslog
    assert found[1].otel < found[0].otel
    assert tuple(BANDS) == SEVERITIES[::-1]


def test_settings_are_checked_as_all_others():
    assert run_settings(overrides=["severity.services.pay=1"]).severity.weight_of(["pay", "cart"]) == 1
    for wrong in ("severity.profile=loud", "severity.services.pay=2", "severity.weights.level=-1", "severity.prior=0"):
        with pytest.raises(ConfigError, match="severity"):
            run_settings(overrides=[wrong])


@given(
    st.lists(st.floats(-10, 10), max_size=300),
    st.lists(st.floats(allow_nan=False), min_size=2, max_size=20),
    st.floats(0.001, 0.999),
)
def test_confidence_rises_with_the_score_and_is_a_probability(normal, scores, prior):
    found = Confidence.fit(np.array(normal), prior).of(np.sort(scores))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= -1e-12).all()


def test_confidence_is_the_share_of_anomalies_among_sessions_that_score_so_high():
    rng = np.random.default_rng(7)
    known = Confidence.fit(rng.normal(size=5_000), 0.02)
    normal, anomalous = rng.normal(size=98_000), rng.normal(size=2_000) + 8
    for limit in (1.0, 2.0, 3.0):
        right, false = (anomalous >= limit).sum(), (normal >= limit).sum()
        assert known.of(np.array([limit]))[0] == pytest.approx(right / (right + false), abs=0.05)


def test_few_validation_sessions_leave_doubt():
    few, many = (Confidence.fit(np.linspace(0, 1, count), 0.01).of(np.array([9.0]))[0] for count in (50, 5_000))
    assert few < 0.9 < many
    nothing = Confidence.fit(np.empty(0), 0.01)
    assert nothing.of(np.array([1.0, math.nan])).tolist() == [UNKNOWN_CONFIDENCE] * 2
