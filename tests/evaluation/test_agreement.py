"""Agreement of alarms: shares, chance, and who found what."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, jaccard_score

from logradar.evaluation.agreement import agreement, alone
from logradar.evaluation.seed_averages import over_seeds
from logradar.evaluation.services import by_service, faults

LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
ALARMED = {
    "a": np.array([1, 1, 0, 0, 1, 0, 0, 0], bool),
    "b": np.array([1, 0, 1, 0, 1, 0, 0, 0], bool),
    "silent": np.zeros(8, bool),
}


def test_matrices_are_those_of_scikit_learn():
    result = agreement(ALARMED, LABELS)
    assert result["names"] == ["a", "b", "silent"]
    assert result["jaccard"][0][1] == pytest.approx(jaccard_score(ALARMED["a"], ALARMED["b"]))
    assert result["kappa"][0][1] == pytest.approx(cohen_kappa_score(ALARMED["a"], ALARMED["b"]))
    assert result["jaccard"][2] == [0.0, 0.0, None]
    assert result["kappa"][2][2] is None


def test_patterns_count_every_alarm_and_every_anomaly_once():
    result = agreement(ALARMED, LABELS)["patterns"]
    assert result[-1] == {"detectors": [], "sessions": 1, "anomalies": 1}
    assert {"detectors": ["a", "b"], "sessions": 2, "anomalies": 1} in result
    assert sum(one["anomalies"] for one in result) == LABELS.sum()
    alarmed_by_any = np.logical_or.reduce(list(ALARMED.values()))
    assert sum(one["sessions"] for one in result if one["detectors"]) == alarmed_by_any.sum()
    assert alone(ALARMED, LABELS) == {"a": 1, "b": 1, "silent": 0}
    plain = agreement(ALARMED)["patterns"]
    assert all(one["anomalies"] is None for one in plain)
    assert all(one["detectors"] for one in plain)


def test_services_and_faults():
    services = ["x", "x", "x", None, "x", "x", None, None]
    result = by_service(services, ALARMED, LABELS)
    assert list(result) == ["x", "unknown"]
    assert result["x"]["sessions"] == 5
    assert result["x"]["anomalies"] == 3
    assert result["x"]["detectors"]["a"] == {
        "alerts": 3, "precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "fpr": 0.5, "tp": 2, "fp": 1, "tn": 1, "fn": 1,
    }  # fmt: skip
    assert by_service(services, ALARMED)["unknown"] == {
        "sessions": 3, "anomalies": None, "detectors": {name: {"alerts": 0} for name in ALARMED},
    }  # fmt: skip
    kinds = np.array(["slow", "slow", "lost", "", "slow", "", "", ""])
    assert faults(kinds, LABELS, ALARMED) == {
        "lost": {"sessions": 1, "recall": {"a": 0.0, "b": 1.0, "silent": 0.0}},
        "slow": {"sessions": 2, "recall": {"a": 1.0, "b": 0.5, "silent": 0.0}},
    }
    assert faults(np.full(8, ""), LABELS, ALARMED) is None


def test_seeds_have_a_mean_and_students_interval():
    result = over_seeds([{"f1": 0.90, "recall": None}, {"f1": 0.92, "recall": 1.0}, {"f1": 0.94, "recall": None}])
    # t(0.975, 2) = 4.303; deviation 0.02, so 0.92 -+ 4.303 * 0.02 / sqrt(3)
    assert result["f1"]["low"] == pytest.approx(0.92 - 4.3027 * 0.02 / 3**0.5, abs=1e-5)
    assert result["f1"]["high"] == pytest.approx(0.92 + 4.3027 * 0.02 / 3**0.5, abs=1e-5)
    assert result["recall"] == {"mean": 1.0, "low": None, "high": None, "deviation": None, "runs": 1}
    assert result["pr_auc"] is None
    wide = over_seeds([{"f1": 0.1, "false_alarms_per_day": 1.0}, {"f1": 0.9, "false_alarms_per_day": 99.0}])
    assert (wide["f1"]["low"], wide["f1"]["high"], wide["false_alarms_per_day"]["low"]) == (0.0, 1.0, 0.0)
    assert wide["false_alarms_per_day"]["high"] > 99
