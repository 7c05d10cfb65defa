"""Training in bounded memory: `logradar train --detector deeplog` on a folder of day files, with a limit.

    python benchmarks/bench_training_memory.py [--gb 4] [--limit-gb 2] [--folder DIR] [--json]

The folder is simulated (`logradar simulate --format radar-json`), in files of 250 MB. One epoch, samples streamed from
disk (`stream=always`). Memory is looked at ten times a second as in bench_memory.py: the highest sum over
all processes (PSS), and the highest resident size of one process. The limit is not given to the system (an
address-space limit stops torch and numba long before they use that much): it is compared with the peak, and the
script ends with 1 where the peak is above it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
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


def train(folder: Path, bundle: Path) -> dict[str, Any]:
    """One epoch from disk, and what it took."""
    settings = [f"{TRAINING}.epochs=1", f"{TRAINING}.stream=always"]
    words = ["train", str(folder), "-o", str(bundle), "--detector", "deeplog", *settings, "--json"]
    return watch([*LOGRADAR, *words])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=4.0)
    parser.add_argument("--limit-gb", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, help="where day files are kept or already are")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="logradar-memory-") as scratch:
        folder = days(given.folder or Path(scratch) / "days", given.gb)
        size = sum(path.stat().st_size for path in folder.glob("*.json"))
        found = {"input_gb": round(size / GB, 2), **train(folder, Path(scratch) / "bundle"), "limit_gb": given.limit_gb}
    text = ", ".join(f"{name} {value}" for name, value in found.items())
    print(json.dumps(found) if given.json else text)
    sys.exit(int(found["peak_tree_mb"] > 1000 * given.limit_gb))


if __name__ == "__main__":
    main()
