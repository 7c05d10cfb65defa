"""What changes of rates cost: CPU seconds and memory of `detect` with and without them, in one run.

python benchmarks/bench_rates.py [--days 2]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from logradar.model.settings import run_settings
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate

DETECT = """
import sys, time, resource
from pathlib import Path
from logradar.pipeline.detect import detect
began = time.process_time()
found = detect(Path(sys.argv[1]), sys.argv[2])
print(time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, found.figures["records"])
"""


def measured(bundle: Path, log: Path) -> tuple[float, float, int]:
    """CPU seconds, MB at the peak and records of one detection in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", DETECT, str(bundle), str(log)], capture_output=True, text=True, check=True
    )
    seconds, peak, records = done.stdout.split()
    return float(seconds), float(peak), int(records)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        simulate(home / "train", days=1, faults="none", seed=1, lines_per_day=200_000)
        simulate(home / "new", days=given.days, faults="none", seed=2, start="2026-03-03")
        for name, enabled in (("with", "true"), ("without", "false")):
            train(str(home / "train"), home / name, run_settings(None, [f"rates.enabled={enabled}"]))
        rows = {
            name: [measured(home / name, home / "new") for _ in range(given.rounds)] for name in ("without", "with")
        }
    best = {name: min(row[0] for row in found) for name, found in rows.items()}
    for name, found in rows.items():
        print(f"{name:8} {best[name]:6.1f} CPU s, {max(row[1] for row in found):,.0f} MB, {found[0][2]:,} records")
    print(f"ratio {best['with'] / best['without']:.3f}")
    print(f"(this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB)")


if __name__ == "__main__":
    main()
