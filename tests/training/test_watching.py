"""What people see of a training: the panel, plain lines, `training.log`, TensorBoard, GPUs, other trackers.

There is no NVIDIA GPU where these tests run: a stand-in for NVML shows that its figures are read in the right
units and that what a card does not tell is left out. Whether NVML itself works is not tested here.
"""

from __future__ import annotations

import io
import json
import re
import sys
import types

import numpy as np
import pytest
from rich.console import Console
from tests.training.test_loop import TRAIN, VALID, fit, network, objective, weights

from logradar.core import progress
from logradar.core.errors import ConfigError
from logradar.training import trackers
from logradar.training.gpus import Gpu, GpuRecord, Gpus
from logradar.training.live_view import TrainingView
from logradar.training.loop import fit_network
from logradar.training.settings import TrainingSettings
from logradar.training.status import Status


def nvml(**missing) -> types.ModuleType:
    """A module with NVML's names for two cards, the second of which knows neither power nor temperature."""

    def first_only(value):
        def ask(handle, *_):
            if handle:
                raise RuntimeError("Not Supported")
            return value

        return ask

    fake = types.ModuleType("pynvml")
    fake.NVML_TEMPERATURE_GPU = 0
    fake.nvmlInit = lambda: None
    fake.nvmlDeviceGetCount = lambda: 2
    fake.nvmlDeviceGetHandleByIndex = lambda index: index
    fake.nvmlDeviceGetMemoryInfo = lambda handle: types.SimpleNamespace(used=3 * 2**29, total=80 * 2**30)
    fake.nvmlDeviceGetUtilizationRates = lambda handle: types.SimpleNamespace(gpu=97, memory=40)
    fake.nvmlDeviceGetTemperature = first_only(61)
    fake.nvmlDeviceGetPowerUsage = first_only(350_400)
    for name, value in missing.items():
        setattr(fake, name, value)
    return fake


def test_figures_of_gpus_are_read_in_their_units(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [str(gpu) for gpu in Gpus().read()] == [
        "GPU 0, 1.5 of 80.0 GiB, 97 % busy, 61 °C, 350 W",
        "GPU 1, 1.5 of 80.0 GiB, 97 % busy",
    ]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert [gpu.index for gpu in Gpus().read()] == [1]


def test_without_nvidia_there_is_nothing_and_no_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)  # importing it fails
    assert Gpus().read() == []

    def fails():
        raise RuntimeError("Driver Not Loaded")

    monkeypatch.setitem(sys.modules, "pynvml", nvml(nvmlInit=fails))
    assert Gpus().read() == []


def test_the_panel_shows_all_known_figures():
    status = Status("deeplog", epochs=3, steps=300, epoch=2, step=142, loss=0.5, mean=0.61234, rate=0.01)
    status.eval_loss, status.best, status.rows, status.total = 0.7, 0.65, 1420.0, 2840.0
    status.began -= 71
    view = TrainingView(status, 3000.0)
    view.done = 1500.0
    status.gpus = [Gpu(0, 2**30, 2**31, 50, None, None)]
    out = io.StringIO()
    Console(file=out, width=100).print(view.render())
    text = out.getvalue()
    for part in ("epoch 2 of 3", "50%", "142 of 300", "0.5000", "0.6123", "0.7000 (best 0.6500)", "0.01", "20", "1:11"):
        assert part in text
    assert "1:11 at most" in text
    assert "GPU 0, 1.0 of 2.0 GiB, 50 % busy" in text
    assert max(map(len, text.splitlines())) <= 80


def test_before_the_first_step_the_panel_shows_dashes():
    out = io.StringIO()
    Console(file=out, width=100).print(TrainingView(Status("x", 1, 10), 10.0).render())
    assert "–" in out.getvalue()


def test_a_terminal_gets_the_panel(monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "SHOW_AFTER", 0.0)
    fit(network(), TRAIN, VALID, epochs=3)
    assert "training training" in screen.getvalue()
    assert "validation loss" in screen.getvalue()
    assert capsys.readouterr().out == ""


