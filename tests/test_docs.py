"""The documentation cannot drift: generated pages are current, commands and files that it names exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "experiments").glob("*.md")])


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["reference-cli.md", "reference-settings.md", "file-map.md"])
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


def test_the_alert_of_the_readme_is_one_that_the_tutorial_prints():
    shown = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown and shown[1] in (ROOT / "docs" / "tutorial.md").read_text()


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_every_word_of_the_tables_is_in_the_glossary():
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    for word in ("LogRecord", "Template", "Event", "Session", "Sequence", "Detector", "Score", "Threshold", "Bundle"):
        assert f"| {word} |" in glossary
