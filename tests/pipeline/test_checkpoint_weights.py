"""Any checkpoint of a training: exported, measured with and without labels, and used to detect; one threshold each."""

from __future__ import annotations

import json
import random
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.cli.shop import write_job
from tests.detectors.session_rows import sessions
from tests.sources.day_samples import session as day_session

from logradar.core.errors import BundleError, ConfigError, DataError
from logradar.core.session_set import SessionTable
from logradar.detectors.neural import body
from logradar.model import validation_sample
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.checkpoint_weights import Checkpoint, with_checkpoint
from logradar.pipeline.detect import detect
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.export import export
from logradar.pipeline.train import train
from logradar.training.checkpoints import best

DEEP = "detectors.deeplog.training"
STEPS = 8  # of an epoch
FEW = {"epochs": 3, "epoch_steps": STEPS, "checkpoint_steps": 3, "keep": 20, "keep_checkpoints": True, "device": "cpu"}
QUICK = [
    "detector=deeplog",
    "beside=[length]",
    "detectors.deeplog.updates=0",
    *(f"{DEEP}.{name}={value}" for name, value in FEW.items()),
]
BERT = {"score": "surprisal", "hidden": 16, "heads": 2, "intermediate": 16, "layers": 1, "positions": 32}


def learn(home, name, settings):
    train(str(home / "app.log"), home / name, run_settings(None, settings))
    return home / name


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return write_job(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="module")
def bundle(home):
    return learn(home, "b", QUICK)


@pytest.fixture(scope="module")
def places(bundle):
    """The checkpoints of the training by step, worst weights first."""
    found = (bundle.with_name("b.training") / "deeplog" / "checkpoints").glob("checkpoint-*")
    return {int(path.name.rpartition("-")[2]): path for path in found}


@pytest.fixture(scope="module")
def joined(home):
    """An ensemble with two networks, and its checkpoints."""
    few = json.dumps({**FEW, "epochs": 2})
    bert = json.dumps({**BERT, "updates": 0, "training": {**FEW, "epochs": 1}})
    members = ["detectors.ensemble.members=[length, deeplog, logbert]", "beside=[]"]
    below = [
        "detectors.ensemble.settings.deeplog.updates=0",
        f"detectors.ensemble.settings.deeplog.training={few}",
        f"detectors.ensemble.settings.logbert={bert}",
    ]
    return learn(home, "joined", [*members, *below])


def test_any_checkpoint_is_exported(bundle, places, home):
    """Best, at the end of an epoch, and in the middle of one: all that a training continues from."""
    assert set(places) == {3, 6, 8, 9, 12, 15, 16, 18, 21, 24}
    history = {row["step"]: row["eval_loss"] for row in Bundle.load(bundle).history["deeplog"]}
    for step, place in places.items():
        figures = export(bundle, home / "x.pt", checkpoint=place)
        saved = torch.load(home / "x.pt", weights_only=True)
        assert {
            *("model_state_dict", "optimizer_state_dict", "scheduler_state_dict", "global_step", "best_loss", "config")
        } <= set(saved)
        assert (saved["global_step"], saved["epoch"], figures["checkpoint"]) == (step, step / STEPS, place.name)
        assert saved["best_loss"] == min((loss for at, loss in history.items() if at <= step), default=None)
        kept = load_file(place / "model.safetensors")
        assert saved["model_state_dict"].keys() == kept.keys()
        assert all(torch.equal(saved["model_state_dict"][name], value) for name, value in kept.items())
        states = saved["optimizer_state_dict"]["state"]
        assert {int(state["step"]) for state in states.values()} == {step}
        assert "last_epoch" in saved["scheduler_state_dict"]
        network = Bundle.load(bundle).main.network()
        network.load_state_dict(saved["model_state_dict"])
        named = list(network.named_parameters())  # biases and norms have no decay
        groups = [[one for name, one in named if ("bias" in name) == bias] for bias in (False, True)]
        optimiser = torch.optim.AdamW([{"params": group} for group in groups])
        optimiser.load_state_dict(saved["optimizer_state_dict"])
        assert all(optimiser.state[one]["exp_avg"].shape == one.shape for _, one in named)


