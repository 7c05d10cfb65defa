"""The configs that are shipped can be loaded, and say what they are meant to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from logradar.model.settings import run_settings

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
# those of configs/reproduce are no settings of a run; tests/test_reproduce.py reads them
SHIPPED = sorted(path for path in CONFIGS.rglob("*.yaml") if path.parent.name != "reproduce")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_config_is_sound(path):
    run_settings(path)


@pytest.mark.parametrize(("stage", "files"), [("test", 10), ("medium", 100), ("full", 0)])
def test_the_stages_of_radar_take_more_and_more_files(stage, files):
    settings = run_settings(CONFIGS / f"systems/radar-{stage}.yaml")
    assert settings.input.limit_files == files
    assert settings.split.by == "files"
    assert settings.split.shares == pytest.approx((0.8, 0.2, 0.0))


def test_deeplog_whole_is_the_key_model_and_the_values():
    settings = run_settings(CONFIGS / "systems/deeplog.yaml")
    members = settings.make(settings.detector).members
    assert list(members) == ["deeplog", "values"] and "parameters" in settings.inputs
    deeplog = members["deeplog"].settings
    assert (deeplog.embedding, deeplog.hidden, deeplog.layers, deeplog.dropout) == (128, 256, 2, 0.2)
    training = deeplog.training
    assert (training.batch_size, training.learning_rate, training.epochs, training.clip) == (256, 1e-3, 50, 1.0)
    assert (training.patience, training.min_delta) == (5, 1e-4)
