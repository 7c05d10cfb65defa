"""What likeness alone finds: BM25 and sentence embeddings of functions, as a guide without parsing would have them.

    python experiments/code_baselines.py simulated [--seed 601] [--days 0.05]
    python experiments/code_baselines.py anduril --sources DIR --cases zookeeper-2247

For each distinct first line of a record the functions of the index are ranked (`logradar.retrieval.code_search`): by
words, by the packaged sentence model all-MiniLM-L6-v2, and by both. An answer is right where the function holds the
statement that wrote the line, which is easier than naming its line. The linker is beside it, held to the same: it is
right where the statement that it names is in that function. Records count as often as they come; the number of distinct
lines of one statement that are asked is bounded, because one line takes a second of CPU where there are many functions.
"""

from __future__ import annotations

import argparse
import lzma
import os
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import logradar.simulation
from code_links import hidden, is_place, records_of
from logradar.core.progress import quiet
from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.code_search import CodeSearch
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import Linker
from logradar.retrieval.sentence_model import SentenceModel, packaged
from logradar.simulation.simulate import simulate

MOST = 2  # lines of one statement
Line = tuple[str, Any, int, int]  # the body, level, the function of the answer, how many records


def simulated(seed: int, days: float) -> tuple[CodeIndex, list[Line]]:
    """The shop: its index, and lines with their functions."""
    index, _ = index_code(Path(logradar.simulation.__file__).parent)
    found: dict[int, Counter[tuple[str, Any]]] = defaultdict(Counter)
    with tempfile.TemporaryDirectory() as scratch:
        simulate(Path(scratch, "shop"), seed=seed, days=days)
        rows = pq.read_table(Path(scratch, "shop", "origins.parquet")).to_pylist()
        origins = {(row["source"], row["line"]): row for row in rows}
        for record in records_of(Path(scratch, "shop")):
            row = origins[Path(record["source"]).name, record["line"]]
            file = index.file_of[row["path"].removeprefix("simulation/")]
            add(found, function_of(index, file, row["code_line"]), record)
    return index, lines_of(found)


def anduril(sources: Path, cases: list[str]) -> tuple[CodeIndex, list[Line]]:
    """One Java system: its index, and lines with their functions."""
    (case,) = cases
    index, _ = index_code(sources / case)
    found: dict[int, Counter[tuple[str, Any]]] = defaultdict(Counter)
    statements = index.tables["statements"].to_pylist()
    for file in sorted(Path(os.environ["LOGRADAR_DATA"], "anduril", case).glob("*run-log*.xz")):
        text, answers = hidden(lzma.decompress(file.read_bytes()).decode("utf-8", "replace"))
        with tempfile.TemporaryDirectory() as scratch:
            Path(scratch, "a.log").write_text(text)
            for record in records_of(Path(scratch, "a.log")):
                name, line = answers.get(record["line"], ("", 0))
                own = [one for one in statements if is_place(index, name, line, one)]
                if own:
                    add(found, own[0]["function"], record)
    return index, lines_of(found)


def add(found: dict[int, Counter[tuple[str, Any]]], function: int, record: dict[str, Any]) -> None:
    """Count a record of a function."""
    if function >= 0:
        found[function][record["body"].partition("\n")[0], record["level"]] += 1


def function_of(index: CodeIndex, file: int, line: int) -> int:
    """The row of the innermost function around a line."""
    rows = [row for row in index.functions_of(file) if index.functions[row]["kind"] == "function"]
    inside = [row for row in rows if index.functions[row]["line"] <= line <= index.functions[row]["end_line"]]
    return max(inside, key=lambda row: index.functions[row]["line"], default=-1)


def lines_of(found: dict[int, Counter[tuple[str, Any]]]) -> list[Line]:
    """Some lines of each function, with the share of its records that each stands for."""
    lines = []
    for function, bodies in found.items():
        chosen = bodies.most_common(MOST)
        each = bodies.total() // len(chosen)
        lines += [(body, level, function, each) for (body, level), _ in chosen]
    return lines


def main() -> None:
    """Rank, and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("simulated", "anduril"))
    parser.add_argument("--seed", type=int, default=601)
    parser.add_argument("--days", type=float, default=0.05)
    parser.add_argument("--sources", type=Path)
    parser.add_argument("--cases", nargs="*", default=[])
    given = parser.parse_args()
    quiet(True)
    index, lines = (
        simulated(given.seed, given.days) if given.part == "simulated" else anduril(given.sources, given.cases)
    )
    total = sum(count for *_, count in lines)
    print(f"{len(lines)} lines of {total:,} records, {len(index.functions):,} functions and classes")
    print("| by | function right first | among three | right of those linked |\n|---|---|---|---|")
    ways: dict[str, CodeSearch] = {"words (BM25)": CodeSearch(index)}
    folder = packaged()
    if folder is not None:
        known: dict[str, Any] = {}
        model = SentenceModel(folder)

        def meanings(texts: list[str]) -> Any:
            if len(texts) == 1:
                return model(texts)
            if "all" not in known:
                known["all"] = model(texts)
            return known["all"]

        both = CodeSearch(index, meanings)
        alone = CodeSearch(index, meanings)
        alone._listed.clear()  # without words
        ways |= {"meaning (MiniLM)": alone, "both": both}
    for name, search in ways.items():
        first = third = 0
        for body, _, function, count in lines:
            ranked = [row for row, _ in search.search(body, 3)]
            first += count * (ranked[:1] == [function])
            third += count * (function in ranked)
        print(f"| {name} | {first / total:.1%} | {third / total:.1%} | {first / total:.1%} |", flush=True)
    linker = Linker(index)
    right = wrong = third = 0
    for body, level, function, count in lines:
        link = linker.link(body, level)
        ranked = [linker.statements[row]["function"] for row in ([link.row] if link.row >= 0 else link.ties[:3])]
        right += count * (link.row >= 0 and ranked == [function])
        wrong += count * (link.row >= 0 and ranked != [function])
        third += count * (function in ranked)
    print(f"| the linker | {right / total:.1%} | {third / total:.1%} | {right / (right + wrong or 1):.1%} |")


if __name__ == "__main__":
    main()
