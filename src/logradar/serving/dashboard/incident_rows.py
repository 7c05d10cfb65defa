"""Incident rows: what a list says of an incident, in a line or two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from logradar.core.formatting import counted, joined
from logradar.core.tables import SEVERITIES
from logradar.reporting.alert_list import clip

_SERVICES: Final = 4  # that are named


@dataclass(frozen=True)
class IncidentRow:
    """One incident of a list; times are ISO 8601."""

    id: str
    title: str
    severity: str
    status: str
    services: list[str]
    more: int  # services that are not named
    size: str
    since: Any
    last: Any
    by: str  # who looks after it


def incident_row(one: Mapping[str, Any]) -> IncidentRow:
    """The row of an incident of the store."""
    services = [str(name) for name in one.get("services") or ()]
    severity = str(one.get("severity"))
    said = one.get("acknowledged") or {}
    return IncidentRow(
        str(one["incident_id"]),
        clip(str(one.get("title") or "An incident"), head=240, lines=1, most=240).head,
        severity if severity in SEVERITIES else "low",
        str(one.get("status")),
        services[:_SERVICES],
        max(0, len(services) - _SERVICES),
        size_of(one),
        one.get("started_at"),
        one.get("last_at"),
        str(said.get("by") or ""),
    )


def size_of(one: Mapping[str, Any]) -> str:
    """How many alerts and rate changes: 23 alerts and 1 rate change."""
    counts = ((one.get("alerts"), "alert"), (one.get("rate_changes"), "rate change"))
    return joined(counted(count, noun) for count, noun in counts if count)
