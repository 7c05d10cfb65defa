"""What benchmarks, studies and examples of the documentation import from the package exists."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted([*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "experiments").glob("*.py")])
PAGES = [
    page for page in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]) if "```python" in page.read_text()
]


def missing(source: str) -> list[str]:
    """The names that a script imports from logradar, or from a script beside it, and that do not exist."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "logradar":
            module = importlib.import_module(node.module)
            for name in node.names:
                try:
                    getattr(module, name.name)
                except AttributeError:
                    try:
                        importlib.import_module(f"{node.module}.{name.name}")
                    except ImportError:
                        found.append(f"{node.module}.{name.name}")
        elif isinstance(node, ast.ImportFrom) and node.module in {script.stem for script in SCRIPTS}:
            beside = ast.parse(next(s for s in SCRIPTS if s.stem == node.module).read_text())
            there = {name for top in beside.body for name in _defined(top)}
            found += [f"{node.module}.{name.name}" for name in node.names if name.name not in there]
    return found


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.ImportFrom):
        return {name.asname or name.name for name in node.names}
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: f"{script.parent.name}/{script.stem}")
def test_what_a_script_imports_exists(script):
    assert missing(script.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_an_example_of_the_documentation_imports_exists(page):
    for example in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        code = "\n".join(re.findall(r"^(?:>>>|\.\.\.) ?(.*)", example, re.MULTILINE)) if ">>>" in example else example
        assert missing(code) == []


def test_a_name_that_is_gone_is_found():
    source = "from logradar.core.tables import SESSIONS, NO_SUCH\nfrom hdfs_deeplog_split import read, nothing\n"
    assert missing(source) == ["logradar.core.tables.NO_SUCH", "hdfs_deeplog_split.nothing"]
