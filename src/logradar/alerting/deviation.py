"""Deviation: what is unusual about an alert, in marks that another alert of the same cause has too.

An alert differs from normal sessions in one way (`WAYS`): it has a message that training never had, something too
often, something missing, an early end, another order, or an unusual value. Rate changes have ways of their own: a
service is silent, or another rate has changed. Marks name what exactly it is. They are
``exact``: the unseen message, the event that is too often, the kind of value; or ``vague``: the set of events that are
missing, or only the way and a service, for faults that hit another step each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson

from logradar.core.tables import UNKNOWN

WAYS: Final = ("new", "more", "cut", "less", "order", "value", "silent", "rate", "other")
RATES: Final = frozenset({"silent", "rate"})  # ways of rate changes
EXACT: Final = "="  # what the names of exact marks begin with
VAGUE: Final = "~"
_MOST: Final = 24  # marks of each sort that an alert has
_SCATTERED: Final = frozenset({"cut", "less", "order", "value", "other"})  # ways that may hit another step each time
_NUMBER: Final = re.compile(r"\d[\w.,:]*")


@dataclass(frozen=True)
class Deviation:
    """The ``way`` in which an alert is unusual, one of `WAYS`, and its ``marks``."""

    way: str
    marks: frozenset[str]


def deviation(alert: Mapping[str, Any]) -> Deviation:
    """What is unusual about a row of ALERTS: by its signature, or by its evidence where it has none."""
    services = services_of(alert)
    signature = orjson.loads(alert["signature"]) if alert["signature"] else None
    way, exact = _signed(signature) if signature else ("other", _shown(alert["evidence"]))
    vague: list[tuple[str, ...]] = [(way, name) for name in services] if way in _SCATTERED or not exact else []
    vague += [mark for mark in exact if mark[0] == "less"]  # another fault may cost the same steps
    exact = [mark for mark in exact if mark[0] != "less"]
    return Deviation(way, frozenset([*_named(EXACT, exact), *_named(VAGUE, vague)]))


def deviation_of_rate(change: Mapping[str, Any]) -> Deviation:
    """What is unusual about a row of RATE_CHANGES: its template, or its service. No alert has such a mark."""
    kind, service, template = str(change["kind"]), str(change["service"]), change["template_id"]
    exact: list[tuple[str, ...]] = []
    if template not in (None, UNKNOWN):  # all messages that are not in training count as one
        exact.append(("more" if kind in ("new", "spike") else "missing", str(template)))
    elif template is None:
        exact.append(("all", "more" if kind in ("new", "spike") else "less", service))
    silent = kind == "silence" and template is None
    return Deviation(
        "silent" if silent else "rate",
        frozenset([*_named(EXACT, exact), *_named(VAGUE, [("rate", kind, service)])]),
    )


def services_of(alert: Mapping[str, Any]) -> list[str]:
    """All services of an alert, those of its unusual lines first; the empty name where none is known."""
    return list(dict.fromkeys([*unusual_services(alert), *(alert["services"] or ())])) or [""]


def unusual_services(alert: Mapping[str, Any]) -> list[str]:
    """The services of the unusual lines of an alert, each once; the alert's own where the lines have none."""
    named = [row["service"] for row in alert["evidence"] if row.get("service")]
    return list(dict.fromkeys(named)) or [alert["service"] or ""]


def _signed(signature: Mapping[str, Any]) -> tuple[str, list[tuple[str, ...]]]:
    """Way and exact marks of a signature."""
    added: dict[str, int] = signature.get("added", {})
    nearest = signature.get("nearest", {})
    unseen, runs = signature.get("unseen", ()), [tuple(run) for run in signature.get("runs", ())]
    contexts = [tuple(run) for run in signature.get("contexts", ())]
    more = {event: count for event, count in added.items() if count > 0 and not event.startswith("?")}
    less = sorted(event for event, count in added.items() if count < 0)
    marks: list[tuple[str, ...]] = [("event", event) for event in unseen]
    if len(less) > 1:
        marks.append(("less", *less))
    if unseen:
        way = "new"
    elif less and any(not after for _, after in runs):
        way = "cut"
    elif sum(more.values()) > -sum(added[event] for event in less):
        way = "more"
    elif less:
        way = "less"
    elif runs or contexts:
        way = "order"
    elif signature.get("findings"):
        way = "value"
        marks += [("value", key) for key in signature["findings"]]
    else:
        way = "other"
        marks.append(("sequence", signature.get("sequence", "")))
    if way in ("new", "more") and more:
        highest = max(more.values())
        # What a session of another kind has once, its nearest normal session may lack; that is no sign of a fault.
        often = [event for event, count in more.items() if count == highest and (count > 1 or nearest.get(event))]
        if way == "new" and highest == 1:  # the new message says enough
            often = []
        marks += [("event", event) for event in often or (more if way == "more" else ())]
    return way, marks


def _shown(evidence: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Marks of an alert without a signature: its first lines without their numbers."""
    return [
        ("line", _NUMBER.sub("#", row["reason"] or ""), _NUMBER.sub("#", (row["body"] or "")[:200]))
        for row in list(evidence)[:2]
    ]


def _named(sort: str, marks: Iterable[tuple[str, ...]]) -> list[str]:
    """Short names of marks, at most `_MOST`; which ones are kept does not depend on their order."""
    names = {blake2b("\0".join(mark).encode(errors="replace"), digest_size=8).hexdigest() for mark in marks}
    return [sort + name for name in sorted(names)[:_MOST]]
