"""Every network trains in several processes, whatever the number of rows, and where one fails the others end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from logradar.detectors.base import detectors
from logradar.detectors.neural.body import NeuralDetector

NETWORKS = [name for name in detectors.names() if issubclass(detectors.load(name), NeuralDetector)]
# What each process runs: for every network and number of rows it notes the weights that it ended with.
CODE = """
import hashlib, json, os, random, signal, sys, time
from pathlib import Path
from logradar.core.config import validated
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import detectors
from logradar.training.processes import leave, place
from tests.detectors.session_rows import sessions

folder, cases = Path(sys.argv[1]), json.loads(sys.argv[2])

def some(count, seed):
    rng = random.Random(seed)
    return sessions([[rng.randint(3, 12) for _ in range(rng.randint(2, 9))] for _ in range(count)])

ended = []
for number, (name, train, valid, settings) in enumerate(cases):
    few = dict(device="cpu", batch_size=8, epochs=2, epoch_steps=1, tensorboard=False)
    training = TrainingSet.of_tables(some(train, 1), some(valid, 2), folder / str(number))
    kind = detectors.load(name)
    detector = kind(validated(kind.Settings, settings | {"training": few | settings.get("training", {})}))
    fault = os.environ.get("FAULT", "none")
    if fault != "none" and place()[0] == place()[1] - 1:
        loss, calls = detector._loss, []
        def failing(network, batch):
            calls.append(1)
            if len(calls) == 3:
                {"dies": lambda: os.kill(os.getpid(), signal.SIGKILL), "fails": lambda: 1 / 0,
                 "stalls": lambda: time.sleep(3600), "freezes": lambda: os.kill(os.getpid(), signal.SIGSTOP)}[fault]()
            return loss(network, batch)
        detector._loss = failing
    detector.fit(training)
    scored = detector.score(some(5, 3))["score"].to_pylist()
    ended.append([hashlib.sha256(detector._weights).hexdigest(), detector.history, scored])
(folder / f"rank-{place()[0]}.json").write_text(json.dumps(ended))
leave()
"""
ROOT = Path(__file__).resolve().parents[2]


def command(folder: Path, cases: list) -> list[str]:
    """What one process runs."""
    script = folder / "script.py"
    script.write_text(CODE)
    return [str(script), str(folder), json.dumps(cases)]


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path} | more


def launched(folder: Path, processes: int, cases: list, fault: str = "none") -> subprocess.CompletedProcess[str]:
    """Run the code under `torchrun` (``torch.distributed.run``) until all processes have ended."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    ran = [*launch, *command(folder, cases)]
    return subprocess.run(ran, capture_output=True, text=True, env=environment(FAULT=fault), timeout=600)


def held_equal(folder: Path, processes: int, cases: list) -> None:
    """All processes end with the same weights, losses and scores."""
    done = launched(folder, processes, cases)
    assert done.returncode == 0, done.stderr
    ranks = [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(processes)]
    for case, *ended in zip(cases, *ranks, strict=True):
        assert all(one == ended[0] for one in ended), case
        assert len(ended[0][1]) == 2


@pytest.mark.slow
def test_networks_train_in_three_processes(tmp_path):
    """Rows that do not divide, and fewer batches to validate than processes."""
    held_equal(tmp_path, 3, [[name, 37, 5, {}] for name in ("deeplog", "logbert")])  # all four: slow


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 3])
def test_all_networks_end_with_equal_weights_for_any_number_of_rows(tmp_path, processes):
    """One row; more validation batches than processes; rows on disk; buffers, accumulation and bf16."""
    cases = [[name, *rows, {}] for name in NETWORKS for rows in ((1, 1), (37, 5), (50, 0))]
    cases += [["deeplog", 20, 900, {}], ["deeplog", 37, 5, {"training": {"stream": "always", "buffer": 50}}]]
    cases += [["logbert", 23, 7, {"hypersphere": 0.1, "training": {"accumulation": 3, "precision": "bf16"}}]]
    held_equal(tmp_path, processes, cases)


@pytest.mark.slow
def test_a_process_that_stalls_ends_all(tmp_path):
    began = time.monotonic()
    done = launched(tmp_path, 2, [["deeplog", 37, 5, {"training": {"stall_seconds": 3}}]], "stalls")
    assert done.returncode != 0
    assert time.monotonic() - began < 120
    assert "had no batch for 3 s" in done.stderr
    assert not list(tmp_path.glob("rank-*.json"))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["dies", "fails", "freezes"])
def test_where_a_process_is_lost_the_other_ends_with_a_sentence(tmp_path, fault):
    """Without `torchrun`, which would end the other one itself."""
    patience = 3 if fault == "freezes" else 600
    ran = [sys.executable, *command(tmp_path, [["deeplog", 37, 5, {"training": {"stall_seconds": patience}}]])]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    both = [
        subprocess.Popen(ran, stderr=subprocess.PIPE, text=True, env=environment(FAULT=fault, RANK=str(rank), **place))
        for rank in range(2)
    ]
    try:
        said = both[0].communicate(timeout=120)[1]
    finally:
        for process in both:
            process.kill()
            process.communicate()
    assert both[0].returncode != 0
    expected = "process 0 of 2 (from 0) had no batch for 3 s" if fault == "freezes" else "Process 0 of 2 (from 0) ends"
    assert expected in said
