"""Linker: which statement of a code index wrote a log line, or none where that is not certain.

A pure function of the line and the index: what other lines there are, and in which order, makes no difference. First
comes what the line says itself (a file and a line number), if a statement there fits. Else the statements whose
message matches the whole line are compared: those at the level and in the class of the line go first, then those with
most constant characters. Where two are equal, or the best has fewer than two constant words, there is no link.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.locations import Location, best_path, frames, is_own, own_locations
from logradar.retrieval.patterns import LONGEST, normal
from logradar.retrieval.statement_search import Candidate, StatementSearch

BY_LOCATION: Final = "location"  # the line names its place, and the statement there fits
BY_MESSAGE: Final = "message"  # one statement matches best
BY_FRAME: Final = "stack frame"  # the record is a stack trace and no statement's
WORDS: Final = 2  # constant words that a link needs
_CACHED: Final = 1 << 16
_TIES: Final = 20
_SHOWN: Final = 6  # lines of a statement that are shown
_DIGITS: Final = re.compile(r"[0-9]+")
_DIGIT: Final = re.compile(r"[0-9]")
_TEST: Final = re.compile(
    r"(?:^|/)(?:src/test|tests?|testing|__tests__|spec|examples?|benchmarks?)(?:/|$)|(?:^|/)test_[^/]*$|(?:_test|Test|IT|\.test|\.spec)\.[a-z]+$"
)


@dataclass(frozen=True)
class Link:
    """What is known of a line: the row of the statement in STATEMENTS, -1 for none.

    ``place`` is (file, line) of the link, also where it is a stack frame; ``ties`` are rows that are as good as each
    other; ``note`` says what a person should know, such as that source and log are of different versions.
    """

    row: int = -1
    basis: str = ""
    place: tuple[int, int] | None = None
    ties: tuple[int, ...] = ()
    note: str = ""


NO_LINK: Final = Link(note="No log statement of the indexed code matches this line.")


class Linker:
    """Links lines to the statements of one index; results are kept, since lines repeat."""

    def __init__(self, index: CodeIndex) -> None:
        self.index = index
        self._search = StatementSearch(index)
        columns = index.tables["statements"].select(
            ["file", "first_line", "line", "last_line", "level", "logger", "function", "plain"]
        )
        self.statements: list[dict[str, Any]] = columns.to_pylist()
        self._cache: dict[tuple[Any, ...], Link] = {}
        self._tests = [_TEST.search(path) is not None for path in index.paths]

    @cached_property
    def by_name(self) -> dict[str, list[int]]:
        """The files by their names, with and without ending, and by the classes in them."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, path in enumerate(self.index.paths):
            name = path.rpartition("/")[2]
            for one in {name, name.partition(".")[0]}:
                found[one].append(number)
        return found

    @cached_property
    def _in_file(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for row, one in enumerate(self.statements):
            found[one["file"]].append(row)
        return found

    @cached_property
    def _digits(self) -> frozenset[str]:
        """Numbers in constant parts: a line that holds one of them is not like others with other numbers."""
        return frozenset(number for pattern in self._search.patterns for number in _DIGITS.findall(pattern))

    def link(
        self, body: str, level: int | None = None, component: str | None = None, service: str | None = None
    ) -> Link:
        """The statement that wrote ``body``; ``level`` is its SeverityNumber, ``component`` its logger or class."""
        first = body.lstrip("\n").partition("\n")[0][:LONGEST]
        located = own_locations(first, component or "")
        same = located or not self._digits.isdisjoint(_DIGITS.findall(first))
        key = (first if same else _DIGIT.sub("0", first), level, component, service)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            found = self._cache[key] = self._link(first, located, level, component, service)
        if found.row < 0 and not found.ties:
            return self._by_frame(body) or found
        return found

    def _link(
        self, line: str, located: Sequence[Location], level: int | None, component: str | None, service: str | None
    ) -> Link:
        candidates = self._search.candidates(line)
        if located and (found := self._by_location(located, candidates)) is not None:
            return found
        return self._by_message(candidates, level, component, service)

    def _by_location(self, located: Sequence[Location], candidates: list[Candidate]) -> Link | None:
        matching = [one.row for one in candidates]
        for location in located:
            files = best_path(location, self.index.paths, self.by_name)
            rows = [row for file in files for row in self._in_file.get(file, ())]
            there = [row for row in rows if self._covers(row, location.line)]
            fitting = self._distinct([row for row in there if row in matching])
            if len(fitting) == 1:
                return self._to(fitting[0], BY_LOCATION)
            elsewhere = self._distinct([row for row in matching if row in set(rows)])
            if not fitting and len(elsewhere) == 1:
                one = self.statements[elsewhere[0]]
                note = (
                    f"The line names line {location.line}, the statement is at line {one['line']}: "
                    "the indexed source is of another version than the log."
                )
                return self._to(elsewhere[0], BY_LOCATION, note)
        return None

    def _covers(self, row: int, line: int) -> bool:
        one = self.statements[row]
        return bool(one["first_line"] <= line <= one["last_line"])

    def _to(self, row: int, basis: str, note: str = "") -> Link:
        one = self.statements[row]
        return Link(row, basis, (one["file"], one["line"]), note=note)

    def _distinct(self, rows: Sequence[int]) -> list[int]:
        """One row of each statement; a statement with a choice in its message has several."""
        seen: dict[tuple[int, int], int] = {}
        for row in rows:
            seen.setdefault((self.statements[row]["file"], self.statements[row]["line"]), row)
        return list(seen.values())

    def _by_message(
        self, candidates: list[Candidate], level: int | None, component: str | None, service: str | None
    ) -> Link:
        if not candidates:
            return NO_LINK
        ranks: dict[int, tuple[int, ...]] = {}
        for one in candidates:
            agrees, fits = self._agrees(one.row, component), self._level(one.row, level)
            if one.words + (agrees if fits >= 0 else 0) < WORDS:
                continue
            rank = (fits, agrees, one.size, -one.context)
            ranks[one.row] = max(rank, ranks.get(one.row, rank))
        if not ranks:
            best = self._distinct([one.row for one in candidates])
            return Link(ties=tuple(best[:_TIES]), note="Too little of the message is constant to name one statement.")
        most = max(ranks.values())
        best = self._distinct([row for row, rank in ranks.items() if rank == most])
        best = self._preferred(best, service)
        if len(best) > 1:
            return Link(ties=tuple(best[:_TIES]), note=f"{len(best)} statements write this message equally well.")
        return self._to(best[0], BY_MESSAGE)

    def _level(self, row: int, level: int | None) -> int:
        """1 where the levels agree, 0 where one is not known, -1 where they differ."""
        own = self.statements[row]["level"]
        if level is None or own is None:
            return 0
        return 1 if (own - 1) // 4 == (level - 1) // 4 else -1

    def _agrees(self, row: int, component: str | None) -> int:
        """1 where the component of the line is the class, the file or the logger of the statement."""
        if not component:
            return 0
        name = re.split(r"[./\\:$@\[(]", component.strip("[]()"))
        last = [one for one in name if one and not one.isdigit()][-1:]
        if not last:
            return 0
        one = self.statements[row]
        stem = self.index.paths[one["file"]].rpartition("/")[2].partition(".")[0]
        classes = self.index.functions[one["function"]]["name"].split(".")[:-1] if one["function"] >= 0 else []
        return int(last[0] in (stem, *classes))

    def _preferred(self, rows: list[int], service: str | None) -> list[int]:
        """Of equal ones those in a folder or file of the service's name, then those that are no tests."""
        if service and len(rows) > 1:
            own = [row for row in rows if service in re.split(r"[/.]", self.index.paths[self.statements[row]["file"]])]
            rows = own or rows
        if len(rows) > 1:
            rows = [row for row in rows if not self._tests[self.statements[row]["file"]]] or rows
        return rows

    def _by_frame(self, body: str) -> Link | None:
        """The innermost frame of a stack trace that lies in the indexed code."""
        for location in frames(body):
            files = best_path(location, self.index.paths, self.by_name)
            own = len(files) == 1 and is_own(location, self.index.paths[files[0]])
            if own and self.has_line(files[0], location.line):
                return Link(basis=BY_FRAME, place=(files[0], location.line))
        return None

    def has_line(self, file: int, line: int) -> bool:
        """Whether a file is so long."""
        return bool(line <= self.index.tables["files"]["lines"][file].as_py())

    def text(self, link: Link) -> str:
        """The source code that a link leads to, as one line."""
        if link.place is None:
            return ""
        file, line = link.place
        last = self.statements[link.row]["last_line"] if link.row >= 0 else line
        return normal(" ".join(self.index.lines_of(file)[line - 1 : min(last, line + _SHOWN)]))