def test_an_export_for_torch_traces_no_graph(bundle, places, home, monkeypatch):
    """That takes seconds, and is for what scores."""

    def traced(*_):
        raise AssertionError("a graph was traced")

    monkeypatch.setattr(body, "export", traced)
    assert export(bundle, home / "untraced.pt", checkpoint=places[3])["checkpoint"] == "checkpoint-3"
    with pytest.raises(AssertionError, match="a graph was traced"):
        export(bundle, home / "traced.onnx", checkpoint=places[3])


def test_onnx_of_a_checkpoint_scores_with_its_weights(bundle, places, home):
    export(bundle, home / "early.onnx", checkpoint=places[3])
    loaded, early = Bundle.load(bundle), with_checkpoint(Bundle.load(bundle), places[3])
    scores = loaded.main.scoring_with((home / "early.onnx").read_bytes()).score(loaded.sample)["score"]
    assert scores.equals(early.main.score(loaded.sample)["score"])
    assert not scores.equals(loaded.main.score(loaded.sample)["score"])


@pytest.mark.parametrize("way", ["best", "checkpoints", "run", "moved"])
def test_the_same_weights_have_the_same_threshold_by_every_way(bundle, home, way):
    run = home / "b.training" / "deeplog"
    path = {"best": run / "checkpoints" / "best", "checkpoints": run / "checkpoints", "run": run}.get(way)
    if way == "moved":
        path = shutil.copytree(best(run), home / "elsewhere", dirs_exist_ok=True)
    given = {"input.labels": home / "labels.csv"}
    plain, done = (evaluate(bundle, str(home / "new.log"), given=given, checkpoint=one) for one in (None, path))
    assert done.bundle.thresholds == plain.bundle.thresholds
    assert done.scores.equals(plain.scores)
    for key in ("threshold", "f1", "next_events", "drift"):
        assert done.document[key] == plain.document[key]
    assert plain.document["checkpoint"] is None
    assert done.document["checkpoint"]["detector"] == "deeplog"
    alerts, again = (detect(bundle, str(home / "new.log"), checkpoint=one) for one in (None, path))
    assert again.alerts.equals(alerts.alerts)
    assert again.figures["threshold"] == alerts.figures["threshold"]
    assert "checkpoint" not in alerts.figures


@pytest.mark.parametrize("name", ["deeplog", pytest.param("logbert", marks=pytest.mark.slow)])
def test_a_training_that_ends_with_the_weights_of_a_checkpoint_has_its_threshold(bundle, home, name):
    own = f"detectors.{name}.training"
    settings = [f"detector={name}", "beside=[]", *(f"{own}.{key}={value}" for key, value in FEW.items())]
    settings += [f"{own}.schedule=constant", f"{own}.warmup=0", f"detectors.{name}.updates=0"]
    settings.append(f"detectors.{name}.score=surprisal")
    settings += [f"detectors.logbert.{key}={value}" for key, value in BERT.items()] if name == "logbert" else []
    long, short = learn(home, f"{name}-3", settings), learn(home, f"{name}-1", [*settings, f"{own}.epochs=1"])
    checkpoint = home / f"{name}-3.training" / name / "checkpoints" / f"checkpoint-{STEPS}"
    ended, early = Bundle.load(short), with_checkpoint(Bundle.load(long), checkpoint)
    assert Checkpoint.read(checkpoint).equals(ended.main)
    assert early.thresholds == ended.thresholds
    assert early.validation[name].tolist() == ended.validation[name].tolist()
    assert early.thresholds != Bundle.load(long).thresholds
    new = evaluate(long, str(home / "new.log"), checkpoint=checkpoint).scores
    assert new.equals(evaluate(short, str(home / "new.log")).scores)


