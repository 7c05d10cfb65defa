"""How Sphinx makes a site of these pages (`make site`): menu, theme, and where links to the repository lead.

The groups of the menu are the headings of docs/README.md, so that the index is kept once.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "https://github.com/logradar/logradar"

project = "LogRadar"
author = "The LogRadar authors"
extensions = ["myst_parser"]
root_doc = "README"
html_theme = "furo"
html_title = "LogRadar"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_theme_options = {"source_repository": REPOSITORY, "source_branch": "main", "source_directory": "docs/"}
myst_heading_anchors = 4

LINK = re.compile(r"\]\(([^)\s]+)\)")


def menu(index: str) -> str:
    """The hidden tables of contents that the index stands for, one for each of its headings."""
    groups: dict[str, list[str]] = {}
    for line in index.splitlines():
        if line.startswith("## "):
            groups[line.removeprefix("## ")] = []
        elif page := re.match(r"- \[([^\]]+)\]\(([^)]+)\.md\)", line):
            list(groups.values())[-1].append(f"{page[1]} <{page[2]}>")
    toctree = "```{{toctree}}\n:hidden:\n:caption: {0}\n\n{1}\n```\n"
    return "\n".join(toctree.format(title, "\n".join(pages)) for title, pages in groups.items())


def outside(text: str, page: Path) -> str:
    """Links that leave the documentation lead to the repository."""

    def link(found: re.Match[str]) -> str:
        target, mark, anchor = found[1].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return found[0]
        path = (page.parent / target).resolve()
        if not path.exists() or (path.is_relative_to(ROOT / "docs") and path.is_file()):
            return found[0]  # Sphinx follows it, and says if it leads nowhere
        kind = "tree" if path.is_dir() else "blob"
        return f"]({REPOSITORY}/{kind}/main/{path.relative_to(ROOT).as_posix()}{mark}{anchor})"

    return LINK.sub(link, text)


def setup(app: Any) -> None:
    """Called by Sphinx."""

    def read(_: Any, name: str, source: list[str]) -> None:
        source[0] = outside(source[0], ROOT / "docs" / f"{name}.md")
        if name == root_doc:
            source[0] += "\n" + menu(source[0])

    app.connect("source-read", read)
