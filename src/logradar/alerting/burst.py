"""Burst: alerts and rate changes that follow each other closely and share a mark; what an incident is made of.

Two bursts together are a burst again, and the order in which they are put together makes no difference. So what is
known of an incident does not depend on the order in which its alerts came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import groupby, islice
from typing import Any, Final

from logradar.alerting.deviation import RATES, deviation, deviation_of_rate, services_of
from logradar.core.rate_words import what_changed
from logradar.core.tables import WARN

LISTED: Final = 100  # alerts, rate changes, sessions and services that are named; what is more is counted
_MARKS: Final = 2_000
_LOOKED_BACK: Final = 43_200 * 1_000_000  # microseconds before it was found, from which a rate change counts
_PART = re.compile(r"#\d+$")  # of a session that was too long
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RANKS: Final = (8, 4, 2, 1)  # weight of the lines of an alert, the most telling one first
Span = tuple[int, int]
Named = tuple[int, str]  # a time (microseconds) and an id


@dataclass(frozen=True)
class ServiceShare:
    """What a service has of the unusual lines: in how many ``alerts``, of which ``weight``, and since when."""

    alerts: int
    weight: int
    first: int

    def __add__(self, other: ServiceShare) -> ServiceShare:
        return ServiceShare(self.alerts + other.alerts, self.weight + other.weight, min(self.first, other.first))


@dataclass
class Burst:
    """Times are microseconds, of events; 0 where no event of the log has a time.

    ``marks`` have the span of time in which alerts had them. ``start`` and ``last`` are the times of the first and
    last alert (of a rate change: its beginning, half a day before it was found at most, and its end), ``since`` that of
    the first unusual line. ``heads`` are the rows of the most telling alert of each way to be unusual, ``first`` that
    of the first one (of the first alert where there is one), with what they are ordered by.
    """

    marks: dict[str, Span]
    start: int
    last: int
    since: int
    count: int
    rates: int
    ways: dict[str, int]
    services: dict[str, ServiceShare]
    touched: tuple[str, ...]
    opened_in: str  # service of the most unusual line of the first alert
    ids: tuple[Named, ...]  # of alerts
    changes: tuple[Named, ...]  # ids of rate changes
    sessions: tuple[str, ...]
    heads: dict[str, dict[str, Any]]
    first: dict[str, Any]
    parts: dict[str, float]  # of the severity, the highest of each
    max_level: int = 0
    found: int = 0  # when a rate change was found
    names: set[str] = field(default_factory=set)  # ids of the incidents that it was reported in

    @classmethod
    def of_alert(cls, alert: Mapping[str, Any]) -> Burst:
        """The burst of one row of ALERTS."""
        found = deviation(alert)
        time = micros(alert["raised_at"] or alert["started_at"])
        lines = alert["evidence"]
        seen = [micros(row["timestamp"]) for row in lines if row["timestamp"]]
        since = min(seen) if seen else micros(alert["started_at"]) or time
        row = _row(alert["alert_id"], time, found.way, alert["evidence"][0] if lines else None, alert["severity_score"])
        row |= {"parts": {part["name"]: part["value"] for part in alert["severity_parts"]}}
        level = alert["max_level"] or 0
        return cls(
            marks=dict.fromkeys(found.marks, (time, time)),
            start=time,
            last=time,
            since=min(since, time),
            count=1,
            rates=0,
            ways={found.way: 1},
            services=_shares(alert, time),
            touched=tuple(sorted(set(services_of(alert)))[:LISTED]),
            opened_in=alert["service"] or "",
            ids=((time, alert["alert_id"]),),
            changes=(),
            sessions=(_PART.sub("", alert["session_id"]),),
            heads={found.way: row | {"weight": [alert["severity_score"], alert["score"]]}},
            first=row,
            parts=row["parts"],
            max_level=level,
        )

    @classmethod
    def of_rate(cls, change: Mapping[str, Any], severity_score: float, parts: Mapping[str, float]) -> Burst:
        """The burst of one row of RATE_CHANGES; ``severity_score`` and ``parts`` say how urgent it is."""
        found = deviation_of_rate(change)
        began, last = micros(change["started_at"]), micros(change["last_at"])
        found_at = micros(change["found_at"])
        start = max(began, found_at - _LOOKED_BACK)
        service = change["service"] or ""
        line = {name: change[name] for name in ("record_id", "source", "line", "body", "level")}
        line |= {"reason": f"{what_changed(change)}, {change['reason']}", "service": service or None, "expected": []}
        line["timestamp"] = change["started_at"] if change["record_id"] is not None else None
        row = _row(change["change_id"], began, found.way, line, severity_score) | {"parts": dict(parts)}
        return cls(
            marks=dict.fromkeys(found.marks, (start, last)),
            start=start,
            last=max(start, last),
            since=began if found.way == "silent" else found_at,  # when another rate changed is known roughly
            count=0,
            rates=1,
            ways={found.way: 1},
            services={service: ServiceShare(0, _RANKS[0], began if found.way == "silent" else found_at)},
            touched=(service,),
            opened_in=service,
            ids=(),
            changes=((began, change["change_id"]),),
            sessions=(),
            heads={found.way: row | {"weight": [severity_score, -float(change["p_value"])]}},
            first=row,
            parts=dict(parts),
            max_level=change["level"] or 0,
            found=found_at,
        )

    def __add__(self, other: Burst) -> Burst:
        early, late = (self, other) if _order(self.first) <= _order(other.first) else (other, self)
        return Burst(
            marks=_spans(self.marks, other.marks),
            start=min(self.start, other.start),
            last=max(self.last, other.last),
            since=min(self.since, other.since),
            count=self.count + other.count,
            rates=self.rates + other.rates,
            ways=_added(self.ways, other.ways),
            services=_added(self.services, other.services),
            touched=_together(self.touched, other.touched),
            opened_in=early.opened_in,
            ids=_together(self.ids, other.ids),
            changes=_together(self.changes, other.changes),
            sessions=_together(self.sessions, other.sessions),
            heads={
                way: max((one.heads[way] for one in (self, other) if way in one.heads), key=_telling)
                for way in sorted({*self.heads, *other.heads})
            },
            first=early.first,
            parts={
                name: max(self.parts.get(name, 0.0), other.parts.get(name, 0.0))
                for name in {**self.parts, **late.parts}
            },
            max_level=max(self.max_level, other.max_level),
            found=early.found,
            names=self.names | other.names,
        )


def micros(moment: datetime | None) -> int:
    """Microseconds since 1970; 0 for no time."""
    return (moment - _EPOCH) // timedelta(microseconds=1) if moment else 0


def moment(time: int) -> datetime | None:
    """The opposite of `micros`."""
    return _EPOCH + timedelta(microseconds=time) if time else None


def _row(id_: str, time: int, way: str, line: dict[str, Any] | None, severity_score: float) -> dict[str, Any]:
    return {"id": id_, "time": time, "way": way, "line": line, "severity_score": severity_score}


def _telling(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return *row["weight"], -row["time"], row["id"]


def _order(row: Mapping[str, Any]) -> tuple[bool, int, str]:
    return row["way"] in RATES, row["time"], row["id"]


def _shares(alert: Mapping[str, Any], time: int) -> dict[str, ServiceShare]:
    """The share of each service in the unusual lines of an alert; a warning or an error counts twice."""
    found: dict[str, ServiceShare] = {}
    for rank, line in enumerate(alert["evidence"]):
        service = line["service"] or alert["service"] or ""
        weight = _RANKS[min(rank, len(_RANKS) - 1)] * (2 if (line["level"] or 0) >= WARN else 1)
        first = micros(line["timestamp"]) or time
        known = found.get(service, ServiceShare(1, 0, first))
        found[service] = ServiceShare(1, known.weight + weight, min(known.first, first))
    return found or {alert["service"] or "": ServiceShare(1, 1, time)}


def _spans(one: dict[str, Span], other: dict[str, Span]) -> dict[str, Span]:
    """The marks of both, of which the first in the order of letters are kept where they are too many."""
    few, many = sorted((one, other), key=len)
    marks = dict(many)
    highest = max(many) if len(many) >= _MARKS else None  # a storm: most new marks are behind it
    for mark, (start, last) in few.items():
        known = marks.get(mark)
        if known is not None:
            marks[mark] = min(known[0], start), max(known[1], last)
        elif highest is None or mark < highest:
            marks[mark] = start, last
    return {mark: marks[mark] for mark in sorted(marks)[:_MARKS]} if len(marks) > _MARKS else marks


def _added(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        name: one[name] + other[name] if name in one and name in other else {**one, **other}[name]
        for name in sorted({**one, **other})
    }


def _together(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    """The `LISTED` smallest of both, in order, each once."""
    for full, more in ((one, other), (other, one)):
        if len(full) == LISTED and (not more or more[0] >= full[-1]):
            return full  # a storm goes this way
    return tuple(islice((value for value, _ in groupby(merge(one, other))), LISTED))
