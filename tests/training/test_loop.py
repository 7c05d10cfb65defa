"""The training loop: weighted loss, seeds, early stopping, resuming, no output of libraries, error messages."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from tests.detectors.learning import SHIFT
from torch import nn

from logradar.core import progress
from logradar.core.errors import ConfigError, DataError
from logradar.training import checkpoints, loop
from logradar.training.loop import fit_network
from logradar.training.rows import Rows
from logradar.training.settings import TrainingSettings

FAST = {"device": "cpu", "batch_size": 16, "epoch_steps": 1, "learning_rate": 0.01}


def random_rows(count: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4)).astype(np.float32)
    return Rows({"x": x, "y": (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int64)}, rng.integers(1, 20, count))


def network(dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 2))


def objective(net: nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return nn.functional.cross_entropy(net(batch["x"]), batch["y"], reduction="none"), batch["weights"]


def weights(net: nn.Module) -> bytes:
    return b"".join(value.detach().numpy().tobytes() for value in net.state_dict().values())


def loss_of(net: nn.Module, rows: Rows) -> float:
    with torch.no_grad():
        losses, heavy = objective(
            net, {name: torch.from_numpy(a) for name, a in rows.batch(np.arange(len(rows))).items()}
        )
    return float((losses * heavy).sum() / heavy.sum())


def fit(net, train, valid, folder=None, seed=0, **settings):
    return fit_network(net, objective, train, valid, TrainingSettings(**{**FAST, **settings}), folder, seed)


TRAIN, VALID, NOTHING = random_rows(100, 0), random_rows(40, 1), random_rows(0, 2)
STEPS = -(-len(TRAIN.even()) // 16)  # of an epoch


@pytest.mark.learnt
def test_it_learns():
    net = network()
    before = loss_of(net, VALID)
    done = fit(net, TRAIN, VALID, epochs=30, seed=SHIFT)
    assert loss_of(net, VALID) < 0.7 * before
    assert done.best["eval_loss"] == pytest.approx(loss_of(net, VALID), rel=1e-5)
    assert done.steps == STEPS * len(done.epochs)
    assert not net.training


def test_a_weight_counts_as_repeated_rows():
    """A step on distinct rows with their counts equals a step on all rows."""
    heavy = Rows(TRAIN.arrays, np.arange(100) % 3 + 1)
    every = Rows(
        {name: np.repeat(array, heavy.weights.astype(int), axis=0) for name, array in TRAIN.arrays.items()},
        np.ones(199),
    )
    first, second = network(), network()
    done = [
        fit(net, rows, VALID, epochs=5, batch_size=1000, schedule="constant")
        for net, rows in ((first, heavy), (second, every))
    ]
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    for one, other in zip(done[0].epochs, done[1].epochs, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-5)
        assert one["eval_loss"] == pytest.approx(other["eval_loss"], rel=1e-5)


def test_the_loss_of_an_epoch_is_the_weighted_mean_for_any_batch_size():
    losses = [
        fit(network(), TRAIN, VALID, epochs=1, learning_rate=1e-12, batch_size=size).epochs[0]["loss"]
        for size in (7, 64, 500)
    ]
    assert losses == pytest.approx([loss_of(network(), TRAIN)] * 3, rel=1e-5)


def test_the_same_seed_gives_the_same_bytes_and_leaves_global_generators_unchanged():
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    nets = [network(0.2) for _ in range(3)]
    torch.manual_seed(1)
    before = random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state()
    for net, seed in zip(nets, (5, 5, 6), strict=True):
        fit(net, TRAIN, VALID, epochs=3, seed=seed)
    assert weights(nets[0]) == weights(nets[1]) != weights(nets[2])
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tobytes() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])
    assert not torch.are_deterministic_algorithms_enabled()


def test_it_stops_when_the_loss_no_longer_falls_and_keeps_the_best_weights(tmp_path):
    net = network()
    noise = Rows({"x": VALID.arrays["x"], "y": np.random.default_rng(3).integers(0, 2, 40)}, VALID.weights)
    done = fit(net, TRAIN, noise, tmp_path, epochs=200, patience=4, schedule="constant", learning_rate=0.05)
    losses = [epoch["eval_loss"] for epoch in done.epochs]
    assert len(losses) < 100
    assert done.best["epoch"] == int(np.argmin(losses)) + 1 <= len(losses) - 4
    assert loss_of(net, noise) == pytest.approx(min(losses), rel=1e-5)
    assert (
        f"ended after {len(losses)} epochs, the validation loss no longer fell; epoch {done.best['epoch']} is kept"
        in done.sentence
    )
    written = json.loads((tmp_path / "training_history.json").read_text())
    assert [{name: row[name] for name in epoch} for row, epoch in zip(written, done.epochs, strict=True)] == done.epochs


def test_patience_0_never_stops():
    noise = Rows({"x": VALID.arrays["x"], "y": np.random.default_rng(3).integers(0, 2, 40)}, VALID.weights)
    assert len(fit(network(), TRAIN, noise, epochs=25, patience=0).epochs) == 25


# After the checkpoint at the end of an epoch, and after one in its middle.
@pytest.mark.parametrize("cut", [pytest.param(33, marks=pytest.mark.slow), 37])
@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
def test_an_interrupted_training_resumes_to_the_same_bytes(tmp_path, schedule, cut):
    settings = {
        "epochs": 6,
        "schedule": schedule,
        "checkpoint_steps": 3,
        "patience": 0,
        "warmup": 0.1 * (schedule == "cosine"),
    }
    whole = network(0.3)
    expected = fit(whole, TRAIN, VALID, tmp_path / "whole", **settings)
    calls = 0

    def cut_off(net, batch):
        nonlocal calls
        calls += net.training
        if calls == cut:
            raise KeyboardInterrupt
        return objective(net, batch)

    with pytest.raises(KeyboardInterrupt):
        fit_network(network(0.3), cut_off, TRAIN, VALID, TrainingSettings(**FAST, **settings), tmp_path / "cut", 0)
    resumed = network(0.3)
    done = fit(resumed, TRAIN, VALID, tmp_path / "cut", **settings, resume=True)
    assert weights(resumed) == weights(whole)
    assert done.epochs == expected.epochs
    again = network(0.3)
    assert fit(again, TRAIN, VALID, tmp_path / "cut", **settings, resume=True).epochs == expected.epochs
    assert weights(again) == weights(whole)


def test_a_moved_run_that_had_ended_still_gives_its_best_weights(tmp_path):
    first, second = network(), network()
    done = fit(first, TRAIN, VALID, tmp_path / "here", epochs=3)
    (tmp_path / "here").rename(tmp_path / "there")
    assert fit(second, TRAIN, VALID, tmp_path / "there", epochs=3, resume=True).epochs == done.epochs
    assert weights(first) == weights(second)


def test_an_incomplete_checkpoint_is_ignored(tmp_path, capsys):
    settings = {"epochs": 4, "keep": 4, "patience": 0}
    whole, resumed = network(), network()
    fit(whole, TRAIN, VALID, tmp_path, **settings)
    newest = max((tmp_path / "checkpoints").glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
    (newest / "trainer_state.json").write_text('{"global_st')
    fit(resumed, TRAIN, VALID, tmp_path, **settings, resume=True)
    assert weights(resumed) == weights(whole)
    assert f"going on from checkpoint-{STEPS * 3}" in capsys.readouterr().err


def test_what_cannot_be_resumed_is_an_error_message(tmp_path, capsys):
    fit(network(), TRAIN, VALID, tmp_path, epochs=1, resume=True)
    assert "no complete checkpoint" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"another training \(learning_rate, seed, training rows differ\)"):
        fit(network(), random_rows(90, 5), VALID, tmp_path, seed=1, learning_rate=0.5, resume=True)
    fit(network(), TRAIN, VALID, tmp_path, epochs=2, patience=9, resume=True)  # these may change


@pytest.mark.parametrize(
    "file",
    [
        "rng_state.pth",
        "model.safetensors",
        "last.safetensors",
        "optimizer.safetensors",
        "scheduler.json",
        "epoch-loss.json",
    ],
)
@pytest.mark.parametrize("damage", [b"", b"garbage", b"[" * 100_000, None], ids=["empty", "garbage", "deep", "cut"])
def test_a_damaged_checkpoint_is_one_sentence(tmp_path, file, damage):
    fit(network(), TRAIN, VALID, tmp_path, epochs=1, patience=0)
    path = tmp_path / "checkpoints" / f"checkpoint-{STEPS}" / file
    path.write_bytes(path.read_bytes()[:-7] if damage is None else damage)
    with pytest.raises(ConfigError, match=r"^The training cannot be resumed: .*; train without --resume\.$"):
        fit(network(), TRAIN, VALID, tmp_path, epochs=2, patience=0, resume=True)


@pytest.mark.parametrize(
    "text", ['{"global_step": "x"}', '{"global_step": null, "epoch": []}', '{"global_step": 1, "z": 2}']
)
def test_a_damaged_state_of_a_checkpoint_is_one_sentence(tmp_path, text):
    fit(network(), TRAIN, VALID, tmp_path, epochs=1, patience=0)
    (tmp_path / "checkpoints" / f"checkpoint-{STEPS}" / "trainer_state.json").write_text(text)
    with pytest.raises(ConfigError, match="cannot be resumed"):
        fit(network(), TRAIN, VALID, tmp_path, epochs=2, patience=0, resume=True)


def test_checkpoints_are_few_and_hold_no_pickled_arguments(tmp_path):
    done = fit(network(), TRAIN, VALID, tmp_path, epochs=8, patience=0, keep=2)
    names = sorted(path.name for path in (tmp_path / "checkpoints").glob("checkpoint-*"))
    assert f"checkpoint-{STEPS * int(done.best['epoch'])}" in names
    assert f"checkpoint-{STEPS * 8}" in names
    assert len(names) <= 2
    files = {path.name for path in (tmp_path / "checkpoints" / f"checkpoint-{STEPS * 8}").iterdir()}
    assert files == {
        "last.safetensors",
        "model.safetensors",
        "optimizer.safetensors",
        "scheduler.json",
        "epoch-loss.json",
        "rng_state.pth",
        "trainer_state.json",
    }


def test_the_best_checkpoint_is_named(tmp_path):
    noise = Rows({"x": VALID.arrays["x"], "y": np.random.default_rng(3).integers(0, 2, 40)}, VALID.weights)
    more = {"patience": 0, "schedule": "constant", "learning_rate": 0.05, "checkpoint_steps": 4}
    done = fit(network(), TRAIN, noise, tmp_path, epochs=20, **more)
    place = tmp_path / "checkpoints"
    name = f"checkpoint-{STEPS * int(done.best['epoch'])}"
    assert str((place / "best").readlink()) == name != f"checkpoint-{STEPS * 20}"
    assert checkpoints.best(tmp_path) == place / name
    kept = fit(net := network(), TRAIN, noise, tmp_path, epochs=20, **more, resume=True)
    assert kept.best == done.best
    best = network()
    safetensors.torch.load_model(best, place / "best" / "model.safetensors")
    assert weights(net) == weights(best)


def test_a_training_that_goes_on_names_the_best_again(tmp_path):
    fit(network(), TRAIN, VALID, tmp_path, epochs=2, patience=0)
    name = (tmp_path / "checkpoints" / "best").readlink()
    (tmp_path / "checkpoints" / "best").unlink()
    fit(network(), TRAIN, VALID, tmp_path, epochs=2, patience=0, resume=True)
    assert (tmp_path / "checkpoints" / "best").readlink() == name


def test_where_there_are_no_links_a_file_names_the_best_checkpoint(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refused)
    done = fit(network(), TRAIN, VALID, tmp_path, epochs=2, patience=0)
    named = (tmp_path / "checkpoints" / "best").read_text()
    assert named == f"checkpoint-{STEPS * int(done.best['epoch'])}\n"


def test_no_checkpoint_of_a_finished_epoch_lacks_its_validation_loss(tmp_path):
    """Steps between checkpoints divide those of an epoch: its end is saved once, after it was validated."""
    saved = []
    write = loop.RowTrainer._save

    def noted(trainer, output_dir=None, state_dict=None):
        saved.append((trainer.state.global_step, sum("eval_loss" in entry for entry in trainer.state.log_history)))
        write(trainer, output_dir, state_dict)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.RowTrainer, "_save", noted)
        fit(network(), TRAIN, VALID, tmp_path, epochs=3, patience=0, checkpoint_steps=STEPS // 2)
    assert saved == [(step, step // STEPS) for step in range(STEPS // 2, 3 * STEPS + 1, STEPS // 2)]


def test_without_validation_rows_the_training_loss_decides():
    net = network()
    done = fit(net, TRAIN, NOTHING, epochs=4)
    assert done.best["eval_loss"] == pytest.approx(loss_of(net, TRAIN), rel=1e-5)
    assert "no validation sessions" in done.sentence


def test_without_rows_the_network_does_not_change():
    net = network()
    before = weights(net)
    assert fit(net, NOTHING, VALID).epochs == []
    assert weights(net) == before


def test_a_loss_that_is_not_finite_ends_the_training_with_a_message():
    wild = Rows({"x": TRAIN.arrays["x"] * np.float32(np.inf), "y": TRAIN.arrays["y"]}, TRAIN.weights)
    with pytest.raises(DataError, match=r"training\.learning_rate below 0\.01"):
        fit(network(), wild, VALID)


def test_few_rows_are_used_several_times_per_epoch():
    assert fit(network(), TRAIN, VALID, epochs=1, epoch_steps=30).steps == 3 * STEPS >= 30


def test_accumulated_batches_are_one_step_on_all_their_rows():
    alike = Rows(TRAIN.arrays, np.ones(100))
    nets = [network(), network()]
    done = [
        fit(net, alike, VALID, epochs=5, batch_size=size, accumulation=100 // size, schedule="constant")
        for net, size in zip(nets, (100, 25), strict=True)
    ]
    assert [history.steps for history in done] == [5, 5]
    for one, other in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    assert done[0].epochs[-1]["loss"] == pytest.approx(done[1].epochs[-1]["loss"], rel=1e-5)


@pytest.mark.parametrize("settings", [{"precision": "bf16"}, {"workers": 1}, {"schedule": "linear", "warmup": 0.2}])
def test_settings_reach_the_trainer(settings):
    plain, other = network(), network()
    fit(plain, TRAIN, VALID, epochs=2)
    fit(other, TRAIN, VALID, epochs=2, **settings)
    assert (weights(plain) == weights(other)) == (settings == {"workers": 1})
    assert loss_of(other, VALID) == pytest.approx(loss_of(plain, VALID), rel=0.2)


def test_after_bf16_the_network_computes_in_fp32_and_can_be_trained_again():
    first, second = network(), network()
    for net in (first, second):
        fit(net, TRAIN, VALID, epochs=1, precision="bf16")
    plain = network()
    plain.load_state_dict(first.state_dict())
    x = torch.from_numpy(VALID.arrays["x"])
    assert torch.equal(first(x), plain(x))
    fit(first, TRAIN, VALID, epochs=1, precision="fp32")
    fit(second, TRAIN, VALID, epochs=1, precision="bf16")
    fit(plain, TRAIN, VALID, epochs=1, precision="bf16")
    assert weights(second) == weights(plain) != weights(first)


@pytest.mark.skipif(torch.cuda.is_available(), reason="an NVIDIA GPU is here")
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"device": "cuda"}, "does not find here; there is: .*cpu"),
        ({"precision": "fp16"}, "needs an NVIDIA GPU; on cpu"),
    ],
)
def test_missing_hardware_is_an_error_message(settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        fit(network(), TRAIN, VALID, **settings)


def test_it_prints_only_progress(capfd, monkeypatch):
    monkeypatch.setattr(progress, "SHOW_AFTER", 3600.0)  # also on a busy machine
    monkeypatch.setattr(loop, "_SHORT", 3600.0)
    fit(network(), TRAIN, VALID, epochs=3)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(progress, "SHOW_AFTER", 0.0)
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    fit(network(), TRAIN, VALID, epochs=3)
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert all(line.startswith("training: ") and "rows/s" in line for line in lines)
    assert "validation loss" in lines[-1]


def test_tensorboard_files_are_written_when_asked_for(tmp_path):
    fit(network(), TRAIN, VALID, tmp_path, epochs=1, tensorboard=True)
    assert list((tmp_path / "tensorboard").glob("events.*"))
