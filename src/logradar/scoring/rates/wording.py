"""Wording: a change of a rate in one plain sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from logradar.model.rates.tails import band

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_SHOWN: Final = 60  # characters of a template


def duration(seconds: float) -> str:
    """A length of time in one or two units.

    >>> duration(600), duration(5400), duration(1)
    ('10 minutes', '1 hour 30 minutes', '1 second')
    """
    rest, parts = round(seconds), list[str]()
    for size, name in _UNITS:
        count, rest = divmod(rest, size)
        if count and len(parts) < 2:
            parts.append(f"{count:,} {name}{'s' * (count != 1)}")
        elif parts:
            break
    return " ".join(parts) or "0 seconds"


def times(count: float) -> str:
    """How often.

    >>> times(1), times(3120)
    ('once', '3,120 times')
    """
    return "once" if round(count) == 1 else f"{count:,.0f} times"


def reason(
    kind: str,
    observed: float,
    expected: float,
    dispersion: float,
    seconds: float,
    learnt: float,
    worst: Sequence[tuple[int, float]],
    texts: Mapping[int, str],
) -> str:
    """What happened in ``seconds``, and what is normal; ``learnt`` are the seconds that the training covers.

    ``worst`` are templates that are most unusual with what they have more or less.
    """
    long = duration(seconds)
    if kind == "new":
        said = f"{times(observed)} in {long}; never in the {duration(learnt)} of the training"
    elif kind in ("silence", "gone"):
        every = f"; normal is one every {duration(seconds / expected)}" if 0 < expected < seconds else ""
        said = f"nothing for {long}" if observed < 1 else f"only {times(observed)} in {long}"
        said += every or f" instead of {expected:,.0f} times"
    else:
        low, high = band(expected, dispersion)
        only = "only " if kind == "dip" else ""
        said = f"{only}{times(observed)} in {long} instead of " + (f"{low:,} to {high:,}" if high > low else f"{low:,}")
    if worst:
        sign = "less" if kind in ("silence", "gone", "dip") else "more"
        named = ", ".join(f"«{_clipped(texts.get(id_, str(id_)))}» {sign} by {by:,.0f}" for id_, by in worst)
        said += f"; most of all {named}"
    return said


def _clipped(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
