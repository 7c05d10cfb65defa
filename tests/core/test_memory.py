"""Freed memory goes back to the system; the peak is that of the process itself."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from logradar.core import heaps, memory

GLIBC = pytest.mark.skipif(
    heaps.of_glibc("mallopt") is None or sys.platform != "linux", reason="the C library is not glibc"
)

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


@GLIBC
def test_freed_arrays_go_back():
    found = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert int(found.stdout) > 100_000_000


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(heaps, "of_glibc", lambda name: None)
    memory.give_back()
    heaps.share_heaps()


HEAPS = """
import sys, threading

gate, arrays = threading.Barrier(9), []

def work():
    arrays.append(bytearray(60_000))  # of the heap of this thread
    gate.wait()
    gate.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in threads]
gate.wait()
# glibc maps each further heap as 64 MB of address space, most of it without access
found = sum(line.split()[1] == "---p" and 60 << 20 < size <= 64 << 20 for line in open("/proc/self/maps")
            for low, high in [line.split()[0].split("-")] for size in [int(high, 16) - int(low, 16)])
print(found, file=sys.stderr)
gate.wait()
"""
SHARED = "from logradar.core.heaps import share_heaps\nshare_heaps()\n"
COMMAND = """
import sys
from logradar.cli import main

sys.argv = ["logradar", "--version"]
try:
    main()
except SystemExit:
    pass
"""


@GLIBC
def test_threads_of_a_command_share_two_heaps():
    def further_heaps(script: str) -> int:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return int(done.stderr)

    assert further_heaps(HEAPS) > 1
    assert further_heaps(SHARED + HEAPS) <= 1
    assert further_heaps(COMMAND + HEAPS) <= 1


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
