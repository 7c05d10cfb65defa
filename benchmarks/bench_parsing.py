"""Template mining: LogRadar and Drain3 on the same lines, masks and settings; every cluster is compared.

The first columns are Drain alone (``refine: false``), whose clusters must be those of Drain3. "refined" is what
LogRadar does by default: Drain, and the refinement at the end; its ratio is to the same time of Drain3.

Inputs: HDFS (2 % sample, whole lines of the file; then the same repeated with new
digits), the 16 systems of loghub (message bodies, as LogRadar itself would mine them, or whole lines with
``--raw``; repeated with new digits), a random mix of all 16, and real OpenStack lines full of
UUIDs. Both sides start with the lines in memory and an empty model; LogRadar's kernels are compiled
before. Short inputs are measured three times, taking turns; the median counts. LogLead's Drain is
Drain3 called by line, so it is not an independent peer.

    python benchmarks/bench_parsing.py [--full] [--only HDFS,mix] [--lines 20000] [--raw] [--json]

Ends with 1 if a single cluster number or template differs.
"""

from __future__ import annotations

import argparse
import json
import logging
import lzma
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from drain3 import TemplateMiner as Drain3Miner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

from logradar.core.tables import FIRST_TEMPLATE
from logradar.parsing.drain import DrainSettings
from logradar.parsing.interning import Texts
from logradar.parsing.masking import MaskingRule, MaskingSettings
from logradar.parsing.templates import ParsingSettings, TemplateMiner

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
SYSTEMS = (
    *("Android", "Apache", "BGL", "HDFS", "HPC", "Hadoop", "HealthApp", "Linux", "Mac", "OpenSSH", "OpenStack"),
    *("Proxifier", "Spark", "Thunderbird", "Windows", "Zookeeper"),
)
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
PATIENCE = 20  # seconds of Drain3 from which on one measurement must do
REPEATED = 2_000_000  # lines of HDFS with fresh digits
QUICK = 20_000  # lines of every repeated input without --full
COLUMNS = {
    "input": ("input", 20),
    "masks": ("masks", 12),
    "lines": ("lines", 11),
    "templates": ("templates", 11),
    "drain3_lines_per_s": ("drain3 /s", 11),
    "mine_lines_per_s": ("mine /s", 11),
    "ratio": ("ratio", 7),
    "mine_10000_lines_per_s": ("in 10,000s", 12),
    "mine_100_lines_per_s": ("in 100s", 11),
    "match_lines_per_s": ("match /s", 11),
    "refined_lines_per_s": ("refined /s", 11),
    "refined_ratio": ("ratio", 7),
    "refined_match_lines_per_s": ("match /s", 11),
    "equal": ("equal", 7),
}


def fresh(lines: pl.Series, wanted: int, seed: int = 0) -> pl.Series:
    """``wanted`` lines: the given ones over and over; later copies have new digits but for the 0 of ``0x``."""
    random = np.random.default_rng(seed)
    texts = Texts.of(lines)
    follows = np.append(texts.data[1:], 0) | 32
    digits = np.flatnonzero((texts.data >= 48) & (texts.data <= 57) & ~((texts.data == 48) & (follows == 120)))
    copies = [lines]
    while len(copies) * len(lines) < wanted:
        data = texts.data.copy()
        data[digits] = random.integers(48, 58, len(digits), dtype=np.uint8)
        copies.append(Texts(data, texts.starts, texts.ends).to_series().alias(lines.name))
    return pl.concat(copies)[:wanted] if len(copies) > 1 else lines


def text_of(*names: str) -> pl.Series:
    """All lines of xz files."""
    parts = []
    for name in names:
        with lzma.open(DATA / name, "rt", errors="replace") as text:
            parts += text.read().splitlines()
    return pl.Series("line", parts)


def loghub(system: str, raw: bool = False) -> pl.Series:
    """The 2,000 lines of a system: message bodies, or whole lines."""
    folder = DATA / "loghub_2k" / system
    if raw:
        content = (folder / f"{system}_2k.log").read_bytes().decode(errors="replace")
        return pl.Series("line", content.rstrip("\n").split("\n"))
    table = pl.read_csv(folder / f"{system}_2k.log_structured.csv", infer_schema=False)
    return table["Content"].fill_null("").alias("line")