def test_the_log_has_a_line_for_steps_epochs_and_the_end(tmp_path):
    done = fit(network(), TRAIN, VALID, tmp_path, epochs=2, log_steps=5, patience=0)
    lines = (tmp_path / "training.log").read_text().splitlines()
    assert all(line[:4].isdigit() and line[19:25] == "+00:00" for line in lines)
    texts = [line.split(" ", 1)[1] for line in lines]
    assert texts[0].startswith(f"training: begins, {len(TRAIN.even())} rows an epoch, 40 to validate, on cpu")
    steps = [line for line in texts if "step" in line]
    assert len(steps) == done.steps // 5
    assert all("loss" in line and "mean" in line and "learning rate" in line and "rows/s" in line for line in steps)
    times = re.compile(r"elapsed \d+:\d\d, \d+:\d\d left at most$")
    assert all(times.search(line) for line in steps)
    first = done.epochs[0]
    said = f"epoch 1, loss {first['loss']:.4f}, validation loss {first['eval_loss']:.4f}: the best so far; elapsed"
    (line,) = [line for line in texts if line.startswith(said)]
    assert times.search(line)
    assert texts[-1].startswith("training: ended after 2 epochs")


def test_a_resumed_training_goes_on_in_the_same_log(tmp_path):
    fit(network(), TRAIN, VALID, tmp_path, epochs=1, patience=0)
    fit(network(), TRAIN, VALID, tmp_path, epochs=2, patience=0, resume=True)
    text = (tmp_path / "training.log").read_text()
    assert text.count("training: begins") == 1
    assert text.count("goes on from checkpoint-") == 1
    fit(network(), TRAIN, VALID, tmp_path, epochs=1, patience=0)
    assert "goes on" not in (tmp_path / "training.log").read_text()


def test_the_running_mean_at_the_end_of_an_epoch_is_its_loss(tmp_path):
    """Both are weighted means over the same batches."""
    steps = fit(network(), TRAIN, VALID, epochs=1).steps
    done = fit(network(), TRAIN, VALID, tmp_path, epochs=1, log_steps=steps)
    line = next(line for line in (tmp_path / "training.log").read_text().splitlines() if "step" in line)
    assert f"mean {done.epochs[0]['loss']:.4f}" in line


