"""Grouping accuracy on the 16 loghub systems: LogRadar, Drain3 and the published figures.

Grouping accuracy (Zhu et al., "Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019) is the
share of lines whose group holds exactly the lines of their true template. One setting for all systems:
LogRadar with its defaults, Drain3 with its documented masks. One for each system: the masks, threshold and
depth of that paper's benchmark, run by Drain3 and by LogRadar, and LogRadar with
``configs/parsing/<system>.yaml``. The last column is what the paper reports for Drain.

    python experiments/grouping_accuracy.py [--json]

Ends with 1 if a shipped config falls below the published figure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import polars as pl

from logradar.model.settings import run_settings
from logradar.parsing.drain import DrainSettings
from logradar.parsing.masking import MaskingRule, MaskingSettings
from logradar.parsing.templates import ParsingSettings, TemplateMiner

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))  # Drain3, as the benchmark runs it
from bench_parsing import MASKS, drain3, loghub

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
_IP, _NAME = r"([0-9]+\.){3}[0-9]+", r"([\w-]+\.){2,}[\w-]+"
BENCHMARK: dict[str, tuple[float, int, tuple[str, ...]]] = {  # threshold, depth and masks of the paper's benchmark
    "Android": (
        *(0.2, 6),
        (r"(/[\w-]+)+", _NAME, r"\b(\-?\+?[0-9]+)\b|\b0[Xx][a-fA-F0-9]+\b|\b[a-fA-F0-9]{4,}\b"),
    ),
    "Apache": (0.5, 4, (_IP,)),
    "BGL": (0.5, 4, (r"core\.[0-9]+",)),
    "HDFS": (0.5, 4, (r"blk_-?[0-9]+", _IP + "(:[0-9]+)?")),
    "HPC": (0.5, 4, (r"=[0-9]+",)),
    "Hadoop": (0.5, 4, (_IP,)),
    "HealthApp": (0.2, 4, ()),
    "Linux": (0.39, 6, (_IP, r"[0-9]{2}:[0-9]{2}:[0-9]{2}")),
    "Mac": (0.7, 6, (_NAME,)),
    "OpenSSH": (0.6, 5, (_IP, _NAME)),
    "OpenStack": (0.5, 5, (rf"({_IP},?)+", r"/.+?\s", r"[0-9]+")),
    "Proxifier": (
        *(0.6, 3),
        (r"<[0-9]+\ssec", r"([\w-]+\.)+[\w-]+(:[0-9]+)?", r"[0-9]{2}:[0-9]{2}(:[0-9]{2})*", "[KGTM]B"),
    ),
    "Spark": (0.5, 4, (_IP, r"\b[KGTM]?B\b", _NAME)),
    "Thunderbird": (0.5, 4, (_IP,)),
    "Windows": (0.7, 5, (r"0x.*?\s",)),
    "Zookeeper": (0.5, 4, (rf"(/|){_IP}(:[0-9]+)?",)),
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


def of_the_benchmark(system: str) -> ParsingSettings:
    """The settings of the paper's benchmark for a system; what is masked is called ``<VAR>``."""
    sim_th, depth, masks = BENCHMARK[system]
    rules = (MaskingRule(name=f"mask{i}", regex=mask, token="<VAR>", whole=False) for i, mask in enumerate(masks))
    return ParsingSettings(masking=MaskingSettings(rules=tuple(rules)), drain=DrainSettings(sim_th=sim_th, depth=depth))


def shipped(system: str) -> ParsingSettings:
    """The settings in ``configs/parsing`` for a system."""
    return run_settings(ROOT / "configs" / "parsing" / f"{system.lower()}.yaml").parsing


def row(folder: Path, system: str) -> dict[str, object]:
    """One row of the table."""
    content = loghub(system)
    truth = pl.read_csv(folder / system / f"{system}_2k.log_structured.csv", infer_schema=False)["EventId"]
    paper = of_the_benchmark(system)
    found = {
        "LogRadar, default": TemplateMiner().mine(content),
        "Drain3, default": drain3(content.to_list(), MASKS["documented"])[1],
        "Drain3, paper's settings": drain3(content.to_list(), paper.masking, paper.drain)[1],
        "LogRadar, paper's settings": TemplateMiner(paper).mine(content),
        "LogRadar, configs/parsing": TemplateMiner(shipped(system)).mine(content),
    }
    figures = {name: grouping_accuracy(pl.Series(groups), truth) for name, groups in found.items()}
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
    low = table.filter(pl.col("LogRadar, configs/parsing") < pl.col("published"))["system"].to_list()
    mean = table.select(pl.lit("mean").alias("system"), pl.exclude("system").mean())
    table = pl.concat([table, mean])
    if options.json:
        print(json.dumps(table.to_dicts(), indent=1))
    else:
        print("| " + " | ".join(table.columns) + " |\n|" + "---|" * table.width)
        for cells in table.iter_rows():
            print("| " + " | ".join(c if isinstance(c, str) else f"{c:.3f}" for c in cells) + " |")
    if low:
        print(f"Below the published figure: {', '.join(low)}.", file=sys.stderr)
    return 1 if low else 0


if __name__ == "__main__":
    raise SystemExit(main())
