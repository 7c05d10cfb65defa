"""The list of incidents on a page: each as a short story, with its first line and where to look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from logradar.core.formatting import NO_TIME, counted, duration, joined, moment, number, real
from logradar.core.rate_words import in_words, telling
from logradar.core.tables import NO_SERVICE, SEVERITIES
from logradar.reporting.alert_list import Line, clip, lines_of

MOST: Final = 50
_SERVICES = 6  # that are named
_RATES: Final = 5  # changes of rates that are shown


@dataclass(frozen=True)
class Place:
    """A service where the cause may be: why, and its share of the unusual lines in per cent."""

    service: str
    reason: str
    share: float


@dataclass(frozen=True)
class Story:
    """One incident on a page. ``story`` are sentences; ``lines`` has the first unusual line; or, ``of_training``,
    the last one of what is missing. ``rates`` are changes of rates in words.
    """

    rank: int
    id: str
    title: str
    severity: str
    status: str
    services: list[str]
    when: str
    size: str
    story: list[str]
    lines: list[Line]
    of_training: bool
    rates: list[str]
    places: list[Place]


def stories(
    incidents: Sequence[Mapping[str, Any]], most: int = MOST, *, changes: Sequence[Mapping[str, Any]] = ()
) -> list[Story]:
    """The first ``most`` of ``incidents``; these and ``changes`` (of rates) are those of a document of ``detect``."""
    by_id = {str(row.get("change_id")): row for row in changes}
    return [_story(rank, one, by_id) for rank, one in enumerate(incidents[:most], 1)]


def seconds(one: Mapping[str, Any]) -> float | None:
    """How long an incident lasted; None without times."""
    begin, end = time(one.get("started_at")), time(one.get("last_at"))
    return max(0.0, (end - begin).total_seconds()) if begin and end else None


def time(text: Any) -> datetime | None:
    """A time of a document; None where it is none."""
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def _story(rank: int, one: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]]) -> Story:
    evidence = one.get("evidence")
    severity = str(one.get("severity") or "")
    return Story(
        rank,
        str(one.get("incident_id") or ""),
        clip(str(one.get("title") or ""), head=200, lines=1, most=200).head,
        severity if severity in SEVERITIES else "",
        str(one.get("status") or ""),
        [str(name) for name in _listed(one, "services")[:_SERVICES]],
        moment(one.get("started_at")) if one.get("started_at") else NO_TIME,
        _size(one),
        list(_sentences(one)),
        lines_of([evidence], one.get("code")) if isinstance(evidence, Mapping) and evidence.get("body") else [],
        isinstance(evidence, Mapping) and evidence.get("record_id") is None,
        list(_rates(one, changes)),
        [
            Place(str(row.get("service")), str(row.get("reason") or ""), 100 * _share(row.get("share")))
            for row in _listed(one, "candidates")
            if isinstance(row, Mapping) and row.get("service") != NO_SERVICE
        ],
    )


def _rates(one: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The first rate changes of an incident in words, and how many more there are."""
    own = telling((changes[str(id_)] for id_ in _listed(one, "rate_change_ids") if str(id_) in changes), one)
    for row in own[:_RATES]:
        yield clip(in_words(row), head=240, lines=1, most=240).head
    if len(own) > _RATES:
        yield f"and {number(len(own) - _RATES)} more, which are in the JSON document"


def _sentences(one: Mapping[str, Any]) -> list[str]:
    found = []
    lasted, over = seconds(one), one.get("status") == "resolved"
    if lasted is not None:
        began = f"It began at {moment(one['started_at'])}"
        what = "it went on for {}" if one.get("rate_changes") else "the last alert came {} later"
        last = what.format(duration(lasted)) if lasted >= 1 else "all its alerts came at once"
        found.append(f"{began}; {last}, and it is {'over' if over else 'still open'}.")
    services = [str(name) for name in _listed(one, "services")]
    if len(services) > _SERVICES:
        services = [*services[:_SERVICES], f"{len(services) - _SERVICES:,} more services"]
    if _size(one):
        found.append(f"There are {_size(one)}{f' in {joined(services)}' if services else ''}.")
    initial, current = one.get("initial_severity_score"), one.get("severity_score")
    if real(initial) and real(current) and round(initial) != round(current):
        found.append(f"Its severity was {number(round(initial))} of 100 at first and is {number(round(current))}.")
    if one.get("again_of"):
        found.append(f"The same kind came before, as incident {one['again_of']}.")
    return found


def _size(one: Mapping[str, Any]) -> str:
    counts = [(one.get("alerts"), "alert"), (one.get("rate_changes"), "rate change")]
    return " and ".join(counted(count, noun) for count, noun in counts if real(count) and count)


def _share(value: Any) -> float:
    return min(max(value, 0.0), 1.0) if real(value) else 0.0


def _listed(one: Mapping[str, Any], key: str) -> list[Any]:
    value = one.get(key)
    return value if isinstance(value, list) else []
