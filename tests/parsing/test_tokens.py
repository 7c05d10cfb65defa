"""Tokens are the parts between white space that Python's ``str.split`` gives, in every script."""

from hypothesis import given
from hypothesis import strategies as st

from logradar.parsing import tokens
from logradar.parsing.interning import Texts

BLANKS = [chr(code) for code in range(0x110000) if chr(code).isspace()]


def tokens_of(lines: list[str]) -> list[str]:
    _, found = tokens.split(Texts.of(lines))
    return found.to_series().to_list()


def test_all_blanks_of_unicode_separate() -> None:
    assert len(BLANKS) > 20
    assert tokens_of([f"a{blank}b" for blank in BLANKS]) == ["a", "b"] * len(BLANKS)


def test_no_other_character_separates() -> None:
    others = [chr(code) for code in range(1, 0x3100) if not chr(code).isspace()]
    assert tokens_of([f"a{one}b" for one in others]) == [f"a{one}b" for one in others]


@given(st.lists(st.text(st.sampled_from([*BLANKS, "a", "ä", "漢", "\u200b"]), max_size=20), max_size=8))
def test_tokens_are_those_of_python(lines: list[str]) -> None:
    assert tokens_of(lines) == [token for line in lines for token in line.split()]
