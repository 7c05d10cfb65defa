"""Indexing: makes a code index of a folder, from scratch or from an earlier index of it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pyarrow as pa

from logradar.core.errors import ConfigError, InputError
from logradar.core.progress import Progress
from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.constants import Constants, constants_of
from logradar.retrieval.extraction import FileFacts, Wrapper, extract
from logradar.retrieval.git import blob_id, blobs_of, commit_of, is_repository
from logradar.retrieval.grammars import MISSING, reader_of
from logradar.retrieval.history import recent_commits
from logradar.retrieval.index_reuse import facts_of
from logradar.retrieval.index_tables import TABLES
from logradar.retrieval.patterns import LONGEST
from logradar.retrieval.source_files import SkippedFiles, SourceFile, source_files

_C_FAMILY: Final = frozenset(("c", "cpp"))
_JS_FAMILY: Final = frozenset(("javascript", "typescript"))
RULES: Final = 2  # one more with every change of what is found in a file: earlier findings are not reused then
_JVM: Final = frozenset(("java", "kotlin", "scala"))
_MOST_WRAPPERS: Final = 2_000
_ROUNDS: Final = 5  # wrappers of wrappers
Wrappers = dict[str, Wrapper]


class Rows:
    """The rows of an index while it is made, file by file."""

    def __init__(self) -> None:
        self.columns: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}

    def add(self, file: SourceFile, digest: str, facts: FileFacts) -> None:
        """Add what was found in one file."""
        number = len(self.columns["files"])
        base = len(self.columns["functions"])
        text = file.source.decode("utf-8", "replace")
        self.columns["files"].append(
            {
                "path": file.path,
                "language": facts.language,
                "digest": digest,
                "lines": facts.lines,
                "broken": facts.broken,
                "text": text,
            }
        )
        self.columns["functions"] += [
            {"file": number, "kind": one.kind, "name": one.name, "line": one.line, "end_line": one.end_line}
            for one in facts.scopes
        ]
        for one in facts.statements:
            self.columns["statements"] += [
                {
                    "file": number,
                    "first_line": one.first_line,
                    "line": one.line,
                    "last_line": one.last_line,
                    "level": one.level,
                    "logger": one.logger[:200],
                    "pattern": pattern[:LONGEST],
                    "function": one.scope + base if one.scope >= 0 else -1,
                    "plain": one.plain,
                }
                for pattern in one.patterns
            ]
        self.columns["calls"] += [
            {"name": name, "file": number, "line": line, "function": scope + base if scope >= 0 else -1}
            for name, line, scope in facts.calls
        ]
        self.columns["wrappers"] += [
            {"file": number, "language": facts.language, "name": one.name, "level": one.level} for one in facts.wrappers
        ]

    def tables(self, commits: Iterable[Mapping[str, str]]) -> dict[str, pa.Table]:
        """The tables of the index."""
        self.columns["commits"] = [dict(row) for row in commits]
        return {name: pa.Table.from_pylist(self.columns[name], schema=schema) for name, schema in TABLES.items()}


def index_code(folder: Path, *, before: CodeIndex | None = None) -> tuple[CodeIndex, SkippedFiles]:
    """The index of the source code below ``folder``; files that are as in the index ``before`` are not read again.

    Raises `InputError` where there is no source code, `ConfigError` where tree-sitter is not installed.
    """
    try:
        import tree_sitter  # noqa: F401
    except ModuleNotFoundError:
        raise ConfigError(MISSING) from None
    skipped = SkippedFiles()
    files = list(source_files(folder, skipped))
    if not files:
        left = "; ".join(f"{count:,} {reason}" for reason, count in skipped.counts.items())
        raise InputError(f"'{folder}' holds no source code of a known language{f' ({left})' if left else ''}.")
    digests = [hashlib.blake2b(file.source, digest_size=16).hexdigest() for file in files]
    constants = constants_of((file.path, file.source) for file in files)
    if before is not None and (before.facts.get("constants"), before.facts.get("rules")) != (constants.digest(), RULES):
        before = None
    known = facts_of(before, dict(zip((file.path for file in files), digests, strict=True))) if before else {}
    wrappers = _wrappers_before(before) if before else {}
    found: list[FileFacts] = []
    seen: list[Wrappers] = []
    with Progress("indexing", len(files), "files") as bar:
        for file in files:
            facts_known = known.get(file.path)
            found.append(facts_known or _read(file, {}, constants))
            seen.append(wrappers.get(_family(found[-1].language), {}) if facts_known else {})
            bar.advance(1)
    again = _with_wrappers(files, found, seen, constants)
    rows = Rows()
    for file, digest, facts in zip(files, digests, found, strict=True):
        rows.add(file, digest, facts)
    about = {
        "repository": str(folder.resolve()),
        "commit": commit_of(folder) if is_repository(folder) else None,
        "clean": _clean(folder, files),
        "constants": constants.digest(),
        "rules": RULES,
        "reused": len(known),
        "read_twice": again,
        "skipped": dict(skipped.counts),
    }
    return CodeIndex(rows.tables(recent_commits(folder)), about), skipped


def _read(file: SourceFile, wrappers: Mapping[str, Wrapper], constants: Constants) -> FileFacts:
    reader = reader_of(PurePosixPath(file.path).suffix)
    assert reader is not None
    return extract(reader, file.source, wrappers, constants)


def _family(language: str) -> str:
    for name, family in (("c", _C_FAMILY), ("javascript", _JS_FAMILY), ("jvm", _JVM)):
        if language in family:
            return name
    return language


def _with_wrappers(files: list[SourceFile], found: list[FileFacts], seen: list[Wrappers], constants: Constants) -> int:
    """Read files again that call a wrapper which they were not read with; returns how many.

    ``seen`` are the wrappers of the family of each file, as they were known when it was read.
    """
    read = 0
    for _ in range(_ROUNDS):
        wrappers: dict[str, Wrappers] = defaultdict(dict)
        for facts in found:
            for one in facts.wrappers:
                if len(wrappers[_family(facts.language)]) < _MOST_WRAPPERS:
                    wrappers[_family(facts.language)].setdefault(one.name, one)
        changed = 0
        for number, (file, facts) in enumerate(zip(files, found, strict=True)):
            known = wrappers[_family(facts.language)]
            if known == seen[number]:
                continue
            called = {name for name, _, _ in facts.calls}
            if any(known.get(name) != seen[number].get(name) for name in called):
                found[number] = _read(file, known, constants)
                changed += 1
            seen[number] = known
        read += changed
        if not changed:
            break
    return read


def _clean(folder: Path, files: list[SourceFile]) -> bool | None:
    """Whether the files are those of the commit; None outside of git."""
    blobs = blobs_of(folder) if is_repository(folder) else {}
    if not blobs:
        return None
    return all(file.path in blobs and blob_id(file.source, blobs[file.path]) == blobs[file.path] for file in files)


def _wrappers_before(before: CodeIndex) -> dict[str, Wrappers]:
    found: dict[str, Wrappers] = defaultdict(dict)
    for row in before.tables["wrappers"].to_pylist():
        if len(found[_family(row["language"])]) < _MOST_WRAPPERS:
            one = Wrapper(row["name"], row["level"])
            found[_family(row["language"])].setdefault(one.name, one)
    return found
