"""`detect` on one machine and on Spark with one and two workers: wall and CPU seconds, memory, latency of a stream.

    python benchmarks/bench_spark.py [--full] [--copies 4] [--only batch,stream] [--masters 'local[1],local[2]']

The input are copies of the HDFS sample with other block ids, a file each. Every run is a process, measured with all
processes that it starts: CPU seconds, and the largest sum of their memory (proportional set size). Two sizes
are run, so that what a start costs and what a further line costs are told apart. The stream is fed one small segment
at a time; its latency is from the moment when a segment is there until its results are. Printed at the end is an
estimate for 1 TB of text, from the rate of a worker; nobody ran it.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from logradar.serving.arrivals import Arrival, arrivals_table
from logradar.serving.wal.frames import LINES, TICK, encode, payload_of

DATA = Path(os.environ.get("LOGRADAR_DATA", "../shared/data"))
TERABYTE = 10**12
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
MASTERS = "local[1],local[2]"


def processes(session: int) -> dict[int, tuple[float, int]]:
    """CPU seconds and memory (bytes) of each process of a session."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                cpu = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
                rollup = (stat.parent / "smaps_rollup").read_text().split("Pss:")[1].split()[0]
                found[int(stat.parent.name)] = cpu, int(rollup) << 10
        except (OSError, IndexError, ValueError):
            continue  # it has ended
    return found


def run(*words: str) -> dict[str, float]:
    """`logradar` with these words: wall and CPU seconds, and the largest memory of all its processes together."""
    began, cpu, memory = time.monotonic(), dict[int, float](), 0
    command = [sys.executable, "-m", "logradar", *words, "--quiet"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        while process.poll() is None:
            alive = processes(process.pid)
            cpu |= {pid: one[0] for pid, one in alive.items()}
            memory = max(memory, sum(one[1] for one in alive.values()))
            time.sleep(0.2)
        said = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if process.returncode:
        raise SystemExit(f"{words} ended with {process.returncode}: {said[-800:]}")
    return {"seconds": time.monotonic() - began, "cpu": sum(cpu.values()), "mb": memory / 1e6}


def batch(home: Path, text: bytes, copies: int, runs: int, masters: list[str]) -> list[dict[str, Any]]:
    """One machine and each master, on one copy and on all."""
    sizes = {}
    for count in (1, copies):
        folder = home / f"logs-{count}"
        folder.mkdir()
        for number in range(count):
            (folder / f"hdfs-{number}.log").write_bytes(text.replace(b"blk_", b"blk_%d" % number))
        sizes[count] = sum(path.stat().st_size for path in folder.iterdir())
    rows = []
    for name in ("one machine", *masters):
        engine = [] if name == "one machine" else ["--engine", f"spark={name}"]
        times: dict[int, list[dict[str, float]]] = {1: [], copies: []}
        for _ in range(runs):
            for count, found in times.items():
                found.append(run("detect", str(home / "bundle"), str(home / f"logs-{count}"), "--json", *engine))
        small, large = ({k: statistics.median(r[k] for r in times[count]) for k in times[count][0]} for count in times)
        more, lines = sizes[copies] - sizes[1], text.count(b"\n") * (copies - 1)
        rows.append(
            {
                "where": name,
                "small_s": small["seconds"],
                "large_s": large["seconds"],
                "large_cpu_s": large["cpu"],
                "large_mb": large["mb"],
                "lines_per_s": lines / (large["seconds"] - small["seconds"]),
                "bytes_per_s": more / (large["seconds"] - small["seconds"]),
                "lines_per_cpu_s": lines / (large["cpu"] - small["cpu"]),
                "bytes_per_cpu_s": more / (large["cpu"] - small["cpu"]),
            }
        )
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def stream(home: Path, lines: list[str], segments: int) -> dict[str, float]:
    """Seconds from a small segment to its results, of a stream that runs; the first one starts everything."""
    landing, state = home / "landing" / "log", home / "state"
    landing.mkdir(parents=True)
    position, waits, memory = 0, [], 0
    command = ["detect", str(home / "bundle"), "--follow", str(landing.parent), "--state", str(state)]
    command = [sys.executable, "-m", "logradar", *command, "--engine", "spark=local[2]?partitions=2", "--quiet"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            for number in range(segments):
                arrivals = [Arrival("bench", line) for line in lines[100 * number : 100 * number + 100]]
                now = 1_800_000_000_000_000 + number * 2_000_000
                data = encode(LINES, now, payload_of(arrivals_table(arrivals))) + encode(TICK, now) * 6
                draft = landing / ".draft"
                draft.write_bytes(data)
                draft.replace(landing / f"{position:020d}.wal")
                position, began = position + len(data), time.monotonic()
                while not (state / "results" / f"{number:08}" / "facts.json").is_file():
                    if process.poll() is not None:
                        raise SystemExit("The stream has ended.")
                    memory = max(memory, sum(one[1] for one in processes(process.pid).values()))
                    time.sleep(0.05)
                waits.append(time.monotonic() - began)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    return {
        "first_s": waits[0],
        "median_s": statistics.median(waits[1:]),
        "worst_s": max(waits[1:]),
        "mb": memory / 1e6,
    }


def table(rows: list[dict[str, Any]], found: dict[str, float]) -> None:
    """The figures as Markdown, and the estimate."""
    if rows:
        names = (
            "one file, s",
            "all files, s",
            "CPU s",
            "memory, MB",
            "lines/s more",
            "MB/s more",
            "lines per CPU s more",
        )
        print("| where | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
        for row in rows:
            values = [row["small_s"], row["large_s"], row["large_cpu_s"], row["large_mb"], row["lines_per_s"]]
            values += [row["bytes_per_s"] / 1e6, row["lines_per_cpu_s"]]
            print(f"| `{row['where']}` | " + " | ".join(f"{value:,.1f}" for value in values) + " |")
        spark = [row for row in rows if row["where"] != "one machine"]
        for row in (*rows[:1], *spark[-1:]):
            hours = TERABYTE / row["bytes_per_cpu_s"] / 3600
            print(f"Estimate (not run): 1 TB takes {hours:,.0f} hours of one core by the CPU rate of `{row['where']}`.")
    if found:
        print("Stream, a segment of 100 lines at a time: " + ", ".join(f"{k} {v:,.1f}" for k, v in found.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--segments", type=int, default=6)
    parser.add_argument("--only", default="batch,stream")
    parser.add_argument("--masters", default=MASTERS, help="with ; inside brackets")
    parser.add_argument("--full", action="store_true", help="20 copies, three runs")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    copies, runs = (20, 3) if args.full else (args.copies, args.runs)
    masters = [name.replace(";", ",") for name in args.masters.split(",") if name]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        text = lzma.decompress((DATA / "hdfs" / "HDFS_2pct.log.xz").read_bytes())
        (home / "train.log").write_bytes(text[: text.index(b"\n", len(text) // 4) + 1])
        run("train", str(home / "train.log"), "-o", str(home / "bundle"))
        run("detect", str(home / "bundle"), str(home / "train.log"), "--json")  # compiles kernels
        rows = batch(home, text, copies, runs, masters) if "batch" in args.only else []
        found = stream(home, text.decode(errors="replace").split("\n"), args.segments) if "stream" in args.only else {}
        if args.json:
            print(json.dumps({"batch": rows, "stream": found}, indent=1))
        else:
            table(rows, found)


if __name__ == "__main__":
    main()
