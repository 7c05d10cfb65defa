"""Published and computed figures, measured again: every file of configs/reproduce is one row.

    python benchmarks/reproduce.py [NAME …] [--json]          # `make reproduce`

A file says what was published or computed, by whom, and how to get it here: commands (``{data}`` is the folder of
labelled data, ``{out}`` an empty one; the last command prints JSON) and where in that JSON the figure stands. A
row is kept when the figure is within its tolerance; one that is not needs a sentence with the reason, which is
printed. Ends with 1 where a figure is neither within its tolerance nor explained.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from logradar.core.config import Config, load_config

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "configs" / "reproduce"


class Row(Config):
    """One published method on one set by one protocol."""

    title: str = Field(..., description="method, set and protocol")
    source: str = Field(..., description="where the expected figure comes from")
    run: tuple[str, ...] = Field(..., description="commands; the last one prints JSON")
    read: tuple[str | int, ...] = Field(..., description="keys that lead to the figure")
    metric: str = Field("F1", description="what the figure is")
    expected: float = Field(..., description="the figure of the source")
    tolerance: float = Field(0.005, ge=0, description="how far ours may be away from it")
    why: str = Field("", description="why ours differs, with evidence; empty where it should not")


def measured(row: Row, data: Path) -> float:
    """Run the commands of a row and read the figure. Ends here with what a failed command said."""
    with tempfile.TemporaryDirectory(prefix="logradar-reproduce-") as out:
        told = ""
        for line in row.run:
            words = [word.format(data=data, out=out) for word in shlex.split(line)]
            logradar = str(Path(sys.executable).with_name("logradar"))
            command = [logradar] if words[0] == "logradar" else [sys.executable, str(ROOT / words[0])]
            done = subprocess.run([*command, *words[1:]], capture_output=True, text=True, cwd=ROOT)
            if done.returncode:
                sys.exit(f"{line}\nended with {done.returncode}:\n{done.stderr}")
            told = done.stdout
    found: Any = json.loads(told)
    for key in row.read:
        found = found[key]
    return float(found)


def main() -> None:
    """Measure all rows, or the named ones, and print expected and got."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("names", nargs="*", help="files of configs/reproduce, without .yaml; default: all")
    given = parser.parse_args()
    files = [FOLDER / f"{name}.yaml" for name in given.names] or sorted(FOLDER.glob("*.yaml"))
    results, lost = {}, []
    for file in files:
        row, began = load_config(Row, file), time.monotonic()
        got = measured(row, Path(given.data_dir).resolve())
        within = abs(got - row.expected) <= row.tolerance
        results[file.stem] = {"expected": row.expected, "tolerance": row.tolerance, "got": got, "within": within}
        if not within and not row.why:
            lost.append(file.stem)
        if not given.json:
            sign = "ok" if within else "explained" if row.why else "OFF"
            figures = f"expected {row.expected:.3f} ± {row.tolerance:.3f}, got {got:.3f}"
            print(f"{sign:9} {row.title}: {row.metric} {figures} ({time.monotonic() - began:.0f} s)", flush=True)
            print(f"{'':9} {row.source}" + (f"\n{'':9} {row.why}" if row.why and not within else ""), flush=True)
    if given.json:
        print(json.dumps(results, indent=1))
    sys.exit(f"Off and not explained: {', '.join(lost)}" if lost else 0)


if __name__ == "__main__":
    main()
