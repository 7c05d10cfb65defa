"""Commands on the raw text of the HDFS sample beside another checkout of LogRadar: the ratio of their times.

    python benchmarks/bench_detect.py --against ../logradar-before

With each checkout and its own code: `train` with the detector ``new_template`` (reading, mining of templates, learning
of rates), `detect` and `evaluate` with the default detector, three times in turn, in processes of their own. Printed
are CPU and wall seconds and the median of the ratios of each turn.
"""

from __future__ import annotations

import argparse
import lzma
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("LOGRADAR_DATA", "../shared/data"))
RUN = "import sys; from logradar.cli import main; sys.argv[0] = 'logradar'; main()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--against", type=Path, default=None, help="another checkout; without it only this one is timed"
    )
    parser.add_argument("--commands", default="train,detect,evaluate", help="what is timed, with commas between")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="the sample ten times over: 1.8 million lines")
    args = parser.parse_args()
    checkouts = {"here": HERE} | ({"there": args.against.resolve()} if args.against else {})
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        text = lzma.decompress((DATA / "hdfs" / "HDFS_2pct.log.xz").read_bytes())
        log = home / "hdfs.log"
        log.write_bytes(text if not args.full else b"".join(text.replace(b"blk_", b"blk_%d" % i) for i in range(10)))
        (home / "train.log").write_bytes(text)
        labels = ("--labels", str(DATA / "hdfs" / "HDFS_2pct_labels.csv.gz"))
        for name, checkout in checkouts.items():
            _run(
                checkout, "train", str(home / "train.log"), "-o", str(home / name), "split.test=0.5", *labels, "--quiet"
            )
        for command in args.commands.split(","):
            times: dict[str, list[tuple[float, float]]] = {name: [] for name in checkouts}
            for number in range(args.runs + 1):
                turns = list(checkouts.items())
                for name, checkout in turns if number % 2 else reversed(turns):
                    again = home / f"{name}-{command}-{number}"
                    arguments = {
                        "train": (str(log), "-o", str(again), "--detector", "new_template", "--quiet"),
                        "detect": (str(home / name), str(log), "--quiet", "--json"),
                        "evaluate": (str(home / name), str(home / "train.log"), *labels, "--quiet", "--json"),
                    }[command]
                    found = _run(checkout, command, *arguments)
                    if number:  # the first one fills the caches
                        times[name].append(found)
            _print(command, times)


def _print(command: str, times: dict[str, list[tuple[float, float]]]) -> None:
    medians = {
        name: [statistics.median(column) for column in zip(*found, strict=True)] for name, found in times.items()
    }
    for name, (cpu, wall) in medians.items():
        print(f"{command:8} {name:6} CPU {cpu:.2f} s, wall {wall:.2f} s (median of {len(times[name])})", flush=True)
    if "there" in medians:
        pairs = list(zip(times["here"], times["there"], strict=True))  # of one turn: the machine is as fast for both
        cpu, wall = ([here[place] / there[place] for here, there in pairs] for place in (0, 1))
        print(
            f"{command:8} here / there: CPU {statistics.median(cpu):.2f} ({min(cpu):.2f} to {max(cpu):.2f}), "
            f"wall {statistics.median(wall):.2f}",
            flush=True,
        )


def _run(checkout: Path, *arguments: str) -> tuple[float, float]:
    """CPU and wall seconds of a command with the code of ``checkout``."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src"), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process compiles all modules, which no user has
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], env=environment, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - began


if __name__ == "__main__":
    main()
