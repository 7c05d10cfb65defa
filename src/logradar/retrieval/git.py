"""Git, asked as a reader: nothing in the settings of a foreign repository may start a program."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import Final

_SAFE: Final = (
    "--no-pager",
    "--no-optional-locks",
    "--literal-pathspecs",
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"),
    *("-c", "diff.external=", "-c", "log.showSignature=false", "-c", "core.attributesFile=/dev/null"),
)
_PATIENCE: Final = 60.0  # seconds
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")


def git(folder: Path, *arguments: str, patience: float = _PATIENCE) -> bytes | None:
    """What ``git`` says in ``folder``; None where it is not installed, fails or takes too long."""
    quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *_SAFE, *arguments],
            capture_output=True,
            env={**os.environ, **quiet},
            stdin=subprocess.DEVNULL,
            timeout=patience,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def is_repository(folder: Path) -> bool:
    """Whether a folder is the checkout of a git repository, or lies in one."""
    inside = git(folder, "rev-parse", "--is-inside-work-tree")
    return inside is not None and inside.strip() == b"true"


def commit_of(folder: Path) -> str | None:
    """The commit that is checked out; None outside of git, and before the first commit."""
    said = git(folder, "rev-parse", "HEAD")
    text = said.decode("ascii", "replace").strip() if said else ""
    return text if _COMMIT.fullmatch(text) else None


def blobs_of(folder: Path) -> dict[str, str]:
    """The object ids of the files of the commit, by path below ``folder``; empty where they are not known.

    `git status` would run the filters that a repository names, this does not.
    """
    listed = git(folder, "ls-tree", "-r", "-z", "HEAD")
    found = {}
    for row in (listed or b"").split(b"\0"):
        head, tab, name = row.partition(b"\t")
        if tab:
            found[os.fsdecode(name)] = head.rpartition(b" ")[2].decode("ascii", "replace")
    return found


def blob_id(content: bytes, like: str) -> str:
    """The object id of a file's bytes, by the algorithm of another id.

    >>> blob_id(b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    algorithm = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return algorithm(b"blob %d\0" % len(content) + content).hexdigest()
