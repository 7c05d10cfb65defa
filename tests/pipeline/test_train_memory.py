"""Training on a folder of day files that is larger than the memory allowed: the peak stays below it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "bench_training_memory.py"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process itself")
def test_four_gigabytes_train_in_less_than_two(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--gb", "4", "--folder", str(tmp_path / "days"), "--json"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["input_gb"] > 3.9
    assert 0 < found["peak_tree_mb"] < 2000
