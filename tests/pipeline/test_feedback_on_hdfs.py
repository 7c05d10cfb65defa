"""Feedback on real HDFS logs: one new harmless behaviour is reported once, and no anomaly is silenced with it."""

from __future__ import annotations

import json

import pytest

from logradar.core.bundle import verify
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.feedback import Verdicts, give_feedback
from logradar.pipeline.train import train
from logradar.scoring.thresholds import plan_threshold

pytestmark = pytest.mark.xdist_group("hdfs")


@pytest.fixture(scope="module")
def bundle(data_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("feedback") / "bundle"
    given = {"input.data_dir": data_dir, "detector": "count_vector", "beside": ()}
    train("hdfs", folder, run_settings(given=given))
    return folder


@pytest.mark.slow
def test_feedback_on_a_few_alerts_and_back(bundle, data_dir, tmp_path):
    def looked():
        result = evaluate(bundle, "hdfs", given={"input.data_dir": data_dir})
        result.write(tmp_path)
        return result, json.loads((tmp_path / "alerts.json").read_text())["alerts"]

    result, alerts = looked()
    assert result.document["with_feedback"] is None
    assert result.document["f1"] == pytest.approx(0.94, abs=0.01)
    assert not result.document["drift"]["trusted"]  # a new behaviour begins, and faults come
    labels = dict(zip(*(result.scores[name].to_pylist() for name in ("session_id", "label")), strict=True))
    asked = []
    for _ in range(3):
        asked.append(next(alert["alert_id"] for alert in alerts if not labels[alert["session_id"]]))
        give_feedback(bundle, tmp_path / "alerts.json", Verdicts(false_alarms=tuple(asked[-1:])))
        after, alerts = looked()
    figures = after.document["with_feedback"]
    assert figures["given"] == 3
    assert figures["f1"] >= 0.98
    assert figures["silenced"] >= 14
    assert figures["silenced_anomalies"] == 0
    assert figures["recall"] == after.document["recall"] == 1.0
    assert after.document["f1"] == result.document["f1"]  # without feedback
    assert len(alerts) == figures["tp"] + figures["fp"]
    verify(bundle)
    give_feedback(bundle, None, Verdicts(undo=tuple(asked)))
    assert looked()[0].document["with_feedback"] is None


def test_a_precision_from_the_labels_before_the_cut(bundle):
    fitted = Bundle.load(bundle)
    assert len(fitted.marked["count_vector"]) > 10
    planned = plan_threshold(fitted, precision=0.9)
    assert planned.method == "labels"
    assert planned.precision >= 0.9
