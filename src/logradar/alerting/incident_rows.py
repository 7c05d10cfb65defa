"""Incident rows: what a person reads of an incident, as a row of INCIDENTS."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Final

from logradar.alerting.burst import LISTED, Burst, moment
from logradar.alerting.deviation import RATES
from logradar.alerting.severity import SeveritySettings, Signs, of_parts, parts_of, risen
from logradar.core.tables import ERROR, NO_SERVICE

OPEN: Final = "open"
RESOLVED: Final = "resolved"
MERGED: Final = "merged"
_CANDIDATES: Final = 5
_FIRST: Final = 0.5  # what it counts to have been first, in shares of unusual lines
_NEW: Final = 0.1  # share of alerts with a new message from which on the title tells of it
_CLIPPED: Final = 110  # characters of a line in a title
_QUOTED: Final = re.compile(r"«(.+)»")
_TITLES: Final = {
    "new": "New message in {where}: {what}",
    "more": "Too often in {where}: {what}",
    "cut": "Sessions end too early in {where}: {what}",
    "less": "Something is missing in {where}: {what}",
    "order": "Unexpected order in {where}: {what}",
    "value": "Unusual value or delay in {where}: {what}",
    "silent": "{where}: {reason}",
    "rate": "{where}: {reason}",
    "other": "Unusual sessions in {where}: {what}",
}


@dataclass(frozen=True)
class Recurrence:
    """Which incident was the first of the kind, and which one came ``before``; both None for a new kind."""

    kind: str | None = None
    before: str | None = None


def whole(bursts: Sequence[Burst]) -> Burst:
    """All bursts of an incident as one; pair by pair, because the marks of a storm are many."""
    level = list(bursts)
    while len(level) > 1:
        level = [reduce(add, level[place : place + 2]) for place in range(0, len(level), 2)]
    return level[0]


def kind_of(bursts: Sequence[Burst]) -> list[str]:
    """The marks by which an incident is recognised: those of its alerts, or of its rate changes where it has none."""
    marked = [burst for burst in bursts if burst.count] or bursts
    return sorted({mark for burst in marked for mark in burst.marks})


def is_incident(burst: Burst) -> bool:
    """Whether a person should know: two alerts at least, or one with a new message or an error, or a rate change."""
    return burst.count + burst.rates > 1 or bool(burst.rates) or "new" in burst.ways or burst.max_level >= ERROR


def incident_id(burst: Burst) -> str:
    """Sixteen hex digits from the first alert, or else rate change: the same in batch, stream and after a restart."""
    return hashlib.blake2b(f"incident\0{burst.first['id']}".encode(), digest_size=8).hexdigest()


def row_of(burst: Burst, now: int, quiet: int, severities: SeveritySettings, again: Recurrence) -> dict[str, Any]:
    """The row of INCIDENTS of the burst that is a `whole` incident, at the time ``now`` (microseconds)."""
    id_ = incident_id(burst)
    services = ranked(burst)
    initial = of_parts(burst.first["parts"], severities)
    since = burst.since if burst.count else min(burst.since, burst.first["time"])
    seconds = (burst.last - since) / 1e6
    signs = Signs(0.0, services=tuple(services), all_services=burst.touched, seconds=seconds)
    current = risen(burst.parts, parts_of(signs, severities), severities)
    return {
        "incident_id": id_,
        "status": RESOLVED if now - burst.last > quiet else OPEN,
        "severity": current.band,
        "severity_score": current.score,
        "initial_severity_score": initial.score,
        "started_at": moment(since),
        "last_at": moment(burst.last),
        "services": [name for name in [*services, *sorted({*burst.touched} - {*services})] if name][:LISTED],
        "alerts": burst.count,
        "rate_changes": burst.rates,
        "alert_ids": [name for _, name in burst.ids],
        "rate_change_ids": [name for _, name in burst.changes],
        "kind": again.kind or id_,
        "again_of": again.before,
        "title": title(headline(burst), services, again),
        "evidence": (burst.first if burst.count else headline(burst))["line"],
        "candidates": candidates(burst, services),
        "merged_into": None,
    }


def ranked(burst: Burst) -> list[str]:
    """The services by how likely the cause is there.

    A service that is silent comes first; else what counts is how much of the unusual lines a service has, and who was
    first.
    """
    services, silent = burst.services, silent_service(burst)
    total = sum(one.weight for one in services.values()) or 1
    earliest = min(one.first for one in services.values())
    score = {name: one.weight / total + _FIRST * (one.first == earliest) for name, one in services.items()}
    return sorted(services, key=lambda name: (name != silent, -score[name], services[name].first, name))


def silent_service(burst: Burst) -> str | None:
    """The service that writes nothing any more, where there is one."""
    head = burst.heads.get("silent")
    return (head["line"]["service"] or "") if head else None


def candidates(burst: Burst, services: Sequence[str]) -> list[dict[str, Any]]:
    """The services where the cause may be, the likeliest first, each with its share of the unusual lines."""
    shares, silent = burst.services, silent_service(burst)
    total = sum(one.weight for one in shares.values()) or 1
    earliest = min(one.first for one in shares.values())
    found = []
    for name in services[:_CANDIDATES]:
        one = shares[name]
        parts = [f"unusual lines in {one.alerts:,} of {burst.count:,} alerts"] if one.alerts else []
        if name == silent:
            parts.insert(0, "silent")
        since = moment(one.first)
        if since and (burst.count or name == silent):
            parts.insert(0, f"{'first, at' if one.first == earliest else 'from'} {since:%H:%M:%S}")
        reason = ", ".join(parts if one.alerts or name == silent else [*parts, "its rate changed"])
        found.append({"service": name or NO_SERVICE, "reason": reason, "share": one.weight / total})
    return found


def headline(burst: Burst) -> dict[str, Any]:
    """The row that the title tells of: a silent service, an alert with a new message, or else the most frequent way."""
    ways = burst.ways
    if "silent" in ways:
        return burst.heads["silent"]
    if burst.count:
        ways = {way: count for way, count in ways.items() if way not in RATES}
    if "new" in ways and ways["new"] >= _NEW * sum(ways.values()):
        return burst.heads["new"]
    return burst.heads[max(sorted(ways), key=lambda way: ways[way])]


def title(head: Mapping[str, Any], services: Sequence[str], again: Recurrence) -> str:
    """One line in plain words: what is unusual, and where."""
    line = head["line"] or {}
    reason = str(line.get("reason") or "")
    quoted = _QUOTED.search(reason) if head["way"] in ("less", "cut") else None
    text = quoted[1] if quoted else str(line.get("body") or "").partition("\n")[0]
    what = f"«{text if len(text) <= _CLIPPED else text[: _CLIPPED - 1] + '…'}»" if text else reason
    named = [str(line["service"] or "")] if head["way"] in RATES else services[:2]
    where = " and ".join(name or NO_SERVICE for name in named) if any(named) else "the log"
    text = _TITLES[head["way"]].format(where=where, what=what, reason=reason)
    if not again.kind:
        return text
    return f"Again: {text[:1] if head['way'] in RATES else text[:1].lower()}{text[1:]}"