def test_tensorboard_can_read_what_is_written_without_being_asked(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = fit(network(), TRAIN, VALID, tmp_path, epochs=3, log_steps=2, patience=0)
    assert len(list((tmp_path / "tensorboard").glob("*.tfevents"))) == 1
    read = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert set(read.Tags()["scalars"]) >= {"loss/step", "loss/mean", "loss/epoch", "loss/validation", "learning_rate"}
    values = [event.value for event in read.Scalars("loss/validation")]
    assert values == pytest.approx([epoch["eval_loss"] for epoch in done.epochs], rel=1e-5)
    assert len(read.Scalars("loss/step")) == done.steps // 2


def test_without_a_gpu_neither_history_nor_tensorboard_has_its_figures(tmp_path, monkeypatch):
    """The real reader, on a machine without NVIDIA's driver; where there is one, the figures are its own."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    there = Gpus().read()
    read_them = Gpus()
    monkeypatch.setattr("logradar.training.loop.Gpus", lambda: read_them)
    fit(network(), TRAIN, VALID, tmp_path, epochs=2, log_steps=2, patience=0)
    rows = json.loads((tmp_path / "training_history.json").read_text())
    assert all(row["seconds"] >= 0 and row["rows_per_second"] > 0 for row in rows)
    assert all(("gpus" in row) == bool(there) for row in rows)
    tags = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Tags()["scalars"]
    assert any(tag.startswith("gpu") for tag in tags) == bool(there)


def test_figures_of_gpus_are_summed_up_by_epoch(monkeypatch):
    """Peaks of memory and temperature, means of the others; what a card does not tell is left out."""
    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    gpus, record = Gpus(), GpuRecord()
    record.add(gpus.read())
    record.add([Gpu(0, 6 * 2**29, 80 * 2**30, 3, 55, 100.0)])
    first, second = record.summary()
    assert first == {
        "index": 0,
        "memory_gib": 3.0,
        "memory_total_gib": 80.0,
        "busy_percent": 50.0,
        "celsius": 61,
        "watts": 225.2,
    }
    assert second == {"index": 1, "memory_gib": 1.5, "memory_total_gib": 80.0, "busy_percent": 97.0}
    assert record.summary() == []


def test_figures_of_gpus_are_in_log_history_and_tensorboard(tmp_path, monkeypatch):
    """The stand-in for NVML behind the real reader: a whole training on the CPU records what it reads."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from logradar.training import loop

    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    real = loop.TrainingView
    monkeypatch.setattr(loop, "TrainingView", lambda status, total, gpus: real(status, total, Gpus()))
    done = fit(network(), TRAIN, VALID, tmp_path, epochs=2, log_steps=2, patience=0)
    rows = json.loads((tmp_path / "training_history.json").read_text())
    assert [gpu["index"] for row in rows for gpu in row["gpus"]] == [0, 1, 0, 1]
    assert rows[1]["gpus"][0]["watts"] == 350.4 and "watts" not in rows[1]["gpus"][1]
    assert "gpus" not in done.epochs[0]  # a bundle's history is the same on every machine
    read = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    tags = set(read.Tags()["scalars"])
    assert {f"gpu0/{name}" for name in ("memory_gib", "busy_percent", "celsius", "watts")} <= tags
    assert "gpu1/busy_percent" in tags and "gpu1/watts" not in tags
    assert read.Scalars("gpu0/busy_percent")[0].value == 97.0
    assert "GPU 0, 1.5 of 80.0 GiB, 97 % busy, 61 °C, 350 W" in (tmp_path / "training.log").read_text()


def test_figures_of_the_machine_survive_an_interruption(tmp_path):
    fit(network(), TRAIN, VALID, tmp_path, epochs=1, patience=0)
    first = json.loads((tmp_path / "training_history.json").read_text())[0]
    fit(network(), TRAIN, VALID, tmp_path, epochs=2, patience=0, resume=True)
    rows = json.loads((tmp_path / "training_history.json").read_text())
    assert rows[0] == first and rows[1]["seconds"] >= 0


def test_each_objective_has_a_loss_of_its_own(tmp_path):
    """The loss is their mean, weighted by their predictions."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def two(net, batch):
        losses, heavy = objective(net, batch)
        return losses, heavy, batch["y"]  # rows of one class are one objective

    given = TrainingSettings(device="cpu", batch_size=16, epoch_steps=1, epochs=2, log_steps=1, patience=0)
    done = fit_network(network(), two, TRAIN, VALID, given, tmp_path, parts=("no", "yes", "never"))
    plain = fit_network(network(), objective, TRAIN, VALID, given)
    heavy = [float(VALID.weights[VALID.arrays["y"] == number].sum()) for number in (0, 1)]
    for row, other in zip(done.epochs, plain.epochs, strict=True):
        assert row["loss"] == other["loss"] and row["eval_loss"] == other["eval_loss"]
        parts = [row["eval_loss_no"], row["eval_loss_yes"]]
        assert row["eval_loss"] == pytest.approx(np.average(parts, weights=heavy), rel=1e-5)
        assert min(row["loss_no"], row["loss_yes"]) < row["loss"] < max(row["loss_no"], row["loss_yes"])
        assert not any("never" in name for name in row)
    last = done.epochs[-1]
    said = f"validation loss {last['eval_loss']:.4f} (no {last['eval_loss_no']:.4f}, yes {last['eval_loss_yes']:.4f})"
    assert said in (tmp_path / "training.log").read_text()
    tags = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Tags()["scalars"]
    assert {"loss/epoch_no", "loss/epoch_yes", "loss/validation_no", "loss/validation_yes"} <= set(tags)


def test_watching_changes_no_weight(tmp_path):
    nets = [network(0.2), network(0.2)]
    fit(nets[0], TRAIN, VALID, tmp_path, epochs=2, log_steps=1)
    fit(nets[1], TRAIN, VALID, epochs=2, tensorboard=False, log_steps=1000)
    assert weights(nets[0]) == weights(nets[1])


def test_a_tracker_that_breaks_is_left_out_and_training_goes_on(tmp_path, monkeypatch, capsys):
    def full(self, step, points):
        raise OSError("No space left on device")

    monkeypatch.setattr(trackers.TensorBoard, "add", full)
    done = fit(network(), TRAIN, VALID, tmp_path, epochs=2, patience=0)
    assert len(done.epochs) == 2
    assert capsys.readouterr().err.count("TensorBoard is no longer used for this training: No space left") == 1


def test_weights_and_biases_that_is_not_there_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install wandb"):
        fit(network(), TRAIN, VALID, tmp_path, wandb=True)


def test_weights_and_biases_gets_the_figures_where_it_was_asked_for(monkeypatch, tmp_path):
    """A stand-in for its module: that its service is reached is not tested."""
    calls = {"begun": [], "points": [], "finished": 0}

    class Run:
        def log(self, points, step):
            calls["points"].append((step, points))

        def finish(self):
            calls["finished"] += 1

    fake = types.ModuleType("wandb")
    fake.__spec__ = types.SimpleNamespace(name="wandb")
    fake.init = lambda **given: calls["begun"].append(given) or Run()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    fit(network(), TRAIN, VALID, tmp_path, epochs=1, log_steps=5)
    assert calls["begun"] == []
    done = fit(network(), TRAIN, VALID, tmp_path, epochs=1, log_steps=5, wandb=True)
    assert calls["begun"][0]["config"]["learning_rate"] == 0.01
    assert calls["finished"] == 1
    assert calls["begun"][0]["dir"] == str(tmp_path)
    with trackers.runs_in(tmp_path / "runs"):
        fit(network(), TRAIN, VALID, tmp_path, epochs=1, wandb=True)
    assert calls["begun"][1]["dir"] == str(tmp_path / "runs")
    assert (tmp_path / "runs").is_dir()  # wandb takes another folder where this one is missing
    assert (done.steps, "loss/validation") in [(step, name) for step, points in calls["points"] for name in points]


@pytest.mark.parametrize("able", [True, False])
def test_gradient_checkpointing_where_the_network_can(able, capsys):
    """The same weights come out; a network that cannot says so, and trains."""
    import torch
    from transformers import BertConfig, BertModel

    class Bert(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            small = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8}
            self.bert = BertModel(BertConfig(vocab_size=4, **small), add_pooling_layer=False)
            self.out = torch.nn.Linear(8, 2)

        def forward(self, x):
            return self.out(self.bert(inputs_embeds=x.repeat(1, 2)[:, None]).last_hidden_state[:, 0])

    nets = [Bert(), Bert()] if able else [network(), network()]
    calls = [0, 0]
    if able:
        for place, net in enumerate(nets):

            def count(*_, place=place):
                calls[place] += 1

            net.bert.encoder.layer[0].attention.register_forward_pre_hook(count)
    for place, net in enumerate(nets):
        given = {
            "epochs": 1,
            "gradient_checkpointing": bool(place),
            "device": "cpu",
            "epoch_steps": 1,
            "batch_size": 16,
        }
        fit_network(net, objective, TRAIN, VALID, TrainingSettings(**given))
    assert weights(nets[0]) == weights(nets[1])
    assert ("cannot do gradient checkpointing" in capsys.readouterr().err) == (not able)
    if able:
        assert calls[1] > 1.5 * calls[0]