@pytest.mark.slow
def test_a_network_that_has_learnt_its_validation_sessions(home):
    """Checkpoints of before know fewer templates; those of the last update are the bundle's weights."""
    days = home / "grown.log"
    text = (home / "app.log").read_text().splitlines()
    days.write_text(
        "\n".join([*text[:680], *(line.replace("finished", "finished late") for line in text[680:])]) + "\n"
    )
    settings = ["detector=deeplog", "beside=[]", *(f"{DEEP}.{name}={value}" for name, value in FEW.items())]
    train(str(days), home / "grown", run_settings(None, [*settings, f"{DEEP}.epochs=1"]))
    run, loaded = home / "grown.training" / "deeplog", Bundle.load(home / "grown")
    for path in (run, run / "updates" / "3" / "checkpoints" / "best"):
        same = with_checkpoint(loaded, path)
        assert same.main is loaded.main
        assert same.thresholds == loaded.thresholds
    before = with_checkpoint(loaded, run / "checkpoints" / "best")
    assert len(before.main.vocabulary) < len(loaded.main.vocabulary)
    scores = before.main.score(loaded.sample)["score"].to_numpy()
    assert before.validation["deeplog"].tolist() == scores.tolist()
    assert (scores >= 30).any()  # what began in validation is new to it
    between = with_checkpoint(loaded, run / "updates" / "1" / "checkpoints" / "best")
    assert between.thresholds == loaded.thresholds
    assert between.main is not loaded.main
    whole = export(home / "grown", home / "grown.pt")
    assert whole["optimizer"]
    assert torch.load(home / "grown.pt", weights_only=True)["updated"]
    early = with_checkpoint(loaded, shutil.copytree(run / "checkpoints" / "best", home / "early"))
    assert early.thresholds == before.thresholds
    assert early.main.vocabulary.ids.tolist() == before.main.vocabulary.ids.tolist()


def test_all_validation_sessions_are_kept_unless_their_events_are_very_many(monkeypatch):
    valid = SessionTable(sessions([[3, 4, 5]] * 2500))
    assert len(validation_sample.sample(valid)) == 2500
    monkeypatch.setattr(validation_sample, "EVENTS", 5000)
    assert 1000 <= len(validation_sample.sample(valid)) <= 5000 / 3
    monkeypatch.setattr(validation_sample, "EVENTS", 5)
    assert 800 < len(validation_sample.sample(valid)) <= 1000