def mixed(wanted: int, raw: bool) -> pl.Series:
    """Lines of all systems in random order."""
    lines = pl.concat([fresh(loghub(system, raw), -(-wanted // len(SYSTEMS))) for system in SYSTEMS])
    return lines.gather(np.random.default_rng(0).permutation(len(lines)))


def drain3(
    lines: list[str], masking: MaskingSettings, settings: DrainSettings | None = None
) -> tuple[float, list[int], list[str]]:
    """Seconds, the cluster of every line, and all templates, by Drain3's own API."""
    config, given = TemplateMinerConfig(), settings or DrainSettings()
    for rule in masking.ordered:
        regex = f"(?<![A-Za-z0-9])(?:{rule.regex})(?![A-Za-z0-9])" if rule.whole else rule.regex
        config.masking_instructions.append(MaskingInstruction(regex, rule.token.strip("<>")))
    config.drain_sim_th, config.drain_depth, config.drain_max_children = given.sim_th, given.depth, given.max_children
    config.drain_max_clusters, config.drain_extra_delimiters = given.max_clusters, list(given.extra_delimiters)
    config.parametrize_numeric_tokens = given.parametrize_numeric_tokens
    miner = Drain3Miner(config=config)
    began = time.perf_counter()
    numbers = [miner.add_log_message(line)["cluster_id"] for line in lines]
    seconds = time.perf_counter() - began
    return seconds, numbers, [cluster.get_template() for cluster in miner.drain.clusters]


def logradar(
    lines: pl.Series, masking: MaskingSettings, batch: int, refine: bool = False
) -> tuple[float, np.ndarray, TemplateMiner]:
    """Seconds, cluster ids and the miner, for lines in batches; with ``refine`` until templates are frozen."""
    miner = TemplateMiner(ParsingSettings(masking=masking, refine=refine))
    began = time.perf_counter()
    ids = [miner.mine(lines[begin : begin + batch]) for begin in range(0, len(lines), batch)]
    if refine:
        miner.freeze()
    return time.perf_counter() - began, np.concatenate(ids), miner


def timed(work: Callable[[pl.Series], Any], lines: pl.Series) -> float:
    """Seconds that a piece of work takes."""
    began = time.perf_counter()
    work(lines)
    return time.perf_counter() - began


def compare(name: str, lines: pl.Series, masks: str) -> dict[str, Any]:
    """One row of the table."""
    masking = MASKS[masks]
    listed = lines.to_list()
    mined, ids, miner = logradar(lines, masking, len(lines))
    peer, numbers, templates = drain3(listed, masking)
    more = range(2 if peer < PATIENCE else 0)
    again = [(mined, peer), *((logradar(lines, masking, len(lines))[0], drain3(listed, masking)[0]) for _ in more)]
    own = [one for one, _ in again] if len(again) > 1 else [mined, logradar(lines, masking, len(lines))[0]]
    mined, peer = statistics.median(own), statistics.median(other for _, other in again)
    ratio = statistics.median(other / one for one, other in again) if len(again) > 1 else peer / mined
    equal = (ids - FIRST_TEMPLATE + 1).tolist() == numbers and miner.templates()["template"].to_pylist() == templates
    speeds = {}
    for batch in (10_000, 100):
        seconds, in_batches, _ = logradar(lines, masking, batch)
        speeds[batch] = round(len(lines) / seconds)
        equal = equal and bool((in_batches == ids).all())
    miner.freeze()
    matched = statistics.median(timed(miner.match, lines) for _ in own)
    whole = [logradar(lines, masking, len(lines), refine=True) for _ in own]
    refined, better = statistics.median(seconds for seconds, *_ in whole), whole[-1][2]
    again_matched = statistics.median(timed(better.match, lines) for _ in own)
    in_batches = logradar(lines, masking, 100, refine=True)[2]
    equal = equal and in_batches.templates() == better.templates()
    return {
        "input": name,
        "masks": masks,
        "lines": len(lines),
        "templates": len(templates),
        "drain3_lines_per_s": round(len(lines) / peer),
        "mine_lines_per_s": round(len(lines) / mined),
        "ratio": round(ratio, 1),
        "mine_10000_lines_per_s": speeds[10_000],
        "mine_100_lines_per_s": speeds[100],
        "match_lines_per_s": round(len(lines) / matched),
        "refined_lines_per_s": round(len(lines) / refined),
        "refined_ratio": round(peer / refined, 1),
        "refined_match_lines_per_s": round(len(lines) / again_matched),
        "equal": equal,
    }


def inputs(lines: int | None, raw: bool) -> dict[str, tuple[Callable[[], pl.Series], tuple[str, ...]]]:
    """What is measured, by name: the lines and the masks."""
    each = lines or 300_000
    sample = ("hdfs/HDFS_2pct.log.xz",)
    nova = "openstack_kalaki/openstack-nova-sample.log.xz", "openstack_kalaki/openstack-nova-dhcpoff.log.xz"
    both = ("own", "documented")
    found: dict[str, tuple[Callable[[], pl.Series], tuple[str, ...]]] = {
        "HDFS-real": (lambda: text_of(*sample), both),
        "HDFS-repeated": (lambda: fresh(text_of(*sample), lines or REPEATED), both),
        "OpenStack-real": (lambda: text_of(*nova), ("own",)),
    }
    for system in SYSTEMS:
        found[system] = (lambda system=system: fresh(loghub(system, raw), each), ("own",))
    found["mix"] = (lambda: mixed(each, raw), ("own",))
    return found


def rows(wanted: dict[str, tuple[Callable[[], pl.Series], tuple[str, ...]]]) -> Iterator[dict[str, Any]]:
    """All rows of the table, one after the other."""
    for masking in MASKS.values():  # compiles the kernels
        for refine in (False, True):
            miner = logradar(loghub("Windows")[:100], masking, 100, refine)[2]
            miner.match(loghub("Windows")[:200])
    for name, (lines, all_masks) in wanted.items():
        for masks in all_masks:
            yield compare(name, lines(), masks)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="the sizes of docs/performance.md; without it a quick run")
    parser.add_argument("--only", help="names of inputs, with commas")
    parser.add_argument("--lines", type=int, help="of each repeated input: 20,000; --full: 300,000 (HDFS 2,000,000)")
    parser.add_argument("--raw", action="store_true", help="whole lines of the 16 systems, with their headers")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    logging.getLogger("drain3").setLevel(logging.ERROR)
    if not (DATA / "hdfs").is_dir() or not (DATA / "loghub_2k").is_dir():
        print(f"Skipped: '{DATA}' lacks hdfs or loghub_2k; set LOGRADAR_DATA to the real data.", file=sys.stderr)
        return 0
    wanted = inputs(options.lines or (None if options.full else QUICK), options.raw)
    if options.only:
        names = options.only.split(",")
        if unknown := [name for name in names if name not in wanted]:
            parser.error(f"there is no input {', '.join(unknown)}; there are {', '.join(wanted)}")
        wanted = {name: wanted[name] for name in names}
    found = []
    for row in rows(wanted):
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
