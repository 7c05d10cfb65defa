"""Strips: small pictures that a browser stretches to the width of its place: bars over time, marks over time.

They are numbers for the templates, which write them as SVG; the unit of x is a step or a thousandth of the time shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from logradar.serving.store.counts import Series

HEIGHT: Final = 100
WIDTH: Final = 1000


@dataclass(frozen=True)
class Bar:
    """One step: its place, and how high the parts are, of `HEIGHT`: all records, and errors with warnings below."""

    x: int
    all: float
    loud: float


@dataclass(frozen=True)
class Bars:
    """Counts over time; ``since`` and ``until`` are microseconds, ``most`` is the largest count."""

    since: int
    until: int
    most: int
    total: int
    steps: int
    bars: list[Bar]


def bars(series: Series) -> Bars:
    """The records of all services together, and those of WARN and above among them."""
    services = list(series.services.values())
    steps = max((len(one["all"]) for one in services), default=0)
    every = [sum(one["all"][place] for one in services) for place in range(steps)]
    loud = [sum(one["warn"][place] + one["error"][place] for one in services) for place in range(steps)]
    most = max(every, default=0)
    found = [Bar(place, _share(count, most), _share(loud[place], most)) for place, count in enumerate(every) if count]
    return Bars(series.start, series.start + steps * series.step, most, sum(every), steps, found)


def sparkline(counts: Sequence[int]) -> str:
    """The points of a line through counts, as SVG wants them; empty where there are none.

    >>> sparkline([0, 2, 1])
    '0,98 1,2 2,50'
    """
    most = max(counts, default=0)
    if not most:
        return ""
    return " ".join(f"{place},{98 - 96 * count / most:.4g}" for place, count in enumerate(counts))


def steps_of(minutes: Sequence[Sequence[int]], since: int, until: int, steps: int) -> list[int]:
    """Counts of minutes, each (microseconds, count), summed to so many equal steps from ``since`` to ``until``."""
    found = [0] * steps
    span = max(1, until - since)
    for minute, count in minutes:
        if since <= minute < until:
            found[min(steps - 1, (minute - since) * steps // span)] += count
    return found


def _share(count: int, most: int) -> float:
    """How high; what is there can be seen."""
    return max(2.0, HEIGHT * count / most) if count else 0.0
