"""Several processes train one network: every row read by one of them, equal weights, one that writes and talks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from logradar.training.rows import Rows
from logradar.training.trainer import Order

# What each process runs: it notes the rows that it learnt from, and the weights that it ended with.
CODE = """
import json, sys
from pathlib import Path
import numpy as np
from logradar.core import progress
from logradar.training.loop import fit_network
from logradar.training.processes import leave, place
from logradar.training.rows import Rows
from logradar.training.settings import TrainingSettings
import torch

folder, resume = Path(sys.argv[1]), sys.argv[2] == "resume"
epochs, given = int(sys.argv[3]), json.loads(sys.argv[4])
progress.SHOW_AFTER = progress.LINE_EVERY = 0.0 if place()[0] == 0 else 1e9
rng = np.random.default_rng(0)
x = rng.normal(size=(106, 4)).astype(np.float32)
rows = Rows({"x": x, "y": (x[:, 0] > 0).astype(np.int64), "id": np.arange(106)}, np.ones(106))
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(given.pop("dropout", 0.2)), torch.nn.Linear(8, 2))
read = []

def objective(net, batch):
    if net.training:
        read.extend(batch["id"][batch["weights"] > 0].tolist())
    return torch.nn.functional.cross_entropy(net(batch["x"]), batch["y"], reduction="none"), batch["weights"]

settings = TrainingSettings(
    **dict(device="cpu", batch_size=16, epoch_steps=1, learning_rate=0.01, patience=0) | given,
    epochs=epochs, resume=resume,
)
done = fit_network(net, objective, rows, rows, settings, folder / "run")
weights = b"".join(value.numpy().tobytes() for value in net.state_dict().values())
(folder / f"rank-{place()[0]}.json").write_text(json.dumps([sorted(read), weights.hex(), done.epochs]))
leave()
"""


def together(folder: Path, resume: str, epochs: int, processes: int = 2, **given) -> tuple[list[list], str]:
    """Run the code in some processes; what each of them noted, and what they said."""
    script = folder / "script.py"
    script.write_text(CODE)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    done = subprocess.run(
        [*launch, str(script), str(folder), resume, str(epochs), json.dumps(given)],
        capture_output=True,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS="1"),
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [
        json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(processes)
    ], done.stdout + done.stderr


def test_two_processes_read_each_row_once_and_end_with_equal_weights(tmp_path):
    (first, second), said = together(tmp_path, "anew", 3)
    assert first[1] == second[1]
    assert first[2] == second[2]
    assert sorted(first[0] + second[0]) == sorted([*range(106)] * 3)  # 7 batches: no row twice to make them even
    assert 40 * 3 < len(second[0]) < 60 * 3
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        *("checkpoints", "training_history.json", "tensorboard", "training.json", "training.log")
    }
    assert (tmp_path / "run" / "training.log").read_text().count("in 2 processes") == 1
    assert len(list((tmp_path / "run" / "tensorboard").iterdir())) == 1
    assert "find_unused" not in said
    assert all(line.startswith("training: ") for line in said.splitlines())


@pytest.mark.slow
def test_two_processes_go_on_to_the_same_weights(tmp_path):
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole, _ = together(tmp_path / "whole", "anew", 4)
    together(tmp_path / "cut", "anew", 2)
    cut, _ = together(tmp_path / "cut", "resume", 4)
    assert cut[0][1] == cut[1][1] == whole[0][1]


@pytest.mark.slow
def test_accumulated_batches_of_three_processes_are_one_step_on_all_rows(tmp_path):
    """7 batches: two processes accumulate a batch of weight 0 as their third."""
    ended = []
    for processes, batch, accumulation in ((1, 106, 1), (3, 16, 3)):
        folder = tmp_path / str(processes)
        folder.mkdir()
        given = {"batch_size": batch, "accumulation": accumulation, "dropout": 0.0, "schedule": "constant"}
        ranks, _ = together(folder, "anew", 4, processes, **given)
        assert all(rank[1:] == ranks[0][1:] for rank in ranks)
        ended.append(ranks[0])
    one, three = (np.frombuffer(bytes.fromhex(weights), np.float32) for _, weights, _ in ended)
    np.testing.assert_allclose(three, one, rtol=1e-4, atol=1e-6)
    for first, second in zip(ended[0][2], ended[1][2], strict=True):
        assert first["step"] == second["step"]
        assert second["loss"] == pytest.approx(first["loss"], rel=1e-5)
        assert second["eval_loss"] == pytest.approx(first["eval_loss"], rel=1e-5)


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_an_order_cuts_batches_among_processes(ranks):
    rows = Rows({"id": np.arange(106)}, np.ones(106))
    orders = [Order(rows, 16, 10, 4, rank, ranks) for rank in range(ranks)]
    assert len({len(order) for order in orders}) == 1
    read = [index % len(rows) for order in orders for batch in order for index in batch]
    assert sorted(read) == sorted([*range(106)] * orders[0].passes)
    assert all(len(list(order)) == len(order) >= 10 for order in orders)
