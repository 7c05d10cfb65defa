"""Grouping accuracy on the 16 loghub systems: LogRadar, Drain3 and the published figures.

Grouping accuracy (Zhu et al., "Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019) is the
share of lines whose group holds exactly the lines of their true template. One setting for all systems:
LogRadar with its defaults, its Drain without the refinement, Drain3 with its documented masks. One for each
system: the masks, threshold and depth of that paper's benchmark, run by Drain3 and by LogRadar's Drain, and LogRadar
with ``configs/parsing/<system>.yaml``. The last column is what the paper reports for Drain. A second table has all
measures of the defaults, a third one other labelled lines.

    python experiments/grouping_accuracy.py [--json]

Ends with 1 if a shipped config falls below the published figure.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from logradar.model.settings import run_settings
from logradar.parsing.drain import DrainSettings
from logradar.parsing.masking import MaskingRule, MaskingSettings
from logradar.parsing.templates import ParsingSettings, TemplateMiner

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))  # Drain3, as the benchmark runs it
from bench_parsing import MASKS, drain3, loghub, text_of

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


@dataclass(frozen=True)
class Accuracy:
    """How well lines were parsed; each from 0 to 1 (Khan et al., ICSE 2022; Jiang et al., ISSTA 2024).

    ``ga``: lines whose group is exactly that of their true template. ``pa``: lines whose template is right, word by
    word. ``fga`` and ``fta``: F1 over templates, right where the group is, or where group and words are.
    """

    ga: float
    pa: float
    fga: float
    fta: float


def grouping_accuracy(found: pl.Series, truth: pl.Series) -> float:
    """Share of lines whose group in ``found`` is exactly their group in ``truth``.

    >>> grouping_accuracy(pl.Series([1, 1, 2, 3]), pl.Series(["a", "a", "b", "b"]))
    0.5
    """
    size = pl.len().over
    lines = pl.DataFrame({"found": found, "truth": truth})
    exact = (size("found") == size("truth")) & (size("found", "truth") == size("truth"))
    return float(lines.select(exact.mean()).item())


def accuracy(found: pl.Series, truth: pl.Series, texts: pl.Series, templates: pl.Series) -> Accuracy:
    """All four measures, from groups and the words of each line's template.

    >>> accuracy(pl.Series([1, 1, 2]), pl.Series(["a", "a", "b"]), pl.Series(["x <NUM>"] * 3), pl.Series(["x <*>"] * 3))
    Accuracy(ga=1.0, pa=1.0, fga=1.0, fta=1.0)
    """
    size = pl.len().over
    lines = pl.DataFrame({"found": found, "truth": truth, "right": plain(texts) == plain(templates)})
    exact = (size("found") == size("truth")) & (size("found", "truth") == size("truth"))
    lines = lines.with_columns(exact=exact)
    groups = lines.filter("exact").group_by("truth").agg(pl.col("right").all())
    both = (lines["found"].n_unique() + lines["truth"].n_unique()) / 2
    return Accuracy(
        *(float(lines["exact"].mean() or 0), float(lines["right"].mean() or 0)),
        *(len(groups) / both, float(groups["right"].sum()) / both),
    )


def plain(templates: pl.Series) -> pl.Series:
    """Templates to be compared word by word: a word with a value in it is ``<*>``, and of several of these one.

    Where in a word a value begins, people draw differently: ``blk_<*>``, ``/<*>:<*>``, ``size=<*>,``.

    >>> plain(pl.Series(["sent <SIZE> to /<IP>:<NUM>.", "sent <*> to <*>"])).to_list()
    ['sent <*> to <*>', 'sent <*> to <*>']
    """
    masked = templates.str.replace_all("<[A-Z]+>", "<*>").str.replace_all(r"\S*<\*>\S*", "<*>")
    return masked.str.replace_all(r"<\*>(?:\s+<\*>)+", "<*>").str.replace_all(r"\s+", " ").str.strip_chars(" ")


def mined(content: pl.Series, settings: ParsingSettings | None = None) -> tuple[pl.Series, pl.Series]:
    """The template id of each line once all lines are known, and the text of its template."""
    miner = TemplateMiner(settings)
    miner.mine(content)
    miner.freeze()
    ids = pl.Series(miner.match(content))
    table = pl.DataFrame(miner.templates())
    texts = ids.to_frame("template_id").join(table, on="template_id", how="left", maintain_order="left")["template"]
    return ids, texts


def of_the_benchmark(system: str) -> ParsingSettings:
    """The settings of the paper's benchmark for a system; what is masked is called ``<VAR>``."""
    sim_th, depth, masks = BENCHMARK[system]
    rules = (MaskingRule(name=f"mask{i}", regex=mask, token="<VAR>", whole=False) for i, mask in enumerate(masks))
    masking, drain = MaskingSettings(rules=tuple(rules)), DrainSettings(sim_th=sim_th, depth=depth)
    return ParsingSettings(masking=masking, drain=drain, refine=False)


def shipped(system: str) -> ParsingSettings:
    """The settings in ``configs/parsing`` for a system."""
    return run_settings(ROOT / "configs" / "parsing" / f"{system.lower()}.yaml").parsing


