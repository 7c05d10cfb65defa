"""Real HDFS logs: trained on the earlier half, evaluated on the later, through the library as documented."""

from __future__ import annotations

import pytest

from logradar.core.errors import DataError
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import Evaluated, evaluate
from logradar.pipeline.train import train

pytestmark = pytest.mark.xdist_group("hdfs")


@pytest.fixture(scope="module")
def bundle(data_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hdfs") / "bundle"
    train("hdfs", folder, run_settings(given={"input.data_dir": data_dir, "seed": 7}))
    return folder


@pytest.fixture(scope="module")
def evaluated(bundle, data_dir) -> Evaluated:
    return evaluate(bundle, "hdfs", given={"input.data_dir": data_dir})


def test_the_later_half_at_natural_prevalence(evaluated):
    document = evaluated.document
    assert (document["sessions"], document["anomalies"]) == (4313, 117)
    assert document["split"]["train_until"] < document["split"]["test_from"]
    assert document["audit"]["seen_sessions"] == 0


def test_the_best_simple_detector_reaches_the_documented_f1(evaluated):
    best = max(figures["f1"] for figures in evaluated.document["detectors"].values())
    assert best >= 0.93
    assert evaluated.document["f1"] >= 0.92  # the ensemble, which raises the alerts


def test_thresholds_come_from_validation_only(bundle, evaluated):
    fitted = Bundle.load(bundle)
    for name, threshold in fitted.thresholds.items():
        assert threshold.sessions == len(fitted.validation[name]) == 846
        assert (fitted.validation[name] > threshold.value).mean() <= 0.005
        assert evaluated.document["detectors"][name]["threshold"] == threshold.value


def test_only_normal_sessions_before_the_cut_were_mined(bundle):
    """Every block is allocated once: 4,312 blocks begin in the earlier half, 171 of them anomalous."""
    templates = Bundle.load(bundle).miner.templates().to_pylist()
    assert [row["count"] for row in templates if "allocateBlock" in row["template"]] == [4312 - 171]


def test_every_alert_shows_real_lines_and_a_reason(evaluated):
    alerts = evaluated.detected.to_json()["alerts"]
    assert len(alerts) == evaluated.detected.figures["raised"]
    for alert in alerts:
        assert alert["evidence"], alert["session_id"]
        for evidence in alert["evidence"]:
            assert evidence["reason"]
            assert alert["session_id"] in evidence["body"]
            assert evidence["line"] > 0


def test_scores_are_as_many_as_sessions(evaluated):
    assert evaluated.scores.num_rows == 4313
    assert {name for name in evaluated.scores.column_names if name.startswith("score:")} == {
        f"score:{name}" for name in evaluated.document["detectors"]
    }


def test_without_held_back_sessions_nothing_can_be_evaluated(data_dir, tmp_path):
    settings = run_settings(None, ["split.test=0", "detector=length", "beside=[]"], {"input.data_dir": data_dir})
    train("hdfs", tmp_path / "all", settings)
    with pytest.raises(DataError, match="took part in training"):
        evaluate(tmp_path / "all", "hdfs", given={"input.data_dir": data_dir})
