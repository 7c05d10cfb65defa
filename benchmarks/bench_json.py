"""RADAR day files to Parquet: LogRadar, duckdb and ijson on the same file.

    python benchmarks/bench_json.py [--full] [--size 2e8] [--json] [--only logradar,duckdb] [--folder DIR]

Every reader runs in its own process, which reports its wall time, processor time and peak
memory. All write with zstd level 1 and leave token_ids and attention_mask out; LogRadar compares
them with event_sequence, the others do not look at them (`duckdb all keys` writes them). LogRadar
and duckdb use two threads (`logradar 1 thread`: one), ijson can only use one. A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

THREADS = 2
BATCH = 4_096
CODEC: dict[str, Any] = {"compression": "zstd", "compression_level": 1}
LEAN: dict[str, Any] = {"write_statistics": ["session_id"]}  # of texts and lists they say nothing


def logradar(source: Path, target: Path, threads: int = THREADS) -> None:
    """Each thread reads the next table while the others write theirs, one shard per thread."""
    from logradar.sources.radar.reading import read_day
    from logradar.sources.radar.table import DAY_SESSIONS

    tables = read_day(source)
    turn = threading.Lock()

    def work(shard: Path) -> None:
        with pq.ParquetWriter(shard, DAY_SESSIONS, use_dictionary=["service"], **CODEC, **LEAN) as writer:
            while True:
                with turn:
                    table = next(tables, None)
                if table is None:
                    return
                writer.write_table(table)

    target.mkdir()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [target / f"part-{number}.parquet" for number in range(threads)]))


def logradar_one(source: Path, target: Path) -> None:
    logradar(source, target, 1)


def duckdb(source: Path, target: Path, more: str = "") -> None:
    import duckdb

    columns = (
        "{session_id: 'BIGINT', event_sequence: 'INTEGER[]', has_error: 'BOOLEAN', has_warn: 'BOOLEAN', "
        f"service_name: 'VARCHAR', original_logs: 'VARCHAR[]'{more}}}"
    )
    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(
        f"COPY (SELECT * FROM read_json(?, format = 'array', columns = {columns})) TO '{target}' "
        "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)",
        [str(source)],
    )


def duckdb_all(source: Path, target: Path) -> None:
    duckdb(source, target, ", token_ids: 'INTEGER[]', attention_mask: 'TINYINT[]'")


def ijson(source: Path, target: Path) -> None:
    from ijson.backends import yajl2_c

    schema = pa.schema(
        [
            ("session_id", pa.int64()),
            ("service_name", pa.dictionary(pa.int32(), pa.string())),
            ("event_sequence", pa.list_(pa.int32())),
            ("has_error", pa.bool_()),
            ("has_warn", pa.bool_()),
            ("original_logs", pa.list_(pa.large_string())),
        ]
    )
    with (
        source.open("rb") as file,
        pq.ParquetWriter(target, schema, use_dictionary=["service_name"], **CODEC) as writer,
    ):
        rows = []
        for row in yajl2_c.items(file, "item", buf_size=1 << 20):
            rows.append(row)
            if len(rows) == BATCH:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows = []
        writer.write_table(pa.Table.from_pylist(rows, schema))


READERS: dict[str, Callable[[Path, Path], None]] = {
    "logradar": logradar,
    "logradar 1 thread": logradar_one,
    "duckdb all keys": duckdb_all,
    "duckdb": duckdb,
    "ijson": ijson,
}


def measure(name: str, source: Path, target: Path) -> None:
    """In a process of its own: warm up on a small file, then the real one; figures as JSON on stdout."""
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.json"
        small.write_text(json.dumps([next(_sample())]))
        READERS[name](small, Path(folder) / "small.parquet")
    wall, busy = time.perf_counter(), time.process_time()
    READERS[name](source, target)
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    files = sorted(target.iterdir()) if target.is_dir() else [target]
    figures = {
        "seconds": round(wall, 3),
        "cpu_seconds": round(busy, 3),
        "peak_rss_mb": round(peak, 1),
        "parquet_mb": round(sum(file.stat().st_size for file in files) / 1e6, 1),
        "rows": sum(pq.read_metadata(file).num_rows for file in files),
    }
    print(json.dumps(figures))


def _sample() -> Any:
    from logradar.sources.radar.generate import sessions

    for session in sessions(0):
        yield {**session, "token_ids": [0], "attention_mask": [0]}


def compare(source: Path, only: list[str], runs: int) -> list[dict[str, Any]]:
    """One line per reader, best of ``runs``: they take turns, so that a busy machine is busy for all."""
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in only}
    for name in [name for _ in range(runs) for name in only]:
        with source.open("rb") as file:  # into the page cache
            while file.read(1 << 24):
                pass
        with tempfile.TemporaryDirectory(dir=source.parent) as folder:
            target = Path(folder) / "out.parquet"
            command = [sys.executable, __file__, "--measure", name, "--source", str(source), "--target", str(target)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr)
            results[name].append(json.loads(done.stdout))
    lines = []
    for name, measured in results.items():
        best = min(measured, key=lambda result: result["seconds"])
        megabytes = source.stat().st_size / 1e6
        lines.append({"file": source.stem, "reader": name, "mb_per_s": round(megabytes / best["seconds"], 1), **best})
    return lines


def installed(names: list[str]) -> list[str]:
    """The readers whose package is there; the others are left out with a note."""
    found = [name for name in names if importlib.util.find_spec(name.partition(" ")[0])]
    for name in sorted(set(names) - set(found)):
        print(f"{name} is not installed: left out (pip install {name.partition(' ')[0]})", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="the sizes of docs/performance.md; without it a quick run")
    parser.add_argument("--size", type=float, help="bytes of each file: 1e9 with --full, else 2e8")
    parser.add_argument("--runs", type=int, default=2, help="the best of so many")
    parser.add_argument("--only", default=",".join(READERS), help="readers, with commas between")
    parser.add_argument("--folder", type=Path, help="keep the generated files here and use them again")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--target", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.size = options.size or (1e9 if options.full else 2e8)
    if options.measure:
        measure(options.measure, options.source, options.target)
        return
    from logradar.sources.radar.generate import DayShape, write_day

    with tempfile.TemporaryDirectory(prefix="bench-json-") as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for kind in ("compact", "pretty"):
            source = folder / f"{kind}-{int(options.size)}.json"
            if not source.exists():
                write_day(source, int(options.size), 1, DayShape(pretty=kind == "pretty", distinct=128 << 20))
            lines += compare(source, installed(options.only.split(",")), options.runs)
    report(lines, options.json)


def report(lines: list[dict[str, Any]], as_json: bool) -> None:
    """One table (or JSON), with how many times faster LogRadar is than each."""
    ours = {line["file"]: line["mb_per_s"] for line in lines if line["reader"] == "logradar"}
    for line in lines:
        line["logradar_is_times_faster"] = round(ours[line["file"]] / line["mb_per_s"], 2) if ours else None
    if as_json:
        print(json.dumps({"threads": THREADS, "load": os.getloadavg()[0], "results": lines}, indent=2))
        return
    print(f"{'file':<20}{'reader':<20}{'MB/s':>8}{'CPU s':>8}{'peak MB':>9}{'Parquet MB':>12}{'x slower':>10}")
    for line in lines:
        print(
            f"{line['file']:<20}{line['reader']:<20}{line['mb_per_s']:>8.0f}{line['cpu_seconds']:>8.2f}"
            f"{line['peak_rss_mb']:>9.0f}{line['parquet_mb']:>12.1f}{line['logradar_is_times_faster'] or 0:>10.2f}"
        )


if __name__ == "__main__":
    main()
