"""Time line: the alerts and rate changes of an incident over time, a row for each service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from logradar.core.rate_words import what_changed
from logradar.core.tables import NO_SERVICE, SEVERITIES
from logradar.serving.dashboard.strips import WIDTH
from logradar.serving.store.moments import microseconds_of

_ROWS: Final = 8  # services, and as many rate changes
_EDGE: Final = 8  # thousandths that are left free at both ends
_SHORTEST: Final = 6  # thousandths of the width of a bar


@dataclass(frozen=True)
class Marks:
    """One row: marks are places of 0 to `WIDTH` with a severity; a bar goes from one place to another."""

    name: str
    count: int
    marks: list[tuple[int, str]] = field(default_factory=list)
    bar: tuple[int, int] | None = None
    kind: str = ""


@dataclass(frozen=True)
class TimeLine:
    """Rows from ``since`` to ``until`` (microseconds); ``more`` alerts and services are not shown."""

    since: int
    until: int
    rows: list[Marks]
    more: int


def time_line(alerts: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]], total: int) -> TimeLine | None:
    """The time line of ``total`` alerts, of which these are shown; None without times."""
    moments = [(microseconds_of(one.get("raised_at")), one) for one in alerts]
    spans = [(microseconds_of(one.get("started_at")), microseconds_of(one.get("last_at")), one) for one in changes]
    times = [time for time, _ in moments if time] + [time for first, last, _ in spans for time in (first, last) if time]
    if not times:
        return None
    since, until = min(times), max(times)

    def place(time: int) -> int:
        if until == since:
            return WIDTH // 2
        return _EDGE + round((time - since) / (until - since) * (WIDTH - 2 * _EDGE))

    by_service: dict[str, list[tuple[int, str]]] = {}
    for time, one in moments:
        if time:
            marks = by_service.setdefault(str(one.get("service") or NO_SERVICE), [])
            marks.append((place(time), str(one.get("severity"))))
    ranked = sorted(by_service, key=lambda name: (min(by_service[name])[0], name))
    rows = [Marks(name, len(by_service[name]), _distinct(by_service[name])) for name in ranked[:_ROWS]]
    for first, last, one in spans[:_ROWS]:
        begin, end = place(first), place(max(first, last))
        bar = (begin, max(_SHORTEST, end - begin))
        name = f"{one.get('service') or 'the log'}: {what_changed(one)}"
        rows.append(Marks(name, 0, bar=bar, kind=str(one.get("kind"))))
    hidden = sum(len(by_service[name]) for name in ranked[_ROWS:])
    return TimeLine(since, until, rows, max(0, total - len(alerts)) + hidden)


def _distinct(marks: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """One mark for each place, that of the worst severity."""
    worst: dict[int, str] = {}
    for place, severity in marks:
        if place not in worst or _rank(severity) > _rank(worst[place]):
            worst[place] = severity
    return sorted(worst.items())


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1