def row(folder: Path, system: str) -> dict[str, object]:
    """One row of the first table."""
    content = loghub(system)
    truth = pl.read_csv(folder / system / f"{system}_2k.log_structured.csv", infer_schema=False)["EventId"]
    paper = of_the_benchmark(system)
    found = {
        "LogRadar, default": mined(content)[0],
        "Drain alone, default": TemplateMiner(ParsingSettings(refine=False)).mine(content),
        "Drain3, default": drain3(content.to_list(), MASKS["documented"])[1],
        "Drain3, paper's settings": drain3(content.to_list(), paper.masking, paper.drain)[1],
        "Drain alone, paper's settings": TemplateMiner(paper).mine(content),
        "LogRadar, configs/parsing": mined(content, shipped(system))[0],
    }
    figures = {name: grouping_accuracy(pl.Series(groups), truth) for name, groups in found.items()}
    return {"system": system, **figures, "published": PUBLISHED[system]}


def measures(folder: Path, system: str) -> dict[str, object]:
    """One row of the second table: LogRadar with its defaults, by all measures."""
    table = pl.read_csv(folder / system / f"{system}_2k.log_structured.csv", infer_schema=False)
    found = accuracy(*_in_order(loghub(system), table["EventId"], table["EventTemplate"]))
    return {"system": system, **asdict(found)}


def _in_order(content: pl.Series, truth: pl.Series, templates: pl.Series) -> tuple[pl.Series, ...]:
    ids, texts = mined(content)
    return ids, truth, texts, templates


def more(data: Path) -> Iterator[dict[str, object]]:
    """Rows of the third table: labelled lines that no setting was chosen on, with the templates of other people.

    A line's true template is the one that matches it with the most letters; lines that match none are left out.
    """
    hdfs = pl.read_csv(data / "hdfs" / "HDFS_templates.csv", infer_schema=False)["EventTemplate"]
    nova = (data / "openstack_kalaki" / "OpenStack_templates.txt").read_text().splitlines()
    bgl = pl.read_csv(data / "bgl" / "BGL_templates.csv", infer_schema=False)["EventTemplate"]
    body = r"^(?:\S+ ){5}(.*)$"
    yield _other("HDFS, 2 %", text_of("hdfs/HDFS_2pct.log.xz").str.extract(body, 1), hdfs.to_list())
    lines = text_of("openstack_kalaki/openstack-nova-sample.log.xz").str.extract(r"(?: - - -\]|\[-\]) (.*)$", 1)
    yield _other("OpenStack, nova", lines, nova)
    with gzip.open(data / "bgl" / "BGL_first5000.log.gz", "rt", errors="replace") as file:
        first = pl.Series("line", file.read().splitlines()).str.extract(r"^(?:\S+\s+){9}(.*)$", 1)
    yield _other("BGL, first 5,000", first, bgl.to_list(), regexes=True)


def _other(name: str, lines: pl.Series, templates: list[str], regexes: bool = False) -> dict[str, object]:
    kinds = []
    for number, text in enumerate(dict.fromkeys(templates)):
        regex = text if regexes else ".*?".join(map(re.escape, text.replace("[*]", "<*>").split("<*>")))
        letters = len(re.sub(r"\.\*\??|\W", "", text))
        kinds.append((letters, number, re.compile(f"^\\s*{regex}\\s*$")))
    kinds.sort(key=lambda kind: (-kind[0], kind[1]))
    distinct = lines.drop_nulls().unique(maintain_order=True).to_list()
    of = {line: next((number for _, number, regex in kinds if regex.match(line)), None) for line in distinct}
    truth = lines.drop_nulls().replace_strict(of, return_dtype=pl.Int64)
    kept = truth.is_not_null()
    content, truth = lines.drop_nulls().filter(kept), truth.filter(kept)
    figures = {"lines": len(content), "share of all": len(content) / len(lines), "templates": truth.n_unique()}
    for title, settings in (("LogRadar, default", None), ("Drain alone, default", ParsingSettings(refine=False))):
        found = accuracy(mined(content, settings)[0], truth, content, content)
        figures |= {f"{title}: GA": found.ga, f"{title}: FGA": found.fga}
    return {"lines of": name, **figures}


def printed(table: pl.DataFrame) -> None:
    """The table as Markdown."""
    print("| " + " | ".join(table.columns) + " |\n|" + "---|" * table.width)
    for cells in table.iter_rows():
        print("| " + " | ".join(f"{c:.3f}" if isinstance(c, float) else str(c) for c in cells) + " |")
    print()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    data = Path(os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    folder = data / "loghub_2k"
    if not folder.is_dir():
        print(f"Skipped: there is no '{folder}'; set LOGRADAR_DATA to the folder of real data.", file=sys.stderr)
        return 0
    table = pl.DataFrame([row(folder, system) for system in PUBLISHED])
    low = table.filter(pl.col("LogRadar, configs/parsing") < pl.col("published"))["system"].to_list()
    both = [table, pl.DataFrame([measures(folder, system) for system in PUBLISHED])]
    tables = [pl.concat([one, one.select(pl.lit("mean").alias("system"), pl.exclude("system").mean())]) for one in both]
    tables.append(pl.DataFrame(list(more(data))))
    if options.json:
        print(json.dumps([one.to_dicts() for one in tables], indent=1))
    else:
        for one in tables:
            printed(one)
    if low:
        print(f"Below the published figure: {', '.join(low)}.", file=sys.stderr)
    return 1 if low else 0


if __name__ == "__main__":
    raise SystemExit(main())
