"""What a neural training writes to the bundle, and the export of its network for other programs."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from tests.cli.shop import write_job

from logradar.core.bundle import KINDS, verify
from logradar.core.errors import BundleError, ConfigError
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.export import export
from logradar.pipeline.train import train
from logradar.reporting.evaluation_page import write_report

DEEP = "detectors.deeplog.training"
KEPT = {"training.log", "training_history.json", "curve.png", "next-events.txt", "000.tfevents"}
PLAIN = ["detectors.deeplog.updates=0", "detectors.deeplog.score=surprisal"]
FEW = [f"{DEEP}.epochs=3", f"{DEEP}.epoch_steps=5", f"{DEEP}.log_steps=5"]
QUICK = ["detector=deeplog", "beside=[length]", *PLAIN, *FEW]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return write_job(tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="module")
def bundle(home):
    done = train(str(home / "app.log"), home / "b", run_settings(None, [*QUICK, f"{DEEP}.keep_checkpoints=true"]))
    assert done.figures["next_events"] == json.loads((home / "b" / "next-events.json").read_text())
    return home / "b"


def test_the_record_of_the_training_is_in_the_bundle(bundle):
    verify(bundle)
    place = bundle / "training" / "deeplog"
    assert {path.name for path in place.iterdir()} == KEPT
    rows = json.loads((place / "training_history.json").read_text())
    assert [row["epoch"] for row in rows] == [1, 2, 3] and all(row["seconds"] >= 0 for row in rows)
    assert (place / "curve.png").read_bytes()[:4] == b"\x89PNG"
    assert "validation loss" in (place / "training.log").read_text()
    assert {path.suffix for path in bundle.rglob("*") if path.is_file()} <= set(KINDS)
    assert "step" in json.loads((bundle / "history.json").read_text())["deeplog"][0]
    assert "Training" in write_report(bundle).read_text()


@pytest.mark.learnt
def test_next_events_are_those_of_validation(bundle):
    fitted = Bundle.load(bundle)
    figures = fitted.next_events["deeplog"]
    assert set(fitted.next_events) == {"deeplog"}
    guessed = 1 / len(fitted.main.vocabulary)  # 15 steps teach little, but more than that
    assert guessed < figures["top_1"] <= figures["top_5"] <= figures["top_10"] <= figures["top_20"] <= 1
    kept = [row for row in fitted.history["deeplog"] if "eval_loss" in row]
    assert figures["unknown"] == 0
    assert figures["loss"] == pytest.approx(min(row["eval_loss"] for row in kept), rel=1e-3)
    assert figures["scores"]["sessions"] == len(fitted.validation["deeplog"])
    assert figures["scores"]["mean"] == pytest.approx(fitted.validation["deeplog"].mean())
    assert len(fitted.sample) == len(fitted.validation["deeplog"])
    assert fitted.main.score(fitted.sample)["score"].to_pylist() == fitted.validation["deeplog"].tolist()


def test_labels_give_metrics_for_the_thresholds(bundle, home):
    done = evaluate(bundle, str(home / "new.log"), given={"input.labels": home / "labels.csv"})
    figures = done.document["next_events"]["deeplog"]
    assert figures["scores"]["sessions"] == done.document["sessions"] - done.document["anomalies"]
    assert set(figures["thresholds"]["p99"]) == {"threshold", "precision", "recall", "f1", "fpr"}
    values = np.quantile(Bundle.load(bundle).validation["deeplog"], 0.95, method="inverted_cdf")
    assert figures["thresholds"]["p95"]["threshold"] == pytest.approx(values)
    done.write(home / "run")
    assert "threshold p95" in (home / "run" / "next-events.txt").read_text()


def test_pt_holds_all_that_a_training_continues_from(bundle, home):
    result = export(bundle, home / "x" / "deeplog.pt")
    saved = torch.load(home / "x" / "deeplog.pt", weights_only=True)
    fitted = Bundle.load(bundle)
    best = min(fitted.history["deeplog"], key=lambda row: row["eval_loss"])
    assert (saved["global_step"], saved["best_loss"]) == (best["step"], best["eval_loss"])
    assert saved["config"] == fitted.main.settings.model_dump(mode="json")
    assert saved["vocabulary"].tolist() == fitted.main.vocabulary.ids.tolist()
    for name, value in fitted.main.network().state_dict().items():
        assert torch.equal(saved["model_state_dict"][name], value)
    assert result["optimizer"]
    network = fitted.main.network()
    optimiser = torch.optim.AdamW(network.parameters())
    assert len(saved["optimizer_state_dict"]["state"]) == len(list(network.parameters()))
    assert saved["optimizer_state_dict"]["state"][0]["exp_avg"].shape == next(network.parameters()).shape
    assert optimiser.state_dict()["param_groups"][0].keys() <= saved["optimizer_state_dict"]["param_groups"][0].keys()
    assert "last_epoch" in saved["scheduler_state_dict"]


def test_without_checkpoints_there_is_no_optimiser_state_and_a_message_says_so(bundle, home, capsys):
    moved = home / "elsewhere"
    (home / "b").rename(moved)
    try:
        result = export(moved, home / "alone.pt")
    finally:
        moved.rename(home / "b")
    assert not result["optimizer"]
    assert torch.load(home / "alone.pt", weights_only=True)["optimizer_state_dict"] is None
    assert "keep_checkpoints=true" in capsys.readouterr().err


def test_states_of_another_training_are_not_used(bundle, home):
    """The same steps with another seed: its checkpoints are not those of this bundle."""
    other = home / "other"
    train(str(home / "app.log"), other, run_settings(None, [*QUICK, "seed=3"]))
    (home / "b.training").rename(home / "other.training")
    try:
        assert not export(other, home / "other.pt")["optimizer"]
    finally:
        (home / "other.training").rename(home / "b.training")


def test_onnx_has_metadata_and_gives_the_same_scores(bundle, home):
    import onnx

    export(bundle, home / "deeplog.onnx")
    content = (home / "deeplog.onnx").read_bytes()
    facts = json.loads({prop.key: prop.value for prop in onnx.load_from_string(content).metadata_props}["logradar"])
    fitted = Bundle.load(bundle)
    assert facts["vocabulary"] == fitted.main.vocabulary.ids.tolist()
    assert fitted.main.scoring_with(content).score(fitted.sample).equals(fitted.main.score(fitted.sample))


@pytest.mark.learnt
def test_int8_reports_its_difference_in_score(bundle, home):
    result = export(bundle, home / "small.onnx", int8=True)
    assert result["bytes"] < 0.5 * result["bytes_before"]
    fitted = Bundle.load(bundle)
    small = fitted.main.scoring_with((home / "small.onnx").read_bytes())
    difference = np.abs(
        small.score(fitted.sample)["score"].to_numpy() - fitted.main.score(fitted.sample)["score"].to_numpy()
    )
    assert result["score_difference"]["max"] == pytest.approx(difference.max())
    assert result["score_difference"]["mean"] == pytest.approx(difference.mean())
    assert 0 < result["score_difference"]["max"] < 0.5


def test_a_checkpoint_can_be_evaluated(bundle, home):
    first = min((home / "b.training" / "deeplog" / "checkpoints").glob("checkpoint-*"), key=lambda path: path.name)
    given = {"input.labels": home / "labels.csv"}
    plain, early = (evaluate(bundle, str(home / "new.log"), given=given, checkpoint=c) for c in (None, first))
    losses = [done.document["next_events"]["deeplog"]["loss"] for done in (plain, early)]
    steps = {row["step"]: row["eval_loss"] for row in Bundle.load(bundle).history["deeplog"]}
    better = steps[int(first.name.rpartition("-")[2])] > min(steps.values())
    assert (losses[1] != losses[0]) == better
    assert early.document["detectors"]["length"] == plain.document["detectors"]["length"]
    assert early.bundle.thresholds["deeplog"].sessions == len(Bundle.load(bundle).sample)


def test_faults_are_error_messages(bundle, home):
    given = {"input.labels": home / "labels.csv"}
    for ask, error, sentence in (
        (lambda: export(bundle, home / "x.bin"), ConfigError, "choose --format onnx or pt"),
        (lambda: export(bundle, home / "x.pt", int8=True), ConfigError, "for --format onnx only"),
        (lambda: export(bundle, home / "x.pt", name="length"), ConfigError, "not a network of this bundle.*deeplog"),
        (
            lambda: evaluate(bundle, str(home / "new.log"), given=given, checkpoint=home),
            ConfigError,
            "is not a checkpoint",
        ),
    ):
        with pytest.raises(error, match=sentence):
            ask()
    from safetensors.torch import save_file

    (home / "strange").mkdir()
    save_file({"a": torch.zeros(2)}, home / "strange" / "model.safetensors")
    with pytest.raises(BundleError, match="not those of this bundle's 'deeplog'"):
        evaluate(bundle, str(home / "new.log"), given=given, checkpoint=home / "strange")
    (home / "strange" / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(BundleError, match="strange' cannot be read"):
        evaluate(bundle, str(home / "new.log"), given=given, checkpoint=home / "strange")
    train(str(home / "app.log"), home / "plain", run_settings(None, ["detector=length", "beside=[]"]))
    with pytest.raises(ConfigError, match="has no network"):
        export(home / "plain", home / "x.pt")
    assert not (home / "plain" / "training").exists()


def test_nothing_of_this_machine_is_in_the_record(bundle):
    """No host name and no path is written."""
    import socket

    for path in (bundle / "training").rglob("*"):
        if path.suffix in (".log", ".txt", ".json"):
            assert str(bundle.parent) not in path.read_text()
        assert socket.gethostname() not in path.name
    assert pq.read_schema(bundle / "validation-sample.parquet").names == ["template_ids", "gaps"]


def test_a_member_of_an_ensemble_is_reported_by_its_own_name(home):
    settings = ["detectors.ensemble.members=[length, deeplog]", "beside=[]"]
    settings.append("detectors.ensemble.settings.deeplog.updates=0")
    few = "detectors.ensemble.settings.deeplog.training={epochs: 1, epoch_steps: 2, device: cpu}"
    done = train(str(home / "app.log"), home / "joined", run_settings(None, [*settings, few]))
    assert set(done.figures["next_events"]) == {"deeplog"}
    assert {path.name for path in (home / "joined" / "training").iterdir()} == {"deeplog"}
    kept = {path.name for path in (home / "joined" / "training" / "deeplog").iterdir()}
    assert kept == KEPT
    assert export(home / "joined", home / "joined.onnx")["detector"] == "deeplog"
