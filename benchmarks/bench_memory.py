"""Day files in flat memory: `logradar validate` and `logradar prepare` on folders of growing size.

    python benchmarks/bench_memory.py [--full] [--sizes 1,4,16] [--folder DIR] [--commands validate,prepare] [--json]

The folders are simulated (`logradar simulate --format radar-json`), in files of 250 MB. Each command is the
command line in its own process. Its memory is given by two figures: the highest sum over all its processes of their
private memory plus their share of what they have in common (PSS), sampled ten times a second; and the
highest resident size that any one process had (VmHWM), which the system keeps. Throughput is
bytes of input a second. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

GB = 10**9
FILES = 4  # per GB; RADAR's own 324 files have 420 MB on average
EVERY = 0.1  # seconds between two looks at a process
LOGRADAR = (sys.executable, "-c", "from logradar.cli import main; main()")
OUTPUT = 0.6  # room for what is prepared, in bytes per byte of input


def children(pid: int) -> list[int]:
    """A process and all that it started, as far as they are still there."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += children(int(child))
    except OSError:
        pass
    return found


def memory(pid: int) -> tuple[int, int]:
    """PSS now and the highest resident size so far of a process, in bytes; 0 once it is gone."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0, 0
    return _kilobytes(rollup, "Pss:"), _kilobytes(status, "VmHWM:")


def _kilobytes(text: str, name: str) -> int:
    return next((int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith(name)), 0)


def watch(command: list[str]) -> dict[str, Any]:
    """Run a command; seconds, peaks over its processes, and how many there were at once. Ends here if it fails."""
    began = time.perf_counter()
    together = alone = processes = 0
    with tempfile.TemporaryFile() as told:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told) as running:
            while running.poll() is None:
                found = [memory(pid) for pid in children(running.pid)]
                together = max(together, sum(pss for pss, _ in found))
                alone = max([alone, *(high for _, high in found)])
                processes = max(processes, len(found))
                time.sleep(EVERY)
        seconds = time.perf_counter() - began
        if running.returncode:
            told.seek(0)
            sys.exit(f"{' '.join(command)} ended with {running.returncode}:\n{told.read().decode()}")
    return {
        "seconds": round(seconds, 1),
        "peak_tree_mb": round(together / 1e6, 1),
        "peak_process_mb": round(alone / 1e6, 1),
        "processes": processes,
    }


def measure(folder: Path, size: float, commands: list[str]) -> list[dict[str, Any]]:
    """One line per command on a folder of ``size`` GB, made here if it is not there yet."""
    from logradar.simulation.day_files import simulate_days
    from logradar.simulation.settings import DaySettings

    days, count = folder / f"days-{size:g}", max(1, round(size * FILES))
    if not (days / "simulation.json").is_file():
        simulate_days(days, settings=DaySettings(days=count, size=round(size * GB / count)))
    megabytes = sum(file.stat().st_size for file in days.glob("preprocessed_*.json")) / 1e6
    results = []
    for command in commands:
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        more = ["-o", str(out)] if command == "prepare" else []
        found = watch([*LOGRADAR, command, str(days), *more, "--quiet", "--json"])
        written = sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 1e6 if more else 0.0
        rate = round(megabytes / found["seconds"], 1)
        results.append(
            {"gb": size, "command": command, "mb_per_s": rate, **found, "written_mb": round(written, 1)}
            | {"hours_for_137_gb": round(137_000 / rate / 3600, 2)}
        )
        shutil.rmtree(out, ignore_errors=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="the sizes of docs/performance.md; without it a quick run")
    parser.add_argument("--sizes", help="GB of the folders, with commas between: 1,4,16 with --full, else 0.25,1")
    parser.add_argument("--commands", default="validate,prepare", help="what is measured, with commas between")
    parser.add_argument("--folder", type=Path, help="keep the generated folders here and use them again")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    sizes = [float(size) for size in (options.sizes or ("1,4,16" if options.full else "0.25,1")).split(",")]
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    kept = nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory(prefix="bench-memory-")
    with kept as scratch:
        folder = Path(scratch)
        there = {size for size in sizes if (folder / f"days-{size:g}" / "simulation.json").is_file()}
        needed = (sum(size for size in sizes if size not in there) + max(sizes) * OUTPUT) * GB
        free = shutil.disk_usage(folder).free
        if needed > free:
            sys.exit(
                f"'{folder}' has {free / GB:.0f} GB free, {needed / GB:.0f} GB are needed: choose smaller --sizes or "
                "another --folder."
            )
        lines = [line for size in sizes for line in measure(folder, size, options.commands.split(","))]
    report(lines, options.json)


def report(lines: list[dict[str, Any]], as_json: bool) -> None:
    """One table (or JSON); of each command, how much more memory its largest folder took than its smallest."""
    growth = {}
    for command in {line["command"] for line in lines}:
        peaks = [line["peak_tree_mb"] for line in lines if line["command"] == command]
        growth[command] = round(peaks[-1] / peaks[0] - 1, 3)
    if as_json:
        print(json.dumps({"load": os.getloadavg()[0], "cores": os.cpu_count(), "results": lines, "growth": growth}))
        return
    head = ("GB", "command", "MB/s", "seconds", "tree MB", "process MB", "processes", "written MB", "137 GB: h")
    print(f"{head[0]:>5} {head[1]:<10}" + "".join(f"{name:>12}" for name in head[2:]))
    for line in lines:
        figures = [line[name] for name in list(line)[2:]]
        print(f"{line['gb']:>5g} {line['command']:<10}" + "".join(f"{figure:>12,}" for figure in figures))
    for command, more in sorted(growth.items()):
        print(f"{command}: peak memory of the largest folder {more:+.1%} against the smallest")


if __name__ == "__main__":
    main()
