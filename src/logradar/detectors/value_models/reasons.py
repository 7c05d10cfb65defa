"""What is unusual about a value, in a sentence for people."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from logradar.detectors.value_models.numbers import numbers

_UNIT: Final = re.compile(r"[0-9](%|[a-zA-Zµ]{1,4})[\s)\]}'\";,:]*$")
_LONGEST: Final = 60


def unusual(place: int, text: str, low: float, high: float) -> str:
    """A number that is far out, or a text where training has numbers.

    >>> unusual(1, "48210", 3, 95)
    'the 2nd value is 48,210; usually 3 to 95'
    >>> unusual(0, "9s", 0.003, 0.0951)
    'the 1st value is 9 s; usually 0.003 to 0.0951 s'
    """
    value = float(numbers(pl.Series([text]))[0])
    if value != value:
        return f"the {_ordinal(place)} value is {_quoted(text)}, not a number; usually {_range(low, high)}"
    unit = found[1] if (found := _UNIT.search(text)) else ""
    factor = float(numbers(pl.Series([f"1{unit}"]))[0])
    behind = f" {unit}" if unit else ""
    here, normal = _number(value / factor), _range(low / factor, high / factor)
    return f"the {_ordinal(place)} value is {here}{behind}; usually {normal}{behind}"


def novel(place: int, text: str, normal: list[str], many: int) -> str:
    """A text that training does not have.

    >>> novel(2, "CHF", ["EUR", "USD"], 12)
    "the 3rd value is 'CHF', never seen there; usually 'EUR', 'USD' or one of 10 others"
    """
    others = many - len(normal)
    known = ", ".join(map(_quoted, normal))
    more = f" or one of {others} others" if others > 1 else " or one other" if others else ""
    return f"the {_ordinal(place)} value is {_quoted(text)}, never seen there; usually {known}{more}"


def too_late(seconds: float, high: float) -> str:
    """An event that came late, with the seconds that are normal at most.

    >>> too_late(31.2, 0.4)
    'came 31.2 s after the event before; usually below 0.4 s'
    """
    normal = f"usually below {_number(high)} s" if high >= 0.001 else "usually at once"
    return f"came {_number(seconds)} s after the event before; {normal}"


def _range(low: float, high: float) -> str:
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3g}"
    return f"{value:.3g}"


def _ordinal(place: int) -> str:
    number = place + 1
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _quoted(text: str) -> str:
    return f"'{_cut(text)}'"
