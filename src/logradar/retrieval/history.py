"""History: the last commits that touched a file, and where the repository is at hand, a function."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from logradar.core.filenames import readable
from logradar.retrieval.git import git, is_repository

COMMITS: Final = 2_000  # that an index looks at
OF_FILE: Final = 5  # that it keeps of each file
_SHOWN: Final = 160  # characters of a subject
_HEAD: Final = re.compile(r"\x1e([0-9a-f]{7,64})\x1f([0-9T:+Z-]{10,35})\x1f([^\x1e]*)")


def recent_commits(folder: Path) -> list[dict[str, str]]:
    """The last commits of each file below ``folder``: rows of COMMITS, the newest first; empty outside of git."""
    if not is_repository(folder):
        return []
    said = git(
        folder, "log", f"--max-count={COMMITS}", "--no-renames", "--name-only", "--relative", "-z",
        "--date=iso-strict", "--format=%x1e%H%x1f%ad%x1f%s%x1f",
    )  # fmt: skip
    counts: dict[str, int] = {}
    found = []
    for part in (said or b"").decode("utf-8", "surrogateescape").split("\x1e")[1:]:
        commit, date, subject, names = [*part.split("\x1f", 3), "", "", ""][:4]
        for name in names.split("\0"):
            path = name.strip("\n")
            if path and counts.get(path, 0) < OF_FILE:
                counts[path] = counts.get(path, 0) + 1
                found.append(
                    {"commit": commit, "date": date, "subject": readable(subject)[:_SHOWN], "path": readable(path)}
                )
    return found


def commits_of_lines(
    folder: Path, path: str, first: int, last: int, most: int = OF_FILE
) -> list[dict[str, str]] | None:
    """The last commits that touched these lines of a file; None where git cannot say.

    The lines are those of the commit that is checked out.
    """
    said = git(
        folder, "log", f"-L{first},{last}:{path}", f"--max-count={most}", "--no-patch", "--no-ext-diff",
        "--no-textconv",
        "--date=iso-strict", "--format=%x1e%H%x1f%ad%x1f%s", patience=20.0,
    )  # fmt: skip
    if said is None:
        return None
    text = said.decode("utf-8", "replace")
    return [
        {"commit": commit, "date": date, "subject": readable(subject.strip())[:_SHOWN]}
        for commit, date, subject in _HEAD.findall(text)
    ][:most]
