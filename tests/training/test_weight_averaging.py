"""The running mean of the weights: it follows its formula, does not change the training, and is resumed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from logradar.core.errors import ConfigError
from logradar.training.loop import fit_network
from logradar.training.rows import Rows
from logradar.training.settings import TrainingSettings
from logradar.training.weight_averaging import LAST

SETTINGS = {"device": "cpu", "batch_size": 16, "epoch_steps": 1, "learning_rate": 0.05, "schedule": "constant"}


def rows(count: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4)).astype(np.float32)
    return Rows({"x": x, "y": (x[:, 0] > x[:, 1]).astype(np.int64)}, np.ones(count))


def objective(net: nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return nn.functional.cross_entropy(net(batch["x"]), batch["y"], reduction="none"), batch["weights"]


def fitted(folder, averaging: float, **settings) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))
    given = {**SETTINGS, "epochs": 3, "checkpoint_steps": 1, "keep": 1000, "averaging": averaging, **settings}
    fit_network(net, objective, rows(100, 0), rows(40, 1), TrainingSettings(**given), folder)
    return net


def checkpoints(folder, name: str = "model.safetensors") -> list[dict[str, torch.Tensor]]:
    saved = sorted((folder / "checkpoints").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    return [load_file(path / name) for path in saved]


def test_the_mean_follows_its_formula_and_does_not_change_the_training(tmp_path):
    fitted(tmp_path / "plain", 0.0)
    net = fitted(tmp_path / "mean", 0.5)
    plain, last = checkpoints(tmp_path / "plain"), checkpoints(tmp_path / "mean", LAST)
    assert len(plain) == len(last) > 15
    for one, other in zip(plain, last, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
    expected = {name: value.numpy().astype(np.float64) for name, value in plain[0].items()}
    for step, (weights, saved) in enumerate(zip(plain, checkpoints(tmp_path / "mean"), strict=True), 1):
        kept = min(0.5, (1 + step) / (10 + step))
        expected = {name: kept * mean + (1 - kept) * weights[name].numpy() for name, mean in expected.items()}
        for name, mean in expected.items():
            np.testing.assert_allclose(saved[name], mean, atol=1e-6)
    assert not np.allclose(plain[-1]["0.weight"], expected["0.weight"], atol=1e-3)
    kept_weights = dict(net.named_parameters())
    assert any(
        all(torch.equal(kept_weights[name], value) for name, value in one.items())
        for one in checkpoints(tmp_path / "mean")
    )
    assert not list((tmp_path / "plain").rglob(LAST))


def test_a_resumed_training_ends_with_the_same_mean(tmp_path):
    whole = fitted(tmp_path / "whole", 0.9, epochs=4)
    fitted(tmp_path / "cut", 0.9, epochs=2)
    resumed = fitted(tmp_path / "cut", 0.9, epochs=4, resume=True)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_checkpoint_without_its_last_weights_is_an_error_message(tmp_path):
    fitted(tmp_path, 0.9, epochs=2)
    for file in tmp_path.rglob(LAST):
        file.write_bytes(b"half")
    with pytest.raises(ConfigError, match="cannot be resumed"):
        fitted(tmp_path, 0.9, epochs=4, resume=True)
    for file in tmp_path.rglob(LAST):
        file.unlink()
    with pytest.raises(ConfigError, match="cannot be resumed"):
        fitted(tmp_path, 0.9, epochs=4, resume=True)
