"""The page on parsing says what the code does."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from logradar.parsing.masking import DEFAULT_RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to-parse.md"


def test_the_example_of_the_page_is_true():
    done = doctest.testfile(str(PAGE), module_relative=False)
    assert done.failed == 0
    assert done.attempted > 5


def test_the_rules_of_the_page_are_the_default_rules():
    table = PAGE.read_text().partition("| rule | becomes")[2].partition("\n\n")[0]
    told = [name for row in table.splitlines()[2:] for name in re.findall(r"`([a-z0-9]+)`", row.split("|")[1])]
    assert sorted(told) == sorted(rule.name for rule in DEFAULT_RULES)
