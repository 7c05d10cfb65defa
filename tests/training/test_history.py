"""The history of a training: from the log of the `Trainer` to entries per epoch."""

from __future__ import annotations

import json

import pytest

from logradar.training.history import epochs_of, machine_figures, stale, write

LOG = [
    {"loss": 0.9, "learning_rate": 0.1, "grad_norm": 3.0, "epoch": 1.0, "step": 5},
    {"eval_loss": 0.8, "epoch": 1.0, "step": 5},
    {"loss": 0.5, "learning_rate": 0.1, "epoch": 2.0, "step": 10},
    {"eval_loss": 0.6, "epoch": 2.0, "step": 10},
    {"train_loss": 0.7, "epoch": 2.0, "step": 10},
]


def test_an_entry_per_epoch():
    assert epochs_of(LOG) == [
        {"epoch": 1, "step": 5, "loss": 0.9, "learning_rate": 0.1, "eval_loss": 0.8},
        {"epoch": 2, "step": 10, "loss": 0.5, "learning_rate": 0.1, "eval_loss": 0.6},
    ]


@pytest.mark.parametrize(
    ("losses", "since"),
    [
        ([], 0),
        ([1.0], 0),
        ([1.0, 0.9, 0.8], 0),
        ([1.0, 0.99, 0.98], 2),  # each falls by less than 0.05
        ([1.0, 0.98, 0.96, 0.94], 0),  # together they fall by more: the last one is lower than the best
        ([1.0, 0.5, 0.6, 0.7], 2),
    ],
)
def test_stale_counts_since_the_last_real_fall(losses, since):
    assert stale(losses, 0.05) == since


def test_the_file_is_json(tmp_path):
    write(tmp_path, epochs_of(LOG))
    assert json.loads((tmp_path / "training_history.json").read_text())[1]["eval_loss"] == 0.6
    assert [path.name for path in tmp_path.iterdir()] == ["training_history.json"]


def test_figures_of_the_machine_are_only_in_the_file(tmp_path):
    machine = {2: {"seconds": 1.5, "rows_per_second": 20.0, "gpus": [{"index": 0, "watts": 350.0}]}}
    write(tmp_path, epochs_of(LOG), machine)
    rows = json.loads((tmp_path / "training_history.json").read_text())
    assert rows[0] == epochs_of(LOG)[0]
    assert rows[1] == epochs_of(LOG)[1] | machine[2]
    assert machine_figures(tmp_path) == {1: {}} | machine
    (tmp_path / "training_history.json").write_text("[3")
    assert machine_figures(tmp_path) == machine_figures(tmp_path / "none") == {}


def test_losses_of_objectives_are_kept_and_those_of_the_whole_training_are_not():
    log = [
        {"loss": 0.9, "loss_masked": 0.4, "epoch": 1.0, "step": 5},
        {"eval_loss": 0.8, "eval_loss_masked": 0.3, "epoch": 1.0, "step": 5, "train_loss": 3.0},
    ]
    expected = {"epoch": 1, "step": 5, "loss": 0.9, "loss_masked": 0.4, "eval_loss": 0.8, "eval_loss_masked": 0.3}
    assert epochs_of(log) == [expected]
