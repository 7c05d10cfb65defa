"""Settings of a training reach every network that trains, and a wrong key is answered with the right one."""

from __future__ import annotations

import pytest

from logradar.core.errors import ConfigError
from logradar.model.settings import run_settings

MEMBER = "detectors.ensemble.members=[ngram, deeplog]"


@pytest.mark.parametrize(
    ("overrides", "networks"),
    [
        (["detector=deeplog"], ["detectors.deeplog"]),
        (["detector=ngram", "beside=[loglstm, length]"], ["detectors.loglstm"]),
        (["detector=ensemble", MEMBER], ["detectors.ensemble.settings.deeplog"]),
        (
            ["detector=ensemble", MEMBER, "beside=[deeplog, logtcn]"],
            ["detectors.ensemble.settings.deeplog", "detectors.deeplog", "detectors.logtcn"],
        ),
        (["detector=ngram", "beside=[length]"], []),
    ],
)
def test_the_networks_that_train(overrides, networks):
    settings = run_settings(None, overrides)
    assert settings.networks == networks
    if not networks:
        with pytest.raises(ConfigError, match=r"none is trained: the detector is 'ngram'.*deeplog, .*logbert, loglstm"):
            settings.with_training({"epochs": 3})
        return
    changed = settings.with_training({"epochs": 3, "learning_rate": 0.5})
    for name in (changed.detector, *changed.beside):
        made = changed.make(name)
        for detector in (made, *made.members.values()):
            training = getattr(detector.settings, "training", None)
            assert training is None or (training.epochs, training.learning_rate) == (3, 0.5)
    assert settings.networks == networks  # the first settings are as they were
    assert "training" not in str(settings.detectors)


def test_values_of_a_training_are_checked():
    with pytest.raises(ConfigError, match="greater than or equal to 1"):
        run_settings(None, ["detector=deeplog"]).with_training({"epochs": 0})


def test_a_training_is_resumed_in_members_too():
    ensemble = run_settings(None, ["detector=ensemble", MEMBER]).make("ensemble", resume=True)
    assert ensemble.members["deeplog"].settings.training.resume


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["detector=deeplog", "training.epochs=3"], "did you mean 'detectors.deeplog.training.epochs'?"),
        (["detector=deeplog", "epochs=3"], "did you mean 'detectors.deeplog.training.epochs'?"),
        (["detector=deeplog", "deeplog.training.epochs=3"], "did you mean 'detectors.deeplog.training.epochs'?"),
        (["detector=deeplog", "detectors.deeplog.epochs=3"], "did you mean 'detectors.deeplog.training.epochs'?"),
        (
            ["detector=ensemble", MEMBER, "training.epochs=3"],
            "did you mean 'detectors.ensemble.settings.deeplog.training.epochs'?",
        ),
        (
            ["detector=deeplog", "beside=[loglstm]", "training.epochs=3"],
            "did you mean 'detectors.deeplog.training.epochs' or 'detectors.loglstm.training.epochs'?",
        ),
        (["detector=ngram", "beside=[]", "training.epochs=3"], "'detectors.deeplog.training.epochs' or"),
        (["detector=ngram", "valid=0.1"], "did you mean 'split.valid'?"),
        (["detector=ngram", "input.limit_file=3"], "did you mean 'limit_files'?"),
    ],
)
def test_a_wrong_key_names_the_right_one(overrides, sentence):
    with pytest.raises(ConfigError) as caught:
        run_settings(None, overrides)
    assert sentence in str(caught.value)


def test_every_wrong_key_of_a_block_is_answered(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text("detector: deeplog\ntraining: {epochs: 3, batch_size: 4}\n")
    with pytest.raises(ConfigError) as caught:
        run_settings(file)
    for key in ("epochs", "batch_size"):
        assert f"'training.{key}' is not known, did you mean 'detectors.deeplog.training.{key}'?" in str(caught.value)


def test_settings_of_a_detector_that_is_not_trained_are_said():
    settings = run_settings(None, ["detector=ensemble", MEMBER, "detectors.deeplog.training.epochs=3"])
    (sentence,) = settings.unused
    assert "'detectors.deeplog' change nothing" in sentence and "'detectors.ensemble.settings.deeplog'" in sentence
    assert run_settings(None, ["detector=deeplog", "detectors.deeplog.training.epochs=3"]).unused == []
