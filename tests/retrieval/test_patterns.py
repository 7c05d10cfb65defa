"""Patterns match what the statement can have written, in linear time."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from logradar.retrieval.patterns import ANY, NUMBER, matches, normal, static_words, tidy, words_of

PARTS = st.lists(st.text("ab ", max_size=4), min_size=1, max_size=5)


@given(PARTS, st.text("ab ", max_size=20))
def test_it_matches_as_a_regex_does(parts, line):
    pattern, line = tidy(ANY.join(parts)), normal(line)
    regex = "(?:.*)".join(map(re.escape, pattern.split(ANY)))
    assert matches(pattern, line) == bool(re.fullmatch(regex, line))


@given(PARTS, st.lists(st.text("ab1 ", max_size=6), min_size=5, max_size=5))
def test_what_a_statement_writes_is_matched_and_has_its_words(parts, values):
    pattern = tidy(ANY.join(parts))
    line = normal("".join(part + value for part, value in zip(pattern.split(ANY), values, strict=False)))
    if pattern.count(ANY) and line:
        last = pattern.rpartition(ANY)[2]
        line = normal(line[: len(line)]) if line.endswith(last) else normal(line + last)
    if matches(pattern, line):
        assert set(static_words(pattern)) <= words_of(line)


def test_numbers_are_numbers():
    assert matches(f"took {NUMBER} ms", "took -1.5e3 ms")
    assert not matches(f"took {NUMBER} ms", "took long ms")


def test_a_hostile_line_takes_no_time():
    pattern, began = tidy(ANY.join(["a"] * 100)), time.process_time()
    assert not matches(pattern, "a" * 1_900 + "b")
    assert time.process_time() - began < 0.5
