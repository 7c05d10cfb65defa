"""Detector ``loglstm``, in addition to `test_causal`: training from disk, equal bytes each time, resuming."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.detectors.learning import SHIFT, best_loss
from tests.detectors.test_causal import ASK, READ, fitted, scores

from logradar.core.config import load_config
from logradar.detectors.loglstm import LogLSTM, LogLSTMSettings
from logradar.detectors.neural.vocabulary import Vocabulary


def test_the_network_has_the_sizes_of_the_settings():
    settings = load_config(LogLSTMSettings, overrides=["hidden=7", "layers=3", "embedding=5"])
    detector = LogLSTM(settings)
    detector.vocabulary = Vocabulary.of(np.array([3, 4], np.int32))
    lstm = detector._network().lstm
    assert (lstm.hidden_size, lstm.num_layers, lstm.input_size) == (7, 3, 5)


@pytest.mark.slow
@pytest.mark.learnt
def test_training_from_disk_learns_and_gives_the_same_bytes_each_time(tmp_path, capsys):
    """From disk the order of the rows differs, so the loss does too; it is far below that of guessing, log(8)."""
    made, losses = [], []
    for turn, stream in enumerate(["always", "always", "never"]):
        settings = (f"training.stream={stream}", "training.buffer=8", "training.epochs=2", "training.epoch_steps=20")
        detector = fitted("loglstm", *settings, seed=SHIFT, folder=tmp_path / str(turn), count=300)
        assert ("streamed from disk, 8 at a time" in capsys.readouterr().err) == (stream == "always")
        losses.append(best_loss(detector))
        detector.save(tmp_path / f"bundle-{turn}")
        saved = {path.name: path.read_bytes() for path in (tmp_path / f"bundle-{turn}").iterdir()}
        assert saved.pop("network.onnx")  # torch 2.13 may trace the same network to another graph later in a process
        made.append((saved, scores(detector, [READ, ASK], [READ])))
    assert made[0] == made[1]
    assert max(losses) < math.log(8) / 2, losses
    assert not list(tmp_path.rglob("rows.parquet"))


@pytest.mark.slow
def test_a_resumed_training_gives_the_same_bytes(tmp_path):
    fitted("loglstm", "training.epochs=2", "training.epoch_steps=10", seed=3, folder=tmp_path / "cut", count=100)
    more = ("training.epochs=4", "training.epoch_steps=10")
    resumed = fitted("loglstm", *more, "training.resume=true", seed=3, folder=tmp_path / "cut", count=100)
    whole = fitted("loglstm", *more, seed=3, folder=tmp_path / "whole", count=100)
    assert [epoch["epoch"] for epoch in resumed.history] == [1, 2, 3, 4]
    assert resumed._weights == whole._weights
    assert scores(resumed, [READ, ASK]) == scores(whole, [READ, ASK])
