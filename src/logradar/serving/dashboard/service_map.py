"""Service map: where services stand in a picture, drawn here, so that a browser needs no script for it.

They stand on an ellipse, those that share sessions side by side; of many services the busiest stand inside.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from logradar.serving.dashboard.service_states import WELL, state_of

_RING: Final = 12  # services on one ellipse
_SMALL, _LARGE = 13, 26  # radius
_MARGIN: Final = (64, 52)
_NAME: Final = 16  # characters


@dataclass(frozen=True)
class Node:
    """A service: its place, its radius, and how it is."""

    name: str
    short: str
    x: float
    y: float
    radius: float
    state: str
    words: str
    open: int


@dataclass(frozen=True)
class Edge:
    """Two services that sessions with alerts touched: the ends of the line, and its width."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    words: str


@dataclass(frozen=True)
class ServiceMap:
    """A picture of so many units."""

    width: int
    height: int
    nodes: list[Node]
    edges: list[Edge]


def service_map(
    services: Sequence[Mapping[str, Any]], pairs: Sequence[tuple[str, str, int]], size: tuple[int, int, int], now: int
) -> ServiceMap:
    """The map of rows of `Store.services` and pairs of `Store.edges`: width, height, and how many services at most."""
    width, height, most_services = size
    shown = list(services)[:most_services]
    number = {str(one["service"]): place for place, one in enumerate(shown)}
    known = [(number[a], number[b], count) for a, b, count in pairs if a in number and b in number]
    places = _places(len(shown), known, (width, height))
    most = max((one["records"] for one in shown), default=0) or 1
    nodes = []
    for one, (x, y) in zip(shown, places, strict=True):
        state, words = state_of(one, now)
        name = str(one["service"])
        radius = _SMALL + (_LARGE - _SMALL) * math.sqrt(one["records"] / most)
        short = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
        nodes.append(Node(name, short, x, y, radius, state, words, one["open_incidents"] if state != WELL else 0))
    heaviest = max((count for *_, count in known), default=1)
    edges = [
        Edge(*places[a], *places[b], 1 + 4 * count / heaviest, f"{nodes[a].name} and {nodes[b].name}: {count:,}")
        for a, b, count in known
    ]
    return ServiceMap(width, height, nodes, edges)


def _places(count: int, pairs: Sequence[tuple[int, int, int]], size: tuple[int, int]) -> list[tuple[float, float]]:
    """Where each of ``count`` services stands: on an ellipse, or where there are many on two."""
    inner = count // 3 if count > _RING else 0
    found: dict[int, tuple[float, float]] = {}
    rings = ((_in_order(range(inner), pairs), 0.42), (_in_order(range(inner, count), pairs), 1.0))
    for ring, share in rings:
        for place, number in enumerate(ring):
            turn = 2 * math.pi * (place + 0.5) / len(ring) - math.pi / 2
            reach = share if count > 1 else 0.0
            x = size[0] / 2 + reach * (size[0] / 2 - _MARGIN[0]) * math.cos(turn)
            y = size[1] / 2 + reach * (size[1] / 2 - _MARGIN[1]) * math.sin(turn)
            found[number] = round(x, 1), round(y, 1)
    return [found[number] for number in range(count)]


def _in_order(numbers: Iterable[int], pairs: Sequence[tuple[int, int, int]]) -> list[int]:
    """The numbers in an order in which those that share many sessions follow each other."""
    weight = {pair: count for a, b, count in pairs for pair in ((a, b), (b, a))}
    left, found = list(numbers), list[int]()
    while left:
        last = found[-1] if found else left[0]
        found.append(max(left, key=lambda one: (weight.get((last, one), 0), -one)))
        left.remove(found[-1])
    return found
