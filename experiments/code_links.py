"""From a line to the statement that wrote it: how often right, how often wrong, how often nothing is said.

    python experiments/code_links.py simulated [--seed 601] [--days 0.2]
    python experiments/code_links.py anduril --sources DIR [--cases zookeeper-2247 …]
    python experiments/code_links.py hadoop --sources DIR/hdfs-4233

`simulated`: the services of `logradar simulate` are Python files of this package, and the simulation writes down which
line of which file wrote each record. `anduril`: five Java systems whose logs name class and line; both are taken off
before anything else sees the lines, and are the answer. DIR holds the trees `systems/<case>` of the repository that the
data come from, one folder for each case. A link is right where the class is that of the answer and its line is in the
statement, or up to three lines below its beginning. `hadoop`: the log of HDFS of 2008 (release 0.18) on the sources of
release 2, where the class that a line names is the answer, for there is no line number.
"""

from __future__ import annotations

import argparse
import csv
import lzma
import os
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from logradar.core.progress import quiet
from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import Link, Linker
from logradar.simulation.simulate import simulate
from logradar.sources.opening.opening import open_input

PLACE = re.compile(r"\[(?P<before>[^\]\n]*?)(?P<class>[\w$]+)@(?P<line>\d+)\](?P<after>[^\n]*)")
REACH = 3


@dataclass
class Tally:
    """Records and distinct templates (statements of the answer) by outcome."""

    records: Counter[str] = field(default_factory=Counter)
    statements: dict[Any, Counter[str]] = field(default_factory=dict)
    missed: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Any, outcome: str, count: int = 1) -> None:
        """Count an outcome: right, third (right among three), called (see `Callers`), wrong or none."""
        self.records[outcome] += count
        self.statements.setdefault(answer, Counter())[outcome] += count

    def row(self, name: str) -> str:
        """A row of the table."""
        total = self.records.total() or 1
        right, wrong = self.records["right"], self.records["wrong"]
        third, called = self.records["third"], self.records["called"]
        none = self.records["none"] + third
        by_statement = sum(max(one, key=lambda kind: one[kind]) == "right" for one in self.statements.values())
        return (
            f"| {name} | {total:,} | {right / total:.1%} | {(right + third) / total:.1%} | "
            f"{right / (right + wrong or 1):.2%} | {called / total:.1%} | {none / total:.1%} | "
            f"{by_statement / (len(self.statements) or 1):.1%} of {len(self.statements):,} |"
        )


HEAD = (
    "| logs | records | right first | among three | right of those linked | a caller | no link | right by statement |\n"
    "|---|---|---|---|---|---|---|---|"
)


def records_of(folder: Path) -> Iterator[dict[str, Any]]:
    """The records of all logs below a folder, as every command reads them."""
    with open_input(str(folder)) as opened:
        for batch in opened.batches(None):
            yield from batch.select(["source", "line", "service", "level", "component", "body"]).to_pylist()


def outcome(linker: Linker, link: Link, right: Any) -> str:
    """right, wrong or none; third where the answer is among the first three of equal ones."""
    if link.row >= 0:
        return "right" if right(linker.statements[link.row]) else "wrong"
    if link.place is not None:
        return "none"
    return "third" if any(right(linker.statements[row]) for row in link.ties[:3]) else "none"


def simulated(seed: int, days: float) -> None:
    """The shop, with all its faults."""
    import logradar.simulation

    home = Path(logradar.simulation.__file__).parent
    index, _ = index_code(home)
    linker, tally = Linker(index), Tally()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "shop")
        simulate(folder, seed=seed, days=days)
        origins = {
            (row["source"], row["line"]): (row["path"].removeprefix("simulation/"), row["code_line"])
            for row in pq.read_table(folder / "origins.parquet").to_pylist()
        }
        logs = Path(scratch, "logs")
        logs.mkdir()
        for file in folder.glob("*.log"):
            file.rename(logs / file.name)
        for record in records_of(logs):
            answer = origins[Path(record["source"]).name, record["line"]]

            def right(one: dict[str, Any], answer: tuple[str, int] = answer) -> bool:
                return index.paths[one["file"]] == answer[0] and one["first_line"] <= answer[1] <= one["last_line"]

            link = linker.link(record["body"], record["level"], record["component"], record["service"])
            found = outcome(linker, link, right)
            tally.add(answer, found)
            if found != "right":
                tally.missed[f"{found}: {record['body'][:100]} -> {link}"] += 1
    print(HEAD)
    print(tally.row(f"simulated services, seed {seed}, {days} days"))
    for text, count in tally.missed.most_common(20):
        print(count, text)


def hidden(text: str) -> tuple[str, dict[int, tuple[str, int]]]:
    """A log without the places that it names, and these by line."""
    lines, answers = [], {}
    for number, line in enumerate(text.split("\n"), 1):
        match = PLACE.search(line)
        if match:
            answers[number] = (match["class"], int(match["line"]))
            thread = match["before"].rpartition(":")[0].strip() or "thread"
            line = f"{line[: match.start()]}[{thread}]{match['after']}"
        lines.append(line)
    return "\n".join(lines), answers


def is_place(index: CodeIndex, name: str, line: int, one: dict[str, Any]) -> bool:
    """Whether a statement is at the line of the class that a record named."""
    stem = index.paths[one["file"]].rpartition("/")[2].partition(".")[0]
    near = one["first_line"] <= line <= max(one["last_line"], one["first_line"] + REACH)
    return near and name.partition("$")[0] == stem


