"""The examples in the docstrings of the whole tree do what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
WITH_EXAMPLES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((SOURCE / "logradar").rglob("*.py"))
    if ">>> " in path.read_text()
}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_are_true(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # examples that write, write here
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if (missing.name or "logradar").partition(".")[0] == "logradar":
            raise
        pytest.skip(f"'{missing.name}' is not installed: {name} belongs to an extra")
    done = doctest.testmod(module)
    assert done.failed == 0
    assert done.attempted > 0


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_no_example_is_left_out(name):
    assert "+SKIP" not in WITH_EXAMPLES[name].read_text()
