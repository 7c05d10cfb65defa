"""Template mining: LogRadar beside Drain3, same lines, same masks, clusters compared.

Inputs: the real lines of the HDFS 2 % sample as they are, and the same lines again and again with
fresh digits. Masks: LogRadar's own, and those of Drain3's documentation. Both sides start with the
lines in memory and an empty model; LogRadar's kernels are compiled before.

    python benchmarks/bench_parsing.py [--lines 1000000] [--json]

Ends with 1 if a single cluster number or template differs.
"""

from __future__ import annotations

import argparse
import json
import logging
import lzma
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from drain3 import TemplateMiner as Drain3Miner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

from logradar.core.tables import FIRST_TEMPLATE
from logradar.parsing.interning import Texts
from logradar.parsing.masking import MaskingRule, MaskingSettings
from logradar.parsing.templates import ParsingSettings, TemplateMiner

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTED = (  # the masks of Drain3's documentation
    ("id", r"(?:[0-9a-f]{2,}:){3,}[0-9a-f]{2,}"),
    ("ip", r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"),
    ("seq", r"(?:[0-9a-f]{6,} ?){3,}|(?:[0-9A-F]{4} ?){4,}"),
    ("hex", r"0x[a-f0-9A-F]+"),
    ("num", r"[-+]?[0-9]+"),
)
MASKS = {
    "own": MaskingSettings(),
    "documented": MaskingSettings(
        rules=tuple(MaskingRule(name=name, regex=regex, token=f"<{name.upper()}>") for name, regex in DOCUMENTED)
    ),
}


COLUMNS = {
    "input": ("input", 23),
    "masks": ("masks", 12),
    "lines": ("lines", 11),
    "templates": ("templates", 11),
    "drain3_lines_per_s": ("drain3 /s", 12),
    "mine_lines_per_s": ("mine /s", 12),
    "match_lines_per_s": ("match /s", 12),
    "ratio": ("ratio", 8),
    "equal": ("equal", 8),
}


def fresh(lines: pl.Series, wanted: int, seed: int = 0) -> pl.Series:
    """At least ``wanted`` lines: the given ones over and over, every digit of a later copy drawn anew."""
    random = np.random.default_rng(seed)
    texts = Texts.of(lines)
    digits = np.flatnonzero((texts.data >= 48) & (texts.data <= 57))
    copies = [lines]
    while len(copies) * len(lines) < wanted:
        data = texts.data.copy()
        data[digits] = random.integers(48, 58, len(digits), dtype=np.uint8)
        copies.append(Texts(data, texts.starts, texts.ends).to_series().alias(lines.name))
    return pl.concat(copies)[:wanted] if len(copies) > 1 else lines


def drain3(lines: list[str], masking: MaskingSettings) -> tuple[float, list[int], list[str]]:
    """Seconds, the cluster of every line, and all templates, by Drain3's own API."""
    config = TemplateMinerConfig()
    for rule in masking.ordered:
        regex = f"(?<![A-Za-z0-9])(?:{rule.regex})(?![A-Za-z0-9])" if rule.whole else rule.regex
        config.masking_instructions.append(MaskingInstruction(regex, rule.token.strip("<>")))
    miner = Drain3Miner(config=config)
    began = time.perf_counter()
    numbers = [miner.add_log_message(line)["cluster_id"] for line in lines]
    seconds = time.perf_counter() - began
    return seconds, numbers, [cluster.get_template() for cluster in miner.drain.clusters]


def compare(name: str, lines: pl.Series, masks: str) -> dict[str, Any]:
    """One row of the table."""
    masking = MASKS[masks]
    miner = TemplateMiner(ParsingSettings(masking=masking))
    began = time.perf_counter()
    ids = miner.mine(lines)
    mined = time.perf_counter() - began
    miner.freeze()
    began = time.perf_counter()
    miner.match(lines)
    matched = time.perf_counter() - began
    peer, numbers, templates = drain3(lines.to_list(), masking)
    equal = (ids - FIRST_TEMPLATE + 1).tolist() == numbers
    return {
        "input": name,
        "masks": masks,
        "lines": len(lines),
        "templates": len(templates),
        "drain3_lines_per_s": round(len(lines) / peer),
        "mine_lines_per_s": round(len(lines) / mined),
        "match_lines_per_s": round(len(lines) / matched),
        "ratio": round(peer / mined, 1),
        "equal": equal and miner.templates()["template"].to_pylist() == templates,
    }


def rows(real: pl.Series, wanted: int) -> Iterator[dict[str, Any]]:
    """All rows of the table, one after the other."""
    for masks in MASKS:
        TemplateMiner(ParsingSettings(masking=MASKS[masks])).mine(real[:1000])  # compiles the kernels
        yield compare("HDFS 2 % as it is", real, masks)
        yield compare("the same, fresh digits", fresh(real, wanted), masks)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lines", type=int, default=500_000, help="lines of the repeated input")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    logging.getLogger("drain3").setLevel(logging.ERROR)
    file = Path(os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data") / "hdfs" / "HDFS_2pct.log.xz"
    if not file.is_file():
        print(f"Skipped: there is no '{file}'; set LOGRADAR_DATA to the folder of real data.", file=sys.stderr)
        return 0
    with lzma.open(file, "rt") as text:
        real = pl.Series("line", text.read().splitlines())
    found = []
    for row in rows(real, options.lines):
        if not options.json:
            if not found:
                print("".join(f"{title:>{width}}" for title, width in COLUMNS.values()))
            cells = (f"{row[key]:{',' if type(row[key]) is int else ''}}" for key in COLUMNS)
            print("".join(f"{c:>{width}}" for c, (_, width) in zip(cells, COLUMNS.values(), strict=True)), flush=True)
        found.append(row)
    if options.json:
        print(json.dumps(found, indent=1))
    return 0 if all(row["equal"] for row in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
