"""The configs that are shipped can be loaded, and say what they are meant to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from logradar.core.config import validated
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.train import train
from logradar.simulation.formats import FORMATS

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
# The other files are no settings of a run; tests of their own read them.
NETWORKS = ("logbert", "deeplog", "loglstm", "logtcn")
SHIPPED = sorted(
    path
    for path in CONFIGS.rglob("*.yaml")
    if path.parent.name not in ("reproduce", "service") and path.name not in ("data.yaml", "download.yaml")
)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_config_is_sound(path):
    run_settings(path)


@pytest.mark.parametrize(("stage", "files"), [("test", 10), ("medium", 100), ("full", 0)])
def test_the_stages_of_radar_take_more_and_more_files(stage, files):
    settings = run_settings(CONFIGS / f"systems/radar-{stage}.yaml")
    assert settings.input.limit_files == files
    assert settings.split.by == "files"
    assert settings.split.shares == pytest.approx((0.8, 0.2, 0.0))
    assert settings.detector == "ensemble"
    assert settings.networks == [f"detectors.ensemble.settings.{name}" for name in NETWORKS]
    epochs = [settings.make("ensemble").members[name].settings.training.epochs for name in NETWORKS]
    assert len(set(epochs)) == 1 or stage == "full"
    assert settings.unused == []


@pytest.mark.slow
def test_a_stage_trains_the_four_networks_and_their_ensemble(tmp_path):
    """The first stage as it is shipped on simulated day files, with one short epoch and small networks."""
    settings_of, simulate = FORMATS["radar-json"]
    simulate(tmp_path / "days", settings=validated(settings_of, {"days": 12, "size": "60KB"}))
    small = {
        "logbert": ["hidden=16", "heads=2", "intermediate=32", "layers=1"],
        "deeplog": ["hidden=8"],
        "loglstm": ["hidden=8"],
        "logtcn": ["channels=8"],
    }
    overrides = [
        f"detectors.ensemble.settings.{name}.{value}"
        for name, values in small.items()
        for value in (*values, "training.epoch_steps=1", "training.device=cpu")
    ]
    settings = run_settings(CONFIGS / "systems/radar-test.yaml", overrides, {}, {"epochs": 1})
    done = train(str(tmp_path / "days"), tmp_path / "b", settings)
    assert done.figures["split"]["files"] == {"train": 8, "valid": 2, "test": 0}
    assert "dropped" not in done.figures
    bundle = Bundle.load(tmp_path / "b")
    assert set(bundle.main.members) == set(NETWORKS)
    assert set(bundle.history) == set(NETWORKS)
    assert set(bundle.thresholds) == {"ensemble", *NETWORKS, "new_template", "length", "count_vector", "ngram"}
    for name in NETWORKS:
        assert (tmp_path / "b" / "training" / name / "training_history.json").is_file()
        assert (tmp_path / "b" / "training" / name / "curve.png").is_file()


def test_logbert_has_the_sizes_of_bert_base():
    settings = run_settings(CONFIGS / "systems/logbert.yaml")
    logbert = settings.make(settings.detector).settings
    assert (logbert.vocabulary, logbert.hidden, logbert.layers, logbert.heads) == (10_000, 768, 12, 12)
    assert (logbert.intermediate, logbert.positions, logbert.dropout, logbert.mask) == (3072, 512, 0.1, 0.15)
    training = logbert.training
    assert (training.learning_rate, training.weight_decay, training.clip) == (2e-5, 0.01, 1.0)
    assert (training.schedule, training.least_learning_rate) == ("cosine", 1e-6)
    assert (training.batch_size, training.epochs, training.accumulation) == (32, 10, 1)


def test_deeplog_whole_is_the_key_model_and_the_values():
    settings = run_settings(CONFIGS / "systems/deeplog.yaml")
    members = settings.make(settings.detector).members
    assert list(members) == ["deeplog", "values"] and "parameters" in settings.inputs
    deeplog = members["deeplog"].settings
    assert (deeplog.embedding, deeplog.hidden, deeplog.layers, deeplog.dropout) == (128, 256, 2, 0.2)
    assert deeplog.vocabulary == 10_000
    training = deeplog.training
    assert (training.batch_size, training.learning_rate, training.epochs, training.clip) == (256, 1e-3, 50, 1.0)
    assert (training.patience, training.min_delta) == (5, 1e-4)
