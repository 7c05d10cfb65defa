"""Training in bounded memory: `logradar train --detector deeplog` on a folder of day files, with a limit.

    python benchmarks/bench_training_memory.py [--full] [--gb 4] [--limit-gb 2] [--folder DIR] [--cgroup DIR] [--json]

The folder is simulated (`logradar simulate --format radar-json`), in files of 250 MB. One epoch, samples streamed from
disk (`stream=always`). Memory is sampled ten times a second as in bench_memory.py: the highest sum over
all processes (PSS), and the highest resident size of one process. The script ends with 1 where the peak is above the
limit. With ``--cgroup`` the system enforces it too: a group is made below the given one (``/sys/fs/cgroup/memory``
or, in version 2, ``/sys/fs/cgroup``; it must be writable), and what needs more is killed. (``ulimit -v`` would stop
torch and numba long before they use that much: they reserve addresses.)
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from bench_memory import GB, LOGRADAR, watch

TRAINING = "detectors.deeplog.training"


def days(folder: Path, gb: float) -> Path:
    """A folder of about so many GB of day files; one that is there is taken as it is."""
    if not any(folder.glob("*.json")):
        words = [
            "simulate",
            "-o",
            str(folder),
            "--format",
            "radar-json",
            "--size",
            "250MB",
            "--days",
            str(round(4 * gb)),
        ]
        subprocess.run([*LOGRADAR, *words], check=True)
    return folder


def train(folder: Path, bundle: Path, group: Path | None) -> dict[str, Any]:
    """One epoch from disk, and what it took; as a process of ``group``, if there is one."""
    settings = [f"{TRAINING}.epochs=1", f"{TRAINING}.stream=always"]
    words = ["train", str(folder), "-o", str(bundle), "--detector", "deeplog", *settings, "--json"]
    entered = ["sh", "-c", f"echo $$ > '{group}/cgroup.procs'; exec \"$@\"", "sh"] if group else []
    return watch([*entered, *LOGRADAR, *words])


@contextmanager
def limited(parent: Path | None, size: int) -> Iterator[Path | None]:
    """A group of processes below ``parent`` that may use ``size`` bytes of memory together, swap included."""
    if parent is None:
        yield None
        return
    group = parent / f"logradar-{os.getpid()}"
    group.mkdir()
    try:
        first = group / "memory.max"
        files = [first] if first.exists() else [group / "memory.limit_in_bytes", group / "memory.memsw.limit_in_bytes"]
        for file in files:
            file.write_text(str(size))
        yield group
    finally:
        group.rmdir()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the sizes of docs/performance.md; without it a quick run")
    parser.add_argument("--gb", type=float, help="GB of day files: 4 with --full, else 0.5")
    parser.add_argument("--limit-gb", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, help="where day files are kept or already are")
    parser.add_argument("--cgroup", type=Path, help="memory cgroup below which a limited one is made")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    given.gb = given.gb or (4.0 if given.full else 0.5)
    with tempfile.TemporaryDirectory(prefix="logradar-memory-") as scratch:
        folder = days(given.folder or Path(scratch) / "days", given.gb)
        size = sum(path.stat().st_size for path in folder.glob("*.json"))
        with limited(given.cgroup, int(given.limit_gb * GB)) as group:
            found = {"input_gb": round(size / GB, 2), **train(folder, Path(scratch) / "bundle", group)}
            for file in [group / "memory.max_usage_in_bytes", group / "memory.failcnt"] if group else []:
                found |= {f"cgroup {file.name}": int(file.read_text())} if file.exists() else {}
        found["limit_gb"] = given.limit_gb
    text = ", ".join(f"{name} {value}" for name, value in found.items())
    print(json.dumps(found) if given.json else text)
    sys.exit(int(found["peak_tree_mb"] > 1000 * given.limit_gb))


if __name__ == "__main__":
    main()
