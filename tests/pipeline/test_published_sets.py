"""`train NAME`, `evaluate BUNDLE NAME` on labelled sets: the published split, and figures that are known for it."""

from __future__ import annotations

import polars as pl
import pytest

from logradar.core.errors import DataError
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.evaluate import Evaluated, evaluate
from logradar.pipeline.train import train

RULES = ["new_template", "count_vector", "ngram"]


def measured(name, data_dir, folder, **given) -> Evaluated:
    settings = {f"input.{key}" if key == "window" else f"split.{key}": value for key, value in given.items()}
    place = {"input.data_dir": data_dir}
    rules = {"detector": "new_template", "beside": RULES}
    train(name, folder / "bundle", run_settings(given=place | rules | settings))
    return evaluate(folder / "bundle", name, given=place)


def rule(evaluated: Evaluated, detector: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of the rule: what the detector has not seen before is an anomaly."""
    scores = pl.from_arrow(evaluated.scores)
    truth, said = scores["label"], scores[f"score:{detector}"] > 0
    hits = (truth & said).sum()
    return hits / said.sum(), hits / truth.sum(), 2 * hits / (said.sum() + truth.sum())


def test_kalaki_with_50_sequences(data_dir, tmp_path):
    evaluated = measured("openstack", data_dir, tmp_path)
    split = evaluated.document["split"]
    assert (split["train"], split["valid"], split["test"], split["anomalies_left_out"]) == (40, 10, 5_546, 0)
    assert evaluated.document["anomalies"] == 651
    assert rule(evaluated, "new_template") == pytest.approx((0.859, 0.988, 0.919), abs=0.001)
    assert rule(evaluated, "ngram")[2] == pytest.approx(0.788, abs=0.001)
    assert rule(evaluated, "count_vector")[2] == pytest.approx(0.698, abs=0.001)
    assert set(evaluated.document["faults"]) == {"destroyed_at_once", "dhcp_off", "other"}
    again = detect(tmp_path / "bundle", str(data_dir / "openstack_kalaki/openstack_test_abnormal.csv.gz"))
    assert again.alerts.num_rows == round(0.988 * 651)


def test_kalaki_with_500_sequences(data_dir, tmp_path):
    evaluated = measured("openstack", data_dir, tmp_path, first=500)
    assert (evaluated.document["split"]["test"], evaluated.document["anomalies"]) == (5_096, 651)
    assert rule(evaluated, "new_template")[2] >= 0.989


@pytest.mark.parametrize(
    ("window", "sessions", "f1"), [(1, 40_000, 1.0), (20, 2_000, 1.0), (100, 400, 1.0), (300, 133, 0.98)]
)
def test_bgl_by_window(data_dir, tmp_path, window, sessions, f1):
    evaluated = measured("bgl", data_dir, tmp_path, window=window)
    assert evaluated.document["sessions"] == sessions  # the later half alone: anomalies before the cut are left out
    assert evaluated.document["audit"]["seen_sessions"] == 0
    assert rule(evaluated, "new_template")[2] == pytest.approx(f1, abs=0.001)


def test_hadoop_by_application(data_dir, tmp_path):
    evaluated = measured("hadoop", data_dir, tmp_path)
    assert (evaluated.document["split"]["train"], evaluated.document["split"]["valid"]) == (58, 15)
    assert (evaluated.document["sessions"], evaluated.document["anomalies"]) == (905, 811)
    assert {kind: fault["sessions"] for kind, fault in evaluated.document["faults"].items()} == {
        "machine_down": 523,
        "network_disconnection": 136,
        "disk_full": 152,
    }
    assert rule(evaluated, "count_vector")[2] == pytest.approx(0.752, abs=0.001)


@pytest.mark.slow
def test_hadoop_by_halves(data_dir, tmp_path):
    evaluated = measured("hadoop", data_dir, tmp_path, test=0.5, hold_anomalies=True)
    assert (evaluated.document["split"]["train"], evaluated.document["split"]["valid"]) == (67, 17)
    assert rule(evaluated, "count_vector")[2] == pytest.approx(0.640, abs=0.001)


def test_no_detector_separates_utah(data_dir, tmp_path):
    evaluated = measured("openstack_utah", data_dir, tmp_path)
    assert evaluated.document["anomalies"] == 198
    assert all(figures["roc_auc"] < 0.55 for figures in evaluated.document["detectors"].values())


def test_a_federated_client(data_dir, tmp_path):
    evaluated = measured("hdfs_federated", data_dir, tmp_path)
    assert (evaluated.document["sessions"], evaluated.document["anomalies"]) == (80_697, 2_000)
    assert rule(evaluated, "count_vector") == pytest.approx((0.948, 0.755, 0.841), abs=0.001)


def test_a_protocol_can_be_set_aside(data_dir, tmp_path):
    with pytest.raises(DataError, match="took part in training"):
        measured("openstack", data_dir, tmp_path, test=0.0)


def test_raw_lines_of_openstack(data_dir, tmp_path):
    evaluated = measured("openstack_lines", data_dir, tmp_path)
    assert (
        evaluated.document["split"]["train"] + evaluated.document["split"]["valid"],
        evaluated.document["sessions"],
    ) == (
        491,
        671,
    )
    assert rule(evaluated, "new_template")[2] == pytest.approx(0.977, abs=0.002)
