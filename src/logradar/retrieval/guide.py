"""Guide: where a line comes from, what happens before it, who calls it, and what changed: facts with file and line.

Everything here is read from the index (and from git, where the repository is at hand). Nothing is made up: each place
is one of the index, what is found by likeness alone is marked as a guess, and what is not known is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final

from logradar.core.formatting import level_word
from logradar.retrieval.code_search import CodeSearch, Meanings
from logradar.retrieval.history import OF_FILE, commits_of_lines
from logradar.retrieval.linker import Linker
from logradar.retrieval.patterns import normal, readable_pattern
from logradar.retrieval.places import frame_places, function_at, place_of, url_of

_CALLERS: Final = 12
_STATEMENTS: Final = 12
_CALLED: Final = 12
_GUESSES: Final = 3
_INDENTED: Final = re.compile(r"[ \t]*")
_LEAVES: Final = re.compile(r"\s*(?:return|raise|throw|break|continue|goto|panic|exit|die|abort)\b")
_AROUND: Final = re.compile(r"\s*(?:break|continue)\b")
_CLOSING: Final = re.compile(r"^[\s})\];,]*$")


class Guide:
    """Explains lines by one index. ``meanings`` are sentence embeddings for the search, or None."""

    def __init__(self, linker: Linker, meanings: Meanings | None = None) -> None:
        self.linker, self.index = linker, linker.index
        self._meanings = meanings

    @cached_property
    def _search(self) -> CodeSearch:
        return CodeSearch(self.index, self._meanings)

    @cached_property
    def _statements(self) -> dict[int, list[int]]:
        """The rows of the statements of each function."""
        found: dict[int, list[int]] = {}
        for row, one in enumerate(self.linker.statements):
            found.setdefault(one["function"], []).append(row)
        return found

    @cached_property
    def _calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.index.tables["calls"].to_pylist()
        return found

    @cached_property
    def _called_by_name(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, one in enumerate(self._calls):
            found.setdefault(one["name"], []).append(row)
        return found

    @cached_property
    def _defined(self) -> dict[str, int]:
        """How many functions have a short name."""
        found: dict[str, int] = {}
        for one in self.index.functions:
            if one["kind"] == "function":
                short = one["name"].rpartition(".")[2]
                found[short] = found.get(short, 0) + 1
        return found

    def explain(
        self, body: str, level: int | None = None, component: str | None = None, service: str | None = None
    ) -> dict[str, Any]:
        """All that is known of a line, as JSON values (docs/reference-json.md).

        ``place`` is None where no statement is certain; then ``ties`` are those that may have written it, and
        ``guesses`` are functions that are like it.
        """
        link = self.linker.link(body, level, component, service)
        place = place_of(self.linker, link)
        found: dict[str, Any] = {
            "line": body.partition("\n")[0][:2_000],
            "commit": self.index.commit,
            "place": place,
            "note": link.note,
            "ties": [self._statement(row) for row in link.ties],
            "frames": frame_places(self.linker, body),
            "function": None,
            "around": [],
            "before": [],
            "after": [],
            "called_before": [],
            "callers": [],
            "commits": [],
            "guesses": [],
        }
        if link.place is not None:
            file, line = link.place
            number = (
                self.linker.statements[link.row]["function"] if link.row >= 0 else function_at(self.index, file, line)
            )
            found |= self._around(file, line, number)
        elif not link.ties:
            found["guesses"] = self._guesses(body)
        return found

    def _around(self, file: int, line: int, number: int) -> dict[str, Any]:
        path = self.index.paths[file]
        known: dict[str, Any] = {
            "around": list(self._enclosing(file, line, number)),
            "commits": self._commits(file, line, number),
        }
        if number < 0:
            return known
        function = self.index.functions[number]
        rows = sorted(self._statements.get(number, ()), key=lambda row: self.linker.statements[row]["line"])
        lines = self.index.lines_of(file)
        before = [row for row in rows if self.linker.statements[row]["line"] < line]
        before = [row for row in before if _goes_on(lines, self.linker.statements[row], line)]
        after = [row for row in rows if self.linker.statements[row]["line"] > line]
        return known | {
            "function": self._place(file, function["line"])
            | {"name": function["name"], "end_line": function["end_line"], "path": path},
            "before": [self._statement(row) for row in before[-_STATEMENTS:]],
            "after": [self._statement(row) for row in after[:_STATEMENTS]],
            "called_before": self._called(number, line),
            "callers": self._callers(number),
        }

    def _place(self, file: int, line: int) -> dict[str, Any]:
        path = self.index.paths[file]
        return {
            "path": path,
            "line": line,
            "text": normal(self.index.line(file, line))[:300],
            "url": url_of(self.index, path, line),
        }

    def _statement(self, row: int) -> dict[str, Any]:
        one = self.linker.statements[row]
        number = one["function"]
        return self._place(one["file"], one["line"]) | {
            "level": level_word(one["level"]),
            "message": readable_pattern(self.index.tables["statements"]["pattern"][row].as_py())[:300],
            "function": self.index.functions[number]["name"] if number >= 0 else "",
        }

    def _enclosing(self, file: int, line: int, number: int) -> Iterator[dict[str, Any]]:
        """The lines that open the blocks around a line, the outermost first, by their indentation."""
        lines = self.index.lines_of(file)
        first = self.index.functions[number]["line"] if number >= 0 else max(1, line - 40)
        if not 0 < line <= len(lines):
            return
        indent = _indent(lines[line - 1])
        found = []
        for place in range(line - 1, first, -1):
            text = lines[place - 1]
            if text.strip() and not _CLOSING.match(text) and _indent(text) < indent:
                indent = _indent(text)
                found.append(place)
        for place in reversed(found[:8]):
            yield self._place(file, place)

    def _called(self, number: int, line: int) -> list[dict[str, Any]]:
        """What the function calls before a line, the last first, without what it logs."""
        own = [self.linker.statements[row] for row in self._statements.get(number, ())]
        logged = {place for one in own for place in range(one["first_line"], one["last_line"] + 1)}
        rows = [row for row in self._calls_of.get(number, ()) if self._calls[row]["line"] < line]
        rows = [row for row in rows if self._calls[row]["line"] not in logged]
        found: dict[str, dict[str, Any]] = {}
        for row in reversed(rows):
            one = self._calls[row]
            found.setdefault(one["name"], self._place(one["file"], one["line"]) | {"name": one["name"]})
        return list(found.values())[:_CALLED]

    @cached_property
    def _calls_of(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for row, one in enumerate(self._calls):
            found.setdefault(one["function"], []).append(row)
        return found

    def _callers(self, number: int) -> list[dict[str, Any]]:
        """Where a function is called, by its name; ``sure`` where no other function has that name.

        Places that hand it on as a value (a handler, a step) count as well.
        """
        function = self.index.functions[number]
        short = function["name"].rpartition(".")[2]
        sure = self._defined.get(short, 0) == 1
        rows = [row for row in self._called_by_name.get(short, ()) if self._calls[row]["function"] != number]
        if len(rows) > _CALLERS and not sure:  # a common name: those of the same file
            rows = [row for row in rows if self._calls[row]["file"] == function["file"]]
        found = []
        for row in rows[:_CALLERS]:
            one = self._calls[row]
            caller = self.index.functions[one["function"]]["name"] if one["function"] >= 0 else ""
            found.append(self._place(one["file"], one["line"]) | {"function": caller, "sure": sure})
        seen = {(one["path"], one["line"]) for one in found}
        for one in self._handed_on(function, short, sure):
            if len(found) < _CALLERS and (one["path"], one["line"]) not in seen:
                found.append(one)
        return found

    def _handed_on(self, function: Mapping[str, Any], short: str, sure: bool) -> Iterator[dict[str, Any]]:
        """Where a function is named as a value: after a dot or a bracket, and before a comma or a bracket."""
        named = re.compile(rf"(?:[.&:(\[,=]\s*){re.escape(short)}\s*(?=[,)\]}}])")
        texts = self.index.tables["files"]["text"]
        files = [function["file"], *(file for file in range(len(texts)) if file != function["file"])]
        for file in files if sure else files[:1]:
            text = texts[file].as_py()
            for match in named.finditer(text) if short in text else ():
                line = text.count("\n", 0, match.end()) + 1
                if function["file"] == file and function["line"] <= line <= function["end_line"]:
                    continue
                row = function_at(self.index, file, line)
                name = self.index.functions[row]["name"] if row >= 0 else ""
                yield self._place(file, line) | {"function": name, "sure": sure}

    def _commits(self, file: int, line: int, number: int) -> list[dict[str, str]]:
        """The last commits that touched the function; those of the file where git is not at hand."""
        path, folder = self.index.paths[file], self.index.repository
        first, last = line, line
        if number >= 0:
            first, last = self.index.functions[number]["line"], self.index.functions[number]["end_line"]
        if folder is not None and self.index.facts.get("clean") and self._same_commit:
            found = commits_of_lines(folder, path, first, last)
            if found is not None:
                return [{**one, "of": "function" if number >= 0 else "line"} for one in found]
        rows = self.index.tables["commits"].to_pylist()
        return [
            {key: one[key] for key in ("commit", "date", "subject")} | {"of": "file"}
            for one in rows
            if one["path"] == path
        ][:OF_FILE]

    @cached_property
    def _same_commit(self) -> bool:
        from logradar.retrieval.git import commit_of

        return self.index.repository is not None and commit_of(self.index.repository) == self.index.commit

    def _guesses(self, body: str) -> list[dict[str, Any]]:
        """Functions that are like a line; only likeness of words speaks for them."""
        found = []
        for number, score in self._search.search(body.partition("\n")[0][:500], _GUESSES):
            one = self.index.functions[number]
            found.append(self._place(one["file"], one["line"]) | {"function": one["name"], "likeness": round(score, 4)})
        return found


def _goes_on(lines: list[str], statement: Mapping[str, Any], line: int) -> bool:
    """Whether what follows a statement in its block lets the function come to ``line``: no return, no exception.

    A ``continue`` or ``break`` in a block of its own goes around a return that follows.
    """
    indent = _indent(lines[statement["first_line"] - 1])
    for text in lines[statement["last_line"] : line - 1]:
        if not text.strip():
            continue
        if _indent(text) < indent or (_indent(text) > indent and _AROUND.match(text)):
            return True
        if _indent(text) == indent and _LEAVES.match(text):
            return False
    return True


def _indent(text: str) -> int:
    found = _INDENTED.match(text)
    return len(found[0].expandtabs(4)) if found else 0
