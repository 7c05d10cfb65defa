"""Figures by day: adds up the rows of each day, and lists days without any data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

SUMS: Final = ("files", "bytes", "sessions", "records", "with_error", "with_warn", "lost", "new_templates")
LISTED: Final = 20  # services of a day in its row, and days without data in their list, at most
SPAN: Final = 3_660  # days; over a longer time, days without data are not listed


def by_day(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each ``day`` with the sums of `SUMS`: first the dates in order, then days that are not dates."""
    days: dict[str, dict[str, Any]] = {}
    for row in rows:
        total = days.setdefault(row["day"], {"day": row["day"], "services": Counter()})
        for name in SUMS:
            if row.get(name) is not None:
                total[name] = total.get(name, 0) + row[name]
        total["services"].update(row.get("services", {}))
    ordered = [days[day] for day in sorted(dated(days))] + [days[day] for day in days if not _is_date(day)]
    for row in ordered:
        row["services"] = dict(row["services"].most_common(LISTED))
        add_shares(row)
    return ordered


def add_shares(row: dict[str, Any]) -> None:
    """Add the shares of sessions with errors and with warnings to a row that has their numbers."""
    for name in ("error", "warn"):
        count = row.get(f"with_{name}")
        row[f"{name}_share"] = None if count is None or not row["sessions"] else round(count / row["sessions"], 6)


def dated(days: Iterable[str]) -> list[str]:
    """The days that are dates."""
    return [day for day in days if _is_date(day)]


def missing(days: Iterable[str]) -> dict[str, Any]:
    """The number of days without data between the first and the last day, and the first `LISTED` of them."""
    known = {date.fromisoformat(day) for day in dated(days)}
    absent: list[date] = []
    if known and (max(known) - min(known)).days <= SPAN:
        calendar = (min(known) + timedelta(days=step) for step in range((max(known) - min(known)).days))
        absent = [day for day in calendar if day not in known]
    return {"missing_days": len(absent), "first_missing_days": [day.isoformat() for day in absent[:LISTED]]}


def _is_date(day: str) -> bool:
    try:
        return date.fromisoformat(day).isoformat() == day
    except ValueError:
        return False
