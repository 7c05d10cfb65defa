from __future__ import annotations

import math

import pytest

from logradar.core.formatting import figure, joined, minute, moment, number, percent, visible


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (4313, "4,313"),
        (36.63, "36.6"),
        (1234.5, "1,234"),
        (0.0004, "0.0004"),
        (1e20, "1e+20"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "–"),
        (None, "–"),
        ("x", "–"),
        (True, "–"),
    ],
)
def test_number(value: object, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.886, "88.6 %"),
        (0.0036, "0.36 %"),
        (0.00004, "0.004 %"),
        (0.99995, "99.99 %"),
        (1e-9, "< 0.0001 %"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_percent(value: object, text: str) -> None:
    assert percent(value) == text


def test_figure() -> None:
    assert (figure(0.94), figure(None), figure(math.nan), figure(-0.5)) == ("0.940", "–", "–", "-0.500")


def test_what_cannot_be_seen_is_written_out() -> None:
    assert visible("a\tb\nc é 日本 مرحبا 🙂") == "a\tb\nc é 日本 مرحبا 🙂"
    assert visible("\x1b[2J\x00\r\x9b\u202e\u2066\u200b\ufeff\ud800") == (
        "⟨ESC⟩[2J⟨NUL⟩⟨CR⟩⟨U+009B⟩⟨U+202E⟩⟨U+2066⟩⟨U+200B⟩⟨U+FEFF⟩⟨U+D800⟩"
    )


def test_times_and_lists_of_names() -> None:
    assert moment("2024-05-06T12:30:00+00:00") == "2024-05-06 12:30:00 UTC"
    assert moment("2024-05-06T12:30:00+02:00") == "2024-05-06 12:30:00 +0200"
    assert minute("2024-05-06T12:30:59Z") == "2024-05-06 12:30"
    assert (moment(None), moment("yesterday")) == ("–", "yesterday")
    assert [joined(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
