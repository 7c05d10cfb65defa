"""Raw text in flat memory: `train`, `validate`, `detect` and `evaluate` on simulated logs of growing size.

    python benchmarks/bench_text_memory.py [--full] [--sizes 1,4] [--folder DIR] [--json]

The logs are those of the simulated shop (`logradar simulate --size`). A bundle is trained on the earlier half of each
size (`split.test=0.5`), with the default detector; `evaluate` measures on the later half, `detect` reads all. Each
command is the command line in its own process. Its memory is given by the two figures of `benchmarks/bench_memory.py`.
Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from bench_memory import LOGRADAR, watch

COMMANDS = {
    "train": ("train", "{logs}", "-o", "{bundle}", "split.test=0.5", "--quiet"),
    "validate": ("validate", "{logs}", "--quiet", "--json"),
    "detect": ("detect", "{bundle}", "{logs}", "--quiet", "--json"),
    "evaluate": ("evaluate", "{bundle}", "{logs}", "--labels", "{logs}/session_labels.csv", "--quiet", "--json"),
}


def measure(folder: Path, size: str, commands: list[str]) -> list[dict[str, Any]]:
    """One line per command on logs of ``size`` GB, simulated here if they are not there yet."""
    logs, bundle = folder / f"text-{size}", folder / f"bundle-{size}"
    if not logs.exists():
        watch([*LOGRADAR, "simulate", "-o", str(logs), "--size", f"{size}GB", "--json"])
    megabytes = sum(file.stat().st_size for file in logs.glob("*.log")) / 1e6
    results = []
    for name in commands:
        found = watch([*LOGRADAR, *(part.format(logs=f"{logs}", bundle=bundle) for part in COMMANDS[name])])
        results.append(
            {"gb": float(size), "command": name, "mb_per_s": round(megabytes / found["seconds"], 1), **found}
        )
        print(json.dumps(results[-1]), flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="1 and 4 GB; without it 0.1 and 0.2")
    parser.add_argument("--sizes", help="GB of the logs, with commas between")
    parser.add_argument("--commands", default=",".join(COMMANDS), help="what is measured, with commas between")
    parser.add_argument("--folder", type=Path, help="keep the simulated logs here and use them again")
    parser.add_argument("--json", action="store_true", help="print one JSON document at the end")
    options = parser.parse_args()
    sizes = (options.sizes or ("1,4" if options.full else "0.1,0.2")).split(",")
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    kept = nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory(prefix="bench-text-")
    with kept as scratch:
        lines = [line for size in sizes for line in measure(Path(scratch), size, options.commands.split(","))]
    if options.json:
        print(json.dumps({"load": os.getloadavg()[0], "cores": os.cpu_count(), "results": lines}))


if __name__ == "__main__":
    main()
