"""Figures by day: rows of one day become one, days without anything are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

SUMS: Final = ("files", "bytes", "sessions", "records", "with_error", "with_warn", "lost", "new_templates")
LISTED: Final = 20  # services of a day that are named, days without anything
SPAN: Final = 3_660  # days; over a longer time a day without anything is nothing to tell


def by_day(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with a ``day`` and any of `SUMS`, one for each day, in order where all days are dates."""
    days: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = days.setdefault(row["day"], {"day": row["day"], "services": Counter()})
        for name in SUMS:
            if row.get(name) is not None:
                known[name] = known.get(name, 0) + row[name]
        known["services"].update(row.get("services", {}))
    ordered = sorted(days.values(), key=lambda row: row["day"]) if dated(days) else list(days.values())
    for row in ordered:
        row["services"] = dict(row["services"].most_common(LISTED))
        add_shares(row)
    return ordered


def add_shares(row: dict[str, Any]) -> None:
    """Put the shares of sessions with errors and warnings behind their numbers."""
    for name in ("error", "warn"):
        told = row.get(f"with_{name}")
        row[f"{name}_share"] = None if told is None or not row["sessions"] else round(told / row["sessions"], 6)


def dated(days: Iterable[str]) -> bool:
    """Whether all of them are dates."""
    try:
        return all(date.fromisoformat(day) for day in days)
    except ValueError:
        return False


def missing(days: Iterable[str]) -> dict[str, Any]:
    """How many days between the first and the last have nothing, and which (the first few of them)."""
    named = sorted(days)
    if not named or not dated(named):
        return {"missing_days": 0, "first_missing_days": []}
    first, last = date.fromisoformat(named[0]), date.fromisoformat(named[-1])
    if (last - first).days > SPAN:
        return {"missing_days": 0, "first_missing_days": []}
    known = set(named)
    every = ((first + timedelta(days=step)).isoformat() for step in range((last - first).days))
    gone = [day for day in every if day not in known]
    return {"missing_days": len(gone), "first_missing_days": gone[:LISTED]}
