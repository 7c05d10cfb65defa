"""Source files: which files of a folder hold source code, with what was left out and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from logradar.core.errors import InputError
from logradar.retrieval.git import git, is_repository
from logradar.retrieval.grammars import known_suffix, reader_of

LARGEST: Final = 2 << 20  # bytes of a source file; what is larger was generated
MOST_FILES: Final = 400_000
_HEAD: Final = 8_192
_SKIPPED_FOLDERS: Final = frozenset(  # .pc: files as they were before Debian's patches
    (".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".pc")
)
_EXAMPLES: Final = 5


@dataclass
class SkippedFiles:
    """How many files were left out, by reason, with some of their names."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, path: str) -> None:
        """Count a file."""
        self.counts[reason] += 1
        names = self.examples.setdefault(reason, [])
        if len(names) < _EXAMPLES:
            names.append(path)


@dataclass(frozen=True)
class SourceFile:
    """A file with source code: its path below the folder, and its bytes."""

    path: str
    source: bytes


def source_files(folder: Path, skipped: SkippedFiles) -> Iterator[SourceFile]:
    """The source files below ``folder`` in order of their paths: in a git repository those that git does not ignore.

    Too large and binary files, links and languages without a grammar are counted in ``skipped``. Raises `InputError`
    where there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"'{folder}' is no folder; name the folder of a checkout.")
    for path in sorted(_paths(folder)):
        suffix = PurePosixPath(path).suffix
        if not known_suffix(suffix):
            continue
        if any("\ud800" <= letter <= "\udfff" for letter in path):
            skipped.add("name is not UTF-8", path)
            continue
        whole = folder / path
        try:
            if whole.is_symlink() or not whole.is_file():
                skipped.add("link or no file", path)
                continue
            if not _inside(whole, folder):
                skipped.add("link or no file", path)
                continue
            if reader_of(suffix) is None:
                skipped.add("no grammar installed", path)
                continue
            if whole.stat().st_size > LARGEST:
                skipped.add("too large", path)
                continue
            source = whole.read_bytes()
        except OSError:
            skipped.add("unreadable", path)
            continue
        if b"\0" in source[:_HEAD]:
            skipped.add("binary", path)
        else:
            yield SourceFile(path, source)


def _inside(path: Path, folder: Path) -> bool:
    """A folder above may be a link that leads out."""
    return path.resolve().is_relative_to(folder.resolve())


def _paths(folder: Path) -> list[str]:
    if is_repository(folder):
        listed = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        if listed is not None:
            return list(dict.fromkeys(os.fsdecode(name) for name in listed.split(b"\0") if name))[:MOST_FILES]
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        inner = os.path.relpath(place, folder)
        found += [name if inner == "." else f"{inner}/{name}" for name in names]
        if len(found) > MOST_FILES:
            break
    return found[:MOST_FILES]
