"""Processes as they are in life: killed in the middle of a training, or several that train together."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.shop import write_log

from logradar.core.bundle import verify
from logradar.training.checkpoints import newest

LOGRADAR = [sys.executable, "-c", "from logradar.cli import main; main()"]
DEEP = "detectors.deeplog.training"
SETTINGS = [
    "beside=[]",
    f"{DEEP}.patience=0",
    f"{DEEP}.epoch_steps=30",
    f"{DEEP}.device=cpu",
    "detectors.deeplog.dropout=0.1",
]
WEIGHTS = Path("detectors") / "deeplog" / "weights.safetensors"
EPOCHS = 15
LIMIT = 120  # seconds; a busy machine needs some


def words(log: Path, bundle: Path, *more: str) -> list[str]:
    return ["train", str(log), "-o", str(bundle), "--detector", "deeplog", *SETTINGS, *more]


def run(command: list[str]) -> subprocess.CompletedProcess:
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
    assert done.returncode == 0, done.stderr
    return done


def reported(bundle: Path) -> dict[str, str]:
    """By step, what ``training.log`` said last of its losses and its learning rate."""
    lines = (bundle / "training" / "deeplog" / "training.log").read_text().splitlines()
    steps = [re.sub(r", [\d,]+ rows/s.*", "", line.split(", step ")[1]) for line in lines if ", step " in line]
    return dict(line.split(" of ", 1) for line in steps)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill a process at once")
def test_a_training_killed_by_the_system_goes_on_to_the_same_weights(tmp_path):
    log = write_log(tmp_path / "app.log", 120, seed=1)
    settings = [f"{DEEP}.epochs={EPOCHS}", f"{DEEP}.checkpoint_steps=7", f"{DEEP}.log_steps=1"]
    training = tmp_path / "cut.training"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": dict(os.environ, OMP_NUM_THREADS="1")}
    with (
        subprocess.Popen([*LOGRADAR, *words(log, tmp_path / "whole", *settings)], **quiet) as whole,
        subprocess.Popen([*LOGRADAR, *words(log, tmp_path / "cut", *settings)], **quiet) as cut,
    ):
        began = time.monotonic()
        while (found := newest(training / "deeplog")) is None or int(found.name.rpartition("-")[2]) % 30 in (0, 28):
            assert cut.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() - began < LIMIT
            time.sleep(0.01)
        cut.send_signal(signal.SIGKILL)
        assert cut.wait() == -signal.SIGKILL
        assert whole.wait() == 0
    assert not (tmp_path / "cut").exists()
    step = int(newest(training / "deeplog").name.rpartition("-")[2])
    assert 0 < step < EPOCHS * 30
    done = run([*LOGRADAR, *words(log, tmp_path / "cut", *settings), "--resume"])
    assert f"going on from checkpoint-{step}" in done.stderr
    assert (tmp_path / "cut" / WEIGHTS).read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()
    assert (tmp_path / "cut" / "history.json").read_bytes() == (tmp_path / "whole" / "history.json").read_bytes()
    assert reported(tmp_path / "cut") == reported(tmp_path / "whole")
    assert not training.exists()
    verify(tmp_path / "cut")
    assert f"goes on from checkpoint-{step}" in (tmp_path / "cut" / "training" / "deeplog" / "training.log").read_text()


LAUNCH = {
    "torchrun": ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"],
    "accelerate": [  # "multi_gpu" is its word for several processes, also without a GPU
        *("accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"),
        *("--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", sorted(LAUNCH))
@pytest.mark.parametrize("stream", ["never", "always"])
def test_two_processes_write_one_bundle(tmp_path, launcher, stream):
    """`torchrun` and `accelerate launch` with the command itself; memory and disk; one document on stdout."""
    log = write_log(tmp_path / "app.log", 200, seed=1)
    script = tmp_path / "logradar_command.py"
    script.write_text("from logradar.cli import main\nmain()\n")
    more = [f"{DEEP}.epochs=3", f"{DEEP}.stream={stream}", f"{DEEP}.batch_size=4", "--json"]
    done = run([sys.executable, "-m", *LAUNCH[launcher], str(script), *words(log, tmp_path / "b", *more)])
    figures = json.loads(done.stdout)
    assert figures["sessions"] == 200
    verify(tmp_path / "b")
    assert "in 2 processes" in (tmp_path / "b" / "training" / "deeplog" / "training.log").read_text()
    assert [path.name for path in tmp_path.glob("b*")] == ["b"]
    assert "Traceback" not in done.stderr
    run([*LOGRADAR, "detect", str(tmp_path / "b"), str(log), "--json"])


@pytest.mark.slow
def test_stdin_cannot_be_read_by_two_processes(tmp_path):
    script = tmp_path / "logradar_command.py"
    script.write_text("from logradar.cli import main\nmain()\n")
    launch = [sys.executable, "-m", *LAUNCH["torchrun"], str(script), "train", "-", "-o", str(tmp_path / "b")]
    done = subprocess.run(launch, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode != 0
    assert "Several processes cannot all read stdin" in done.stderr
