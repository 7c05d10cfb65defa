"""Run the tests of learnt behaviour as other processors would round, and print a table of the outcomes.

`make test-processors`, or ``python -m tests.processors [FILE …] [--seeds 0 1 2] [--threads 1] [--processors avx2 …]``.
Exit status 1 when any test failed. The machine must have the instructions that are named (AVX2 for ``avx2``).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
PROCESSORS: dict[str, dict[str, str]] = {  # environment variables that choose the instructions of torch, oneDNN and MKL
    "native": {},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "default": {"ATEN_CPU_CAPABILITY": "default"},
    "sse4": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
}


@dataclass(frozen=True)
class Outcome:
    """What one run of the tests came to."""

    processor: str
    threads: int
    seed: int
    passed: int
    failures: list[str]
    seconds: float

    def line(self) -> str:
        """The run as a line of the table, with the tests that failed below it."""
        columns = f"{self.processor:<10}{self.threads:>8}{self.seed:>6}{self.passed:>8}{len(self.failures):>8}"
        return "\n    ".join([f"{columns}{self.seconds:>9.0f}", *self.failures])


def run(processor: str, threads: int, seed: int, selected: list[str]) -> Outcome:
    """Run the marked tests once in a process of their own."""
    chosen = {name for settings in PROCESSORS.values() for name in settings}
    inherited = {name: value for name, value in os.environ.items() if name not in chosen}
    settings = {"OMP_NUM_THREADS": str(threads), "LOGRADAR_TEST_SEED": str(seed), **PROCESSORS[processor]}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", "learnt", "-p", "no:cacheprovider", f"--junitxml={report}"]
        done = subprocess.run([*command, *selected], cwd=ROOT, env=inherited | settings, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"pytest ended with status {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        cases = list(ElementTree.parse(report).iter("testcase"))
    failures = list(_failures(cases))
    passed = sum(not list(case.iter("skipped")) for case in cases) - len(failures)
    return Outcome(processor, threads, seed, passed, failures, time.monotonic() - began)


def _failures(cases: list[ElementTree.Element]) -> Iterator[str]:
    for case in cases:
        for fault in (*case.iter("failure"), *case.iter("error")):
            yield f"{case.get('classname')}::{case.get('name')}: {(fault.get('message') or '').splitlines()[0][:120]}"


def main() -> int:
    """Run all combinations and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processors", nargs="+", choices=PROCESSORS, default=list(PROCESSORS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--at-once", type=int, default=1, help="runs at the same time")
    given, selected = parser.parse_known_args()  # the rest, given first, is for pytest: files, -k …
    print(f"{'processor':<10}{'threads':>8}{'seed':>6}{'passed':>8}{'failed':>8}{'seconds':>9}", flush=True)
    outcomes = []
    with ThreadPoolExecutor(given.at_once) as pool:
        combinations = product(given.processors, given.threads, given.seeds)
        for outcome in pool.map(lambda combination: run(*combination, selected or ["tests"]), combinations):
            outcomes.append(outcome)
            print(outcome.line(), flush=True)
    return int(any(outcome.failures or not outcome.passed for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
