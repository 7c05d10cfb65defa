"""Index reuse: what an earlier index found in files that have not changed since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.extraction import FileFacts, Statement, Wrapper
from logradar.retrieval.scopes import Scope


def facts_of(before: CodeIndex, digests: Mapping[str, str]) -> dict[str, FileFacts]:
    """The facts of the files whose bytes are the same, by path; ``digests`` are those of now."""
    rows = before.tables["files"].select(["path", "language", "digest", "lines", "broken"]).to_pylist()
    same = {number: row for number, row in enumerate(rows) if digests.get(row["path"]) == row["digest"]}
    tables = {name: _by_file(before, name) for name in ("functions", "statements", "calls", "wrappers")}
    first: dict[int, int] = {}
    for number, row in enumerate(before.functions):
        first.setdefault(row["file"], number)
    found = {}
    for number, row in same.items():
        base = first.get(number, 0)
        facts = FileFacts(row["language"], row["lines"], row["broken"])
        facts.scopes = [
            Scope(one["kind"], one["name"], one["line"], one["end_line"], 0, 0) for one in tables["functions"][number]
        ]
        facts.statements = [
            _statement(list(same_place), base)
            for _, same_place in groupby(
                tables["statements"][number],
                lambda one: (one["first_line"], one["line"], one["last_line"], one["level"], one["logger"]),
            )
        ]
        facts.calls = [(one["name"], one["line"], _local(one["function"], base)) for one in tables["calls"][number]]
        facts.wrappers = [Wrapper(one["name"], one["level"]) for one in tables["wrappers"][number]]
        found[row["path"]] = facts
    return found


def _by_file(before: CodeIndex, name: str) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in before.tables[name].to_pylist():
        found[row["file"]].append(row)
    return found


def _statement(rows: list[dict[str, Any]], base: int) -> Statement:
    one = rows[0]
    return Statement(
        one["first_line"],
        one["line"],
        one["last_line"],
        one["level"],
        one["logger"],
        tuple(row["pattern"] for row in rows),
        _local(one["function"], base),
        one["plain"],
    )


def _local(function: int, base: int) -> int:
    return function - base if function >= 0 else -1
