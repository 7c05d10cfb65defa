"""Trainings killed with SIGKILL in the middle of an epoch: after a resume, weights and reported losses are the same."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from logradar.training.checkpoints import newest

# What each process runs; with a number of batches, the first process kills itself in that many.
CODE = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
from logradar.training.loop import fit_network
from logradar.training.processes import leave, place
from logradar.training.rows import Rows
from logradar.training.settings import TrainingSettings
import torch

folder, resume, deadline = Path(sys.argv[1]), sys.argv[2] == "resume", int(sys.argv[3])
rng = np.random.default_rng(0)
x = rng.normal(size=(160, 4)).astype(np.float32)
rows = Rows({"x": x, "y": (x[:, 0] > 0).astype(np.int64)}, rng.integers(1, 9, 160))
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 2))
batches = 0

def objective(net, batch):
    global batches
    batches += net.training
    if place()[0] == 0 and batches == deadline:
        os.kill(os.getpid(), signal.SIGKILL)
    return torch.nn.functional.cross_entropy(net(batch["x"]), batch["y"], reduction="none"), batch["weights"]

settings = TrainingSettings(
    device="cpu", batch_size=4, epoch_steps=1, epochs=4, learning_rate=0.01, patience=0, resume=resume,
    checkpoint_steps=5, log_steps=1, accumulation=int(sys.argv[4]),
)
done = fit_network(net, objective, rows, rows, settings, folder / "run")
weights = b"".join(value.numpy().tobytes() for value in net.state_dict().values())
(folder / f"rank-{place()[0]}.json").write_text(json.dumps([weights.hex(), done.epochs, done.best]))
leave()
"""


def launched(folder: Path, processes: int, how: str, deadline: int, accumulation: int) -> subprocess.CompletedProcess:
    folder.mkdir(exist_ok=True)
    script = folder / "script.py"
    script.write_text(CODE)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    words = [str(script), str(folder), how, str(deadline), str(accumulation)]
    return subprocess.run(
        [sys.executable, *(launch if processes > 1 else []), *words],
        capture_output=True,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS="1"),
        timeout=180,
    )


def reported(folder: Path) -> dict[str, str]:
    """By step, what ``training.log`` said last of its losses and its learning rate."""
    lines = [line for line in (folder / "run" / "training.log").read_text().splitlines() if ", step " in line]
    figures = [re.sub(r", [\d,]+ rows/s.*", "", line.split(", step ")[1]) for line in lines]
    return dict(line.split(" of ", 1) for line in figures)


def history(folder: Path) -> list[dict[str, float]]:
    """The losses and learning rates of all epochs, without the figures of the machine."""
    epochs = json.loads((folder / "run" / "training_history.json").read_text())
    return [{key: epoch[key] for key in ("epoch", "step", "loss", "eval_loss", "learning_rate")} for epoch in epochs]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill a process at once")
@pytest.mark.slow
@pytest.mark.parametrize(("processes", "accumulation"), [(1, 1), (1, 2), (2, 1)])
def test_killed_in_the_middle_of_an_epoch(tmp_path, processes, accumulation):
    whole = launched(tmp_path / "whole", processes, "anew", 0, accumulation)
    assert whole.returncode == 0, whole.stderr
    epochs = history(tmp_path / "whole")
    steps = int(epochs[0]["step"])
    cut = launched(tmp_path / "cut", processes, "anew", int(2.6 * steps) * accumulation, accumulation)
    assert cut.returncode != 0
    assert processes > 1 or cut.returncode == -signal.SIGKILL
    step = int(newest(tmp_path / "cut" / "run").name.rpartition("-")[2])
    assert 2 * steps < step < 2.6 * steps
    done = launched(tmp_path / "cut", processes, "resume", 0, accumulation)
    assert done.returncode == 0, done.stderr
    for rank in range(processes):
        one, other = ((tmp_path / name / f"rank-{rank}.json").read_text() for name in ("whole", "cut"))
        assert json.loads(one) == json.loads(other)
    assert history(tmp_path / "cut") == epochs
    assert len(epochs) == 4
    before, after = reported(tmp_path / "whole"), reported(tmp_path / "cut")
    assert before == after
    assert len(before) == 4 * steps
    assert all("mean" in line for line in before.values())