class Callers:
    """Whether a link leads to a call of the function that a log named.

    Some functions hand their message on to a logger, and the log names the line of theirs where they do. Who reads the
    log wants to know who called them, which the log does not say: such links are neither right nor wrong.
    """

    def __init__(self, index: CodeIndex) -> None:
        self._functions: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for one in index.tables["functions"].to_pylist():
            if one["kind"] == "function":
                self._functions[one["file"]].append(one)
        self._calls = {(one["file"], one["line"], one["name"]) for one in index.tables["calls"].to_pylist()}

    def are(self, files: Iterable[int], line: int, statement: dict[str, Any]) -> bool:
        """``files`` and ``line`` are what the log named, ``statement`` is what it was linked to."""
        names = {
            one["name"].rpartition(".")[2]
            for file in files
            for one in self._functions[file]
            if one["line"] <= line <= one["end_line"]
        }
        return any((statement["file"], statement["line"], name) in self._calls for name in names)


def kind_of(link: Link, found: str) -> str:
    """What kind of outcome a link is, for the list of misses by kind."""
    if found in ("right", "wrong", "called"):
        return found
    if link.place is not None:
        return "only a stack frame"
    if not link.ties:
        return "no statement matches"
    return "several match equally" if "equally" in link.note else "fewer than two constant words"


def anduril(sources: Path, wanted: list[str], shown: int) -> None:
    """One row for each case, and all together."""
    data = Path(os.environ["LOGRADAR_DATA"], "anduril")
    with lzma.open(data / "statements.csv.xz", "rt") as file:
        known = {
            (row["case"], row["class"], int(row["line"])): int(row["sources_found"] or 0)
            for row in csv.DictReader(file)
        }
    whole, foreign = Tally(), Counter[str]()
    print(HEAD)
    for case in wanted or sorted({case for case, _, _ in known}):
        began = time.process_time()
        index, _ = index_code(sources / case)
        took = time.process_time() - began
        linker, tally, callers = Linker(index), Tally(), Callers(index)
        for file in sorted((data / case).glob("*run-log*.xz")):
            text, answers = hidden(lzma.decompress(file.read_bytes()).decode("utf-8", "replace"))
            with tempfile.TemporaryDirectory() as scratch:
                place = Path(scratch, f"{case.partition('-')[0]}.log")
                place.write_text(text)
                for record in records_of(place):
                    if record["line"] not in answers:
                        continue
                    name, line = answers[record["line"]]
                    link = linker.link(record["body"], record["level"], record["component"])

                    found = outcome(linker, link, partial(is_place, index, name, line))
                    files = linker.by_name.get(name.partition("$")[0], [])
                    if found == "wrong" and callers.are(files, line, linker.statements[link.row]):
                        found = "called"
                    if not known.get((case, name, line)):
                        foreign["linked" if link.row >= 0 else "not linked"] += 1
                        continue
                    for one in (tally, whole):
                        one.add((case, name, line), found)
                        one.kinds[kind_of(link, found)] += 1
                    if found != "right":
                        said = [
                            (index.paths[linker.statements[row]["file"]], linker.statements[row]["line"])
                            for row in ([link.row] if link.row >= 0 else link.ties[:3])
                        ]
                        whole.missed[f"{found} {case} {name}:{line} {record['body'][:140]!r} -> {said}"] += 1
        figures = index.figures()
        print(tally.row(f"{case} ({figures['lines']:,} lines indexed in {took:.0f} s of CPU)"), flush=True)
    print(whole.row("all"))
    print(f"by kind: {dict(whole.kinds.most_common())}")
    print(f"records whose statement is not in the tree: {dict(foreign)}")
    for text, count in whole.missed.most_common(shown):
        print(count, text)


def hadoop(sources: Path, shown: int) -> None:
    """The log of HDFS of 2008 on the sources of a later Hadoop; the class that a line names is the answer."""
    file = Path(os.environ["LOGRADAR_DATA"], "hdfs", "HDFS_2pct.log.xz")
    index, _ = index_code(sources)
    linker, tally = Linker(index), Tally()
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "hdfs.log").write_bytes(lzma.decompress(file.read_bytes()))
        for record in records_of(Path(scratch)):
            names = set(re.split(r"[.$]", record["component"] or "")) - {"dfs", ""}

            def right(one: dict[str, Any], names: set[str] = names) -> bool:
                stem = index.paths[one["file"]].rpartition("/")[2].partition(".")[0]
                inside = index.functions[one["function"]]["name"].split(".") if one["function"] >= 0 else []
                return not names.isdisjoint({stem, *inside[:-1]})

            link = linker.link(record["body"], record["level"])
            found = outcome(linker, link, right)
            template = re.sub(r"\S*[0-9/]\S*", "*", record["body"].partition("\n")[0])
            tally.add(template, found)
            if found != "right":
                place = linker.index.paths[link.place[0]] if link.place else ""
                tally.missed[f"{found}: {record['component']} {template[:120]} -> {place}"] += 1
    print(HEAD)
    print(tally.row(f"HDFS of 2008 on {sources.name}"))
    for text, count in tally.missed.most_common(shown):
        print(count, text)


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("simulated", "anduril", "hadoop"))
    parser.add_argument("--seed", type=int, default=601)
    parser.add_argument("--days", type=float, default=0.2)
    parser.add_argument("--sources", type=Path)
    parser.add_argument("--cases", nargs="*", default=[])
    parser.add_argument("--missed", type=int, default=0, help="how many kinds of misses are listed")
    given = parser.parse_args()
    quiet(True)
    if given.part == "simulated":
        simulated(given.seed, given.days)
    elif given.part == "hadoop":
        hadoop(given.sources, given.missed)
    else:
        anduril(given.sources, given.cases, given.missed)


if __name__ == "__main__":
    main()
