"""Two processes train a language model together, as `accelerate launch` starts them, to the loss of one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from logradar.training.accelerate_config import AccelerateSettings, write_accelerate_config

WORDS = ["--detector", "distilbert", "beside=[]", "detectors.distilbert.updates=0", "split.test=0.2"]
TRAINING = [f"detectors.distilbert.training.{word}" for word in ("epochs=6", "epoch_steps=30")]
CLOSE = 0.15  # of the validation loss: two processes take half as many steps, of twice the rows


def trained(folder: Path, log: Path, *launch: str) -> dict[str, float]:
    """The last epoch of a training of a log in ``folder``."""
    command = [*launch, "train", str(log), "-o", str(folder / "bundle"), "--force", *WORDS, *TRAINING]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "bundle" / "history.json").read_text())["distilbert"][-1]


@pytest.mark.slow
def test_two_processes_reach_the_loss_of_one(data_dir, tmp_path):
    log, here = data_dir.absolute() / "hdfs" / "HDFS_first20k.log.xz", Path(sys.executable).parent
    config = write_accelerate_config(tmp_path / "a.yaml", AccelerateSettings(processes=2, port=29_817, cpu=True))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    alone = trained(tmp_path / "one", log, str(here / "logradar"))
    accelerate = [str(here / "accelerate"), "launch", "--config_file", str(config), "--no_python"]
    together = trained(tmp_path / "two", log, *accelerate, str(here / "logradar"))
    assert together["epoch"] == alone["epoch"] == 6
    assert abs(together["eval_loss"] - alone["eval_loss"]) < CLOSE * alone["eval_loss"], (alone, together)
