"""The documentation cannot drift: generated pages are current, commands and files that it names exist."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pyarrow as pa
import pytest

from logradar.core import tables

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "logradar"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "experiments").glob("*.md")])


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["formats.md", "reference-cli.md", "reference-settings.md", "file-map.md"])
def test_generated_pages_are_current(page):
    assert (ROOT / "docs" / page).read_text() == generator().PAGES[page](), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_commands_in_the_readme_exist():
    import typer.main

    from logradar.cli import build

    known = set(typer.main.get_command(build()).commands)
    told = set(re.findall(r"^\s*(?:[a-z].*\| )?logradar ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert told <= known
    assert {"train", "detect", "evaluate"} <= told


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "README.md"
    listed = re.findall(r"^- \[[^\]]+\]\(([^)#]+)\): .{10,}\.?$", index.read_text(), re.MULTILINE)
    pages = {str(page.relative_to(index.parent)) for page in index.parent.rglob("*.md")} - {index.name}
    assert len(listed) == len(set(listed))
    assert set(listed) == pages


def test_the_tests_that_the_page_on_systems_names_exist():
    text = (ROOT / "docs" / "systems.md").read_text()
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text))
    rows = [line for line in text.splitlines() if re.match(r"\| S\d", line)]
    assert len(rows) > 30 and all(re.search(r"\| `tests/[\w/]+\.py::test_\w+` \|$", row) for row in rows)
    for file, name in named:
        body = ast.parse((ROOT / file).read_text()).body
        assert name in {node.name for node in body if isinstance(node, ast.FunctionDef)}, f"{file} has no {name}"


def test_the_tests_that_the_page_on_security_names_exist():
    """``::test_x`` is in the file that was named last."""
    file, named = "", []
    for path, name in re.findall(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`", (ROOT / "docs" / "security.md").read_text()):
        file = path or file
        if name:
            named.append((file, name))
    assert len(named) > 15
    for file, name in named:
        body = ast.parse((ROOT / file).read_text()).body
        assert name in {node.name for node in body if isinstance(node, ast.FunctionDef)}, f"{file} has no {name}"


def test_the_alert_of_the_readme_is_one_that_the_tutorial_prints():
    shown = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown and shown[1] in (ROOT / "docs" / "tutorial.md").read_text()


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def plain(noun: str) -> str:
    """A noun as one word: ``ReplayBuffer``, ``REPLAY_BUFFERS`` and ``Replay buffer`` are the same."""
    return re.sub(r"[ _]", "", noun).lower().removesuffix("settings").removesuffix("s")


def table_nouns() -> set[str]:
    """What the schemas and the structures inside them are called."""
    return {
        name for name, value in vars(tables).items() if name.isupper() and isinstance(value, pa.Schema | pa.StructType)
    }


def class_nouns() -> set[str]:
    """The public classes of the rooms whose words people meet, and of every room's promise (``base.py``)."""
    rooms = [path for room in ("alerting", "model", "scoring") for path in (SOURCE / room).rglob("*.py")]
    files = [*rooms, *SOURCE.glob("*/base.py"), *(SOURCE / "parsing").glob("session*.py")]
    nodes = [node for path in files for node in ast.parse(path.read_text()).body]
    return {node.name for node in nodes if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}


def test_every_noun_of_the_code_is_in_the_glossary():
    rows = (ROOT / "docs" / "glossary.md").read_text().partition("|---|---|---|")[2].strip().splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    explained = {plain(noun) for noun, meaning, *_ in cells if len(meaning.split()) >= 3}
    nouns = table_nouns() | class_nouns()
    assert {"SESSIONS", "Bundle", "Detector", "Threshold", "Source"} <= nouns  # they were really found
    assert sorted(noun for noun in nouns if plain(noun) not in explained) == []


def test_no_noun_is_in_the_glossary_twice():
    nouns = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert sorted(noun for noun in nouns if nouns.count(noun) > 1) == []
