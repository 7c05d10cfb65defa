"""The tutorial and the first hour do what they say: every command runs, and prints what the page shows."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "docs" / "tutorial.py"


def loaded():
    spec = importlib.util.spec_from_file_location("tutorial", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tutorial = loaded()


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.stem, marks=pytest.mark.slow) for path in tutorial.PAGES],
)
def test_a_page_prints_what_it_shows(path, tmp_path):
    page = path.read_text()
    assert tutorial.comparable(tutorial.run(page, tmp_path)) == tutorial.comparable(page), "run `make docs`"


def test_output_is_put_below_its_command(tmp_path):
    first = "Before.\n\n```sh\necho one > file\necho 2\n```\n\n```text\nstale\n```\n\n"
    page = first + "```console\nfalse\n```\n\n```sh\ncat file\n```\n"
    shown = page.replace("stale", "2") + "\n```text\none\n```\n"
    assert tutorial.run(page, tmp_path) == shown
    assert tutorial.run(shown, tmp_path) == shown


def test_a_command_that_fails_stops_it(tmp_path):
    with pytest.raises(RuntimeError, match="no such folder"):
        tutorial.run("```sh\ncd x || { echo no such folder >&2; exit 3; }\n```\n", tmp_path)