def test_a_checkpoint_detects_at_its_own_threshold(bundle, places, home):
    early = with_checkpoint(Bundle.load(bundle), places[3])
    assert early.thresholds["length"] == Bundle.load(bundle).thresholds["length"]
    found = detect(bundle, str(home / "new.log"), checkpoint=places[3])
    assert found.figures["threshold"] == early.thresholds["deeplog"].value
    assert found.figures["checkpoint"] == {"detector": "deeplog", "name": "checkpoint-3", "step": 3}
    assert found.figures["threshold"] != detect(bundle, str(home / "new.log")).figures["threshold"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deeplog", "logbert"])
def test_a_member_of_an_ensemble_is_measured_with_the_weights_of_a_checkpoint(joined, home, name):
    run = home / "joined.training" / "ensemble" / name
    given = {"input.labels": home / "labels.csv"}
    plain, same, early = (
        evaluate(joined, str(home / "new.log"), given=given, checkpoint=one)
        for one in (None, run / "checkpoints" / "best", run / "checkpoints" / "checkpoint-3")
    )
    assert same.scores.equals(plain.scores)
    assert same.bundle.thresholds == plain.bundle.thresholds
    kept, columns = {"length", "deeplog", "logbert"} - {name}, early.scores.column_names
    assert all(early.scores[f"score:{one}"].equals(plain.scores[f"score:{one}"]) for one in kept)
    assert f"score:{name}" in columns
    assert not early.scores[f"score:{name}"].equals(plain.scores[f"score:{name}"])
    assert early.document["checkpoint"] == {"detector": name, "name": "checkpoint-3", "step": 3}
    ensemble = early.bundle.main
    assert ensemble.members[name] is early.bundle.detectors[name]
    assert early.scores["score:ensemble"].to_pylist() == ensemble.score(_new(early.bundle, home))["score"].to_pylist()
    assert len(ensemble.members[name].validation_scores) == len(early.bundle.sample)
    for one in ensemble.members[name].score(early.bundle.sample)["score"].to_numpy():  # p-values of its own scores
        assert one in ensemble._scales[name].scores or one <= 0
    assert early.bundle.thresholds["ensemble"] == plain.bundle.thresholds["ensemble"]
    assert detect(joined, str(home / "new.log"), checkpoint=run / "checkpoints" / "checkpoint-3").alerts.num_rows > 0
    assert export(joined, home / "member.pt", checkpoint=run / "checkpoints" / "checkpoint-3")["detector"] == name


def _new(bundle, home):
    """SESSIONS of the new log, as `evaluate` reads them."""
    from logradar.model.bundle import input_settings
    from logradar.pipeline.measuring.evaluation_data import sessions_in
    from logradar.storage.records import collect, opening

    with opening(str(home / "new.log"), input_settings(bundle)) as (opened, folder):
        return sessions_in(collect(opened, folder), bundle, folder)


@pytest.mark.slow
def test_a_checkpoint_elsewhere_is_recognised_by_its_shapes(joined, home):
    run = home / "joined.training" / "ensemble"
    moved = shutil.copytree(run / "logbert" / "checkpoints" / "checkpoint-3", home / "anywhere")
    assert with_checkpoint(Bundle.load(joined), moved).facts["checkpoint"]["detector"] == "logbert"


@pytest.mark.parametrize("checkpoint", [None, 3])
def test_without_labels_predictions_and_scores_are_measured(bundle, places, home, checkpoint):
    place = places.get(checkpoint)
    done = evaluate(bundle, str(home / "new.log"), checkpoint=place)
    with_labels = evaluate(bundle, str(home / "new.log"), given={"input.labels": home / "labels.csv"}, checkpoint=place)
    document, figures = done.document, done.document["next_events"]["deeplog"]
    scores = done.scores["score:deeplog"].to_numpy()
    assert document["anomalies"] is None
    assert document["sessions"] == len(scores) == with_labels.document["sessions"]
    assert scores.tolist() == with_labels.scores["score:deeplog"].to_numpy().tolist()
    assert figures["scores"] == {
        "sessions": len(scores),
        "mean": pytest.approx(scores.mean()),
        "deviation": pytest.approx(scores.std()),
    }
    assert figures["predictions"] > with_labels.document["next_events"]["deeplog"]["predictions"]
    assert 0 < figures["top_1"] <= figures["top_20"] <= 1
    expected = np.quantile(done.bundle.validation["deeplog"], 0.95, method="inverted_cdf")
    assert figures["thresholds"]["p95"] == {"threshold": expected, "above": (scores > expected).mean()}
    for name, row in document["detectors"].items():
        values = done.scores[f"score:{name}"].to_numpy()
        assert row["alerts"] == (values > row["threshold"]).sum()
        assert "f1" not in row
    assert document["threshold"] == done.bundle.thresholds["deeplog"].value
    assert len(done.detected.alerts) == document["alerts"]
    done.write(home / "unlabelled")
    assert "of sessions above it" in (home / "unlabelled" / "next-events.txt").read_text()
    assert "normal" not in (home / "unlabelled" / "next-events.txt").read_text()


def test_a_bundle_without_a_network_still_needs_labels(home):
    learn(home, "plain", ["detector=length", "beside=[]"])
    with pytest.raises(DataError, match="has no labels to measure with"):
        evaluate(home / "plain", str(home / "new.log"))
    with pytest.raises(ConfigError, match="has no network"):
        detect(home / "plain", str(home / "new.log"), checkpoint=home / "b.training" / "deeplog")


def test_without_labels_on_disk_as_in_memory(bundle, home, monkeypatch):
    from logradar.storage import grouping

    whole = evaluate(bundle, str(home / "new.log"))
    monkeypatch.setattr(grouping, "IN_MEMORY", 10)
    pieces = evaluate(bundle, str(home / "new.log"))
    assert pieces.document["next_events"] == whole.document["next_events"]
    assert pieces.document["detectors"] == whole.document["detectors"]


def test_the_library_takes_the_event_ids_of_day_files(tmp_path):
    """The score of `detect` for each session, from the `token_ids` and the mask in its file."""
    rng = random.Random(0)
    days = tmp_path / "days"
    days.mkdir()
    for day in (1, 2):
        made = [day_session(n, [0, 4, *rng.choice([[7, 9], [9, 7], [7, 7, 9]]), 11]) for n in range(60)]
        made += [day_session(99, [0, 11, 4, 25])] if day == 2 else []
        (days / f"preprocessed_logs_2024-05-0{day}.json").write_text(json.dumps(made))
    train(str(days), tmp_path / "b", run_settings(None, QUICK, {"input.until": "2024-05-01"}))
    scored = []
    new = {"input.since": "2024-05-02"}
    detect(
        tmp_path / "b", str(days), given=new, on_scores=lambda _, table, *__: scored.extend(table["score"].to_pylist())
    )
    token_ids, mask = ([one[key] for one in made] for key in ("token_ids", "attention_mask"))
    door = Bundle.load(tmp_path / "b").main
    found = door.predict_anomaly_score(token_ids=token_ids, attention_mask=mask)
    assert found.tolist() == scored
    assert door.predict_anomaly_score(token_ids=token_ids).tolist() == scored
    assert found[-1] > found[:-1].max()
    assert door.calculate_anomaly_score(token_ids=token_ids, top_k=5, attention_mask=mask)[-1] > 0
    with pytest.raises(DataError, match="Give event ids of day files as token_ids="):
        door.predict_anomaly_score(token_ids, mask)


def test_a_precision_cannot_be_kept_and_it_is_said(bundle, places, capsys):
    loaded = Bundle.load(bundle)
    wished = loaded.settings.threshold.model_copy(update={"precision": 0.5})
    loaded.settings = loaded.settings.model_copy(update={"threshold": wished})
    loaded.marked = {"deeplog": np.ones(3), "length": np.ones(3)}
    early = with_checkpoint(loaded, places[3])
    assert "fitted to quantile 0.995" in capsys.readouterr().err
    assert early.thresholds["deeplog"] == with_checkpoint(Bundle.load(bundle), places[3]).thresholds["deeplog"]
    assert set(early.marked) == {"length"}


def test_what_is_no_checkpoint_of_this_bundle_is_an_error_message(bundle, joined, places, home):
    loaded = Bundle.load(bundle)
    with pytest.raises(ConfigError, match=r"no model\.safetensors\. There is '.*checkpoint-"):
        with_checkpoint(loaded, home / "b.training")
    with pytest.raises(ConfigError, match="is not a checkpoint"):
        with_checkpoint(loaded, home / "nowhere")
    with pytest.raises(ConfigError, match=r"There is '.*deeplog/checkpoints/checkpoint-9'\."):
        with_checkpoint(loaded, places[3].with_name("checkpoint-4"))
    export(bundle, home / "other.pt", checkpoint=places[3])
    with pytest.raises(ConfigError, match="not read back; give the folder checkpoint-STEP"):
        with_checkpoint(loaded, home / "other.pt")
    damaged = shutil.copytree(places[3], home / "damaged")
    (damaged / "optimizer.safetensors").write_bytes(b"")
    with pytest.raises(BundleError, match="damaged' cannot be read"):
        export(bundle, home / "damaged.pt", checkpoint=damaged)
    with pytest.raises(BundleError, match="not those of this bundle's 'deeplog'"):
        with_checkpoint(loaded, home / "joined.training" / "ensemble" / "logbert" / "checkpoints" / "best")
