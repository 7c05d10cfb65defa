"""Runs the commands of the pages that show their output, and puts it below them (`make docs`; a test compares).

Blocks marked ``sh`` are run, one shell for each, all in one folder; their standard output is the block marked ``text``
that follows. Blocks marked ``console`` are for readers only.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGES = tuple(Path(__file__).with_name(name) for name in ("tutorial.md", "first-hour.md"))
BLOCK = re.compile(r"```sh\n(.*?)```\n(?:\n```text\n.*?```\n)?", re.DOTALL)
SECONDS = re.compile(r"(?m)^(\s*seconds\s+)[\d.]+ *$")  # what training took differs each time


def run(page: str, folder: Path) -> str:
    """The page with the output of its commands, run in an empty folder.

    Raises RuntimeError where a command fails, with what it wrote to standard error.
    """
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": scripts, "COLUMNS": "100", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"}

    def with_output(block: re.Match[str]) -> str:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", block[1]],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"the page stops at\n{block[1]}\n{done.stdout}{done.stderr}")
        lines = "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip("\n")
        return f"```sh\n{block[1]}```\n" + (f"\n```text\n{lines}\n```\n" if lines else "")

    return BLOCK.sub(with_output, page)


def comparable(page: str) -> str:
    """The page without what differs from run to run."""
    return SECONDS.sub(r"\1…", page)


if __name__ == "__main__":
    for path in PAGES:
        with tempfile.TemporaryDirectory(prefix="logradar-page-") as scratch:
            before = path.read_text()
            after = run(before, Path(scratch))
            if comparable(after) != comparable(before):
                path.write_text(after)
                print(f"wrote docs/{path.name}", file=sys.stderr)
