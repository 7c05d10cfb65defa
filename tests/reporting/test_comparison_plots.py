"""Pictures of a comparison are drawn from what there is, and not at all where there is nothing."""

from __future__ import annotations

import re

import numpy as np
import pytest

from logradar.reporting import comparison_plots as plots

NAMES = ["one/a", "one/b", "<script>--></svg>$x_{"]
FIGURES = {
    name: {"f1": f1, "intervals": {"f1": [f1 - 0.1, f1 + 0.1]}, "alert_rate": f1 / 10, "alerts": int(f1 * 100)}
    for name, f1 in zip(NAMES, (0.7, 0.9, 0.0), strict=True)
}
PAIRS = [
    {"first": "one/b", "second": "one/a", "f1": {"difference": 0.2, "low": -0.1, "high": 0.4, "ahead": 0.9}},
    {"first": NAMES[2], "second": "one/b", "f1": {"difference": -0.9, "low": -1.0, "high": -0.8, "ahead": 0.0}},
    {"first": "one/a", "second": NAMES[2], "f1": None},
]
PATTERNS = [
    {"detectors": ["one/a", "one/b"], "sessions": 7, "anomalies": 5},
    {"detectors": ["one/b"], "sessions": 2, "anomalies": 0},
    {"detectors": [], "sessions": 3, "anomalies": 3},
]
STARTS = np.datetime64("2026-03-01", "us") + np.arange(50) * np.timedelta64(600, "s")
ALARMED = {name: np.arange(50) % (place + 2) == 0 for place, name in enumerate(NAMES)}
DRAWN = {
    "ranking": lambda kind: plots.ranking(FIGURES, PAIRS, kind=kind),
    "agreement": lambda kind: plots.agreement_matrix(NAMES, [[1, 0.5, None]] * 3, [[1, -0.2, None]] * 3, kind=kind),
    "combinations": lambda kind: plots.combinations(NAMES, PATTERNS, True, kind=kind),
    "unlabelled": lambda kind: plots.combinations(NAMES, PATTERNS[:2], False, kind=kind),
    "time": lambda kind: plots.alarms_over_time(STARTS, ALARMED, np.arange(50) < 9, kind=kind),
    "rates": lambda kind: plots.alert_rates(FIGURES, kind=kind),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_picture_is_an_svg_that_holds_no_text_of_others(name):
    svg = DRAWN[name]("svg").decode()
    assert svg.startswith("<svg")
    assert svg.count("</svg>") == 1
    assert "<script" not in svg
    assert not re.search(r"[nN]a[nN]\b.*\bd=", svg)
    assert DRAWN[name]("svg") == DRAWN[name]("svg")
    assert DRAWN[name]("png").startswith(b"\x89PNG")


def test_nothing_to_draw_is_none():
    assert plots.ranking({"a": FIGURES["one/a"]}, []) is None
    assert plots.ranking(FIGURES, [], "pr_auc") is None
    assert plots.agreement_matrix(["a"], [[1.0]], [[1.0]]) is None
    assert plots.combinations(NAMES, [], True) is None
    assert plots.alert_rates({}) is None
    assert plots.alarms_over_time(np.full(50, "NaT", "M8[us]"), ALARMED, None) is None
    assert plots.alarms_over_time(np.repeat(STARTS[:1], 50), ALARMED, None) is None


def test_pictures_without_an_alarm_and_with_many_combinations():
    no_alarm = {name: np.zeros(50, bool) for name in NAMES}
    assert plots.alarms_over_time(STARTS, no_alarm, None)
    assert plots.combinations(NAMES, PATTERNS[2:], True)
    many = [f"d{number}" for number in range(8)]
    patterns = [{"detectors": many[i:j], "sessions": 1, "anomalies": 0} for i in range(8) for j in range(i + 1, 9)]
    assert plots.combinations(many, patterns, True)
    assert plots.ranking(FIGURES, [])
