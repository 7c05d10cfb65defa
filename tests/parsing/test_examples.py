"""The examples in the docstrings of this package are correct."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from logradar import parsing
from logradar.parsing.masking import DEFAULT_RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to-parse.md"


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(parsing.__path__)])
def test_examples_in_docstrings_are_true(name):
    module = importlib.import_module(f"{parsing.__name__}.{name}")
    assert doctest.testmod(module).failed == 0


def test_the_example_of_the_page_is_true():
    done = doctest.testfile(str(PAGE), module_relative=False)
    assert done.failed == 0
    assert done.attempted > 5


def test_the_rules_of_the_page_are_the_default_rules():
    table = PAGE.read_text().partition("| rule | becomes")[2].partition("\n\n")[0]
    listed = [name for row in table.splitlines()[2:] for name in re.findall(r"`([a-z0-9]+)`", row.split("|")[1])]
    assert sorted(listed) == sorted(rule.name for rule in DEFAULT_RULES)
