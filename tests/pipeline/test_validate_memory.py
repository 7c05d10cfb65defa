"""Validate holds no file: eight times the input needs the same memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from logradar.sources.radar.generate import DayShape, write_days

CODE = """
import json, sys
from logradar.core.memory import peak_mb
from logradar.model.settings import run_settings
from logradar.pipeline.validate import validate
facts = validate(sys.argv[1], run_settings(None, [], {}))
print(json.dumps([facts["sessions"], peak_mb()]))
"""


def peak(folder) -> tuple[int, float]:
    """Sessions of a folder, and the most memory in MB that counting them took."""
    done = subprocess.run([sys.executable, "-c", CODE, folder], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    sessions, megabytes = json.loads(done.stdout)
    return sessions, megabytes


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process itself")
def test_memory_does_not_grow_with_the_input(tmp_path):
    shape = DayShape(distinct=2 << 20)
    small, large = tmp_path / "small", tmp_path / "large"
    write_days(small, 2, 20_000_000, 1, shape)
    write_days(large, 16, 20_000_000, 1, shape)
    few, before = peak(small)
    many, after = peak(large)
    assert many > 7.5 * few
    assert after < 600
    assert after < 1.25 * before  # threads and allocator need a while until they have what they keep
