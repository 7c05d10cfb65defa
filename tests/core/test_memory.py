"""Freed memory goes back to the system; the peak is that of the process itself."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from logradar.core import memory

SCRIPT = """
import numpy as np
from logradar.core.memory import give_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

del (raised := [np.ones(4_000_000)])[:]  # 32 MB that are mapped and freed: from now on arrays up to this size are kept
arrays = [np.ones(12_500) for _ in range(2_000)]  # 200 MB
last = np.ones(12_500)  # lies behind them, so that the end of the heap stays
del arrays
before = resident()
give_back()
print(before - resident())
"""


@pytest.mark.skipif(memory._trim() is None or sys.platform != "linux", reason="the C library is not glibc")
def test_freed_arrays_go_back():
    found = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert int(found.stdout) > 100_000_000


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(memory, "_trim", lambda: None)
    memory.give_back()


PEAK = """
from logradar.core.memory import peak_mb

before = peak_mb()
some = b"x" * (300 << 20)
print(before, peak_mb())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what the process that started another one held")
def test_the_peak_is_of_the_process_itself():
    _large = np.ones(100 << 20)  # 800 MB
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    assert before < 300
    assert 290 < after - before < 310
