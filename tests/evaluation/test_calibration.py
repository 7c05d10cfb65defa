"""The calibration error is that of confidences that say too much or too little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from logradar.evaluation.calibration import calibration
from logradar.reporting.run_folder import Run


def test_what_is_right_on_average_has_no_error():
    rng = np.random.default_rng(0)
    sure = rng.random(200_000)
    found = calibration(rng.random(200_000) < sure, sure)
    assert found["error"] < 0.01
    assert sum(one["sessions"] for one in found["ranges"]) == 200_000


def test_what_is_too_sure_has_the_error_that_it_has():
    labels = np.arange(1000) % 2 == 0
    assert calibration(labels, np.full(1000, 0.9))["error"] == pytest.approx(0.4)
    assert calibration(labels, np.full(1000, 0.1)) == {
        "error": pytest.approx(0.4),
        "ranges": [{"from": 0.1, "sessions": 1000, "confidence": pytest.approx(0.1), "anomalous": 0.5}],
    }


def test_nothing_has_no_error():
    assert calibration(np.zeros(0, bool), np.zeros(0)) == {"error": None, "ranges": []}


def test_ends_belong_to_ranges():
    found = calibration(np.array([False, True]), np.array([0.0, 1.0]))
    assert [(one["from"], one["anomalous"]) for one in found["ranges"]] == [(0.0, 0.0), (0.9, 1.0)]
    assert found["error"] == 0


@pytest.mark.parametrize(
    "ranges",
    [None, 7, [7], [{"sessions": 0, "confidence": 0.5, "anomalous": 0.5}], [{"sessions": 3, "confidence": 2}],
     [{"sessions": "3", "confidence": 0.5, "anomalous": "x"}]],
)  # fmt: skip
def test_a_strange_file_of_a_run_draws_nothing(ranges):
    run = Run(Path("run"), {"calibration": {"ranges": ranges}}, {}, {})
    assert run.calibration == []
