"""Grouping accuracy on the 16 loghub systems: LogRadar's masks beside Drain3 with its documented ones.

Grouping accuracy (Zhu et al., "Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019) is the
share of lines whose group holds exactly the lines of their true template. The last column is Drain's
published figure of that paper, reached with masks, depth and threshold chosen for each system; all
other columns use one setting for all systems.

    python benchmarks/grouping_accuracy.py [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import polars as pl

from bench_parsing import MASKS, drain3
from logradar.parsing.templates import TemplateMiner

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = {
    "Android": 0.911,
    "Apache": 1.0,
    "BGL": 0.963,
    "HDFS": 0.998,
    "HPC": 0.887,
    "Hadoop": 0.948,
    "HealthApp": 0.780,
    "Linux": 0.690,
    "Mac": 0.787,
    "OpenSSH": 0.788,
    "OpenStack": 0.733,
    "Proxifier": 0.527,
    "Spark": 0.920,
    "Thunderbird": 0.955,
    "Windows": 0.997,
    "Zookeeper": 0.967,
}


def grouping_accuracy(found: pl.Series, truth: pl.Series) -> float:
    """Share of lines whose group in ``found`` is exactly their group in ``truth``.

    >>> grouping_accuracy(pl.Series([1, 1, 2, 3]), pl.Series(["a", "a", "b", "b"]))
    0.5
    """
    size = pl.len().over
    lines = pl.DataFrame({"found": found, "truth": truth})
    exact = (size("found") == size("truth")) & (size("found", "truth") == size("truth"))
    return float(lines.select(exact.mean()).item())


def row(folder: Path, system: str) -> dict[str, object]:
    """One row of the table."""
    lines = pl.read_csv(folder / system / f"{system}_2k.log_structured.csv", infer_schema=False)
    content, truth = lines["Content"].fill_null(""), lines["EventId"]
    ours = pl.Series(TemplateMiner().mine(content))
    peer = pl.Series(drain3(content.to_list(), MASKS["documented"])[1])
    figures = {"logradar": grouping_accuracy(ours, truth), "drain3": grouping_accuracy(peer, truth)}
    return {"system": system, **figures, "published": PUBLISHED[system]}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    folder = Path(os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data") / "loghub_2k"
    if not folder.is_dir():
        print(f"Skipped: there is no '{folder}'; set LOGRADAR_DATA to the folder of real data.", file=sys.stderr)
        return 0
    table = pl.DataFrame([row(folder, system) for system in PUBLISHED])
    mean = table.select(pl.lit("mean").alias("system"), pl.exclude("system").mean())
    table = pl.concat([table, mean])
    if options.json:
        print(json.dumps(table.to_dicts(), indent=1))
        return 0
    print("| " + " | ".join(table.columns) + " |\n|" + "---|" * table.width)
    for cells in table.iter_rows():
        print("| " + " | ".join(c if isinstance(c, str) else f"{c:.3f}" for c in cells) + " |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
