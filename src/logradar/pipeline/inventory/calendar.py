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
    """Rows with a ``day`` and any of `SUMS`, one for each day: dates in order, then what is none."""
    days: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = days.setdefault(row["day"], {"day": row["day"], "services": Counter()})
        for name in SUMS:
            if row.get(name) is not None:
                known[name] = known.get(name, 0) + row[name]
        known["services"].update(row.get("services", {}))
    ordered = [days[day] for day in sorted(dated(days))] + [days[day] for day in days if not _is_date(day)]
    for row in ordered:
        row["services"] = dict(row["services"].most_common(LISTED))
        add_shares(row)
    return ordered


def add_shares(row: dict[str, Any]) -> None:
    """Put the shares of sessions with errors and warnings behind their numbers."""
    for name in ("error", "warn"):
        told = row.get(f"with_{name}")
        row[f"{name}_share"] = None if told is None or not row["sessions"] else round(told / row["sessions"], 6)


def dated(days: Iterable[str]) -> list[str]:
    """The names that are dates in ISO form, in their order."""
    return [day for day in days if _is_date(day)]


def missing(days: Iterable[str]) -> dict[str, Any]:
    """How many days between the first and the last have nothing, and which (the first few of them)."""
    known = {date.fromisoformat(day) for day in dated(days)}
    gone: list[date] = []
    if known and (max(known) - min(known)).days <= SPAN:
        every = (min(known) + timedelta(days=step) for step in range((max(known) - min(known)).days))
        gone = [day for day in every if day not in known]
    return {"missing_days": len(gone), "first_missing_days": [day.isoformat() for day in gone[:LISTED]]}


def _is_date(day: str) -> bool:
    try:
        return date.fromisoformat(day).isoformat() == day
    except ValueError:
        return False
