"""Documents as detection gives them, small."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

SECOND = 1_000_000
MINUTE = 60 * SECOND
START = int(datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp()) * SECOND
BANDS = {"low": 10.0, "medium": 40.0, "high": 60.0, "critical": 90.0}


def iso(moment: int | None) -> str | None:
    """A time in microseconds as documents hold it."""
    return None if moment is None else (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).isoformat()


def alert(number: int = 0, **changes: Any) -> dict[str, Any]:
    """The document of an alert of a session of its own, raised so many minutes after START."""
    at = START + number * MINUTE
    severity = changes.get("severity", "high")
    line = {"record_id": number, "source": "shop.log", "line": 7, "timestamp": iso(at), "level": 17, "service": "cart"}
    line |= {"body": "ERROR Payment of order 17 failed", "reason": "a new message", "expected": []}
    return {
        "alert_id": f"{number:016x}",
        "session_id": f"session-{number}",
        "service": "cart",
        "services": ["cart", "payment"],
        "started_at": iso(at - SECOND),
        "raised_at": iso(at),
        "detector": "deeplog",
        "score": 3.5,
        "threshold": 1.5,
        "max_level": 17,
        "severity": severity,
        "severity_score": BANDS[severity],
        "severity_parts": {"novelty": 0.5},
        "evidence": [line],
        "signature": None,
        "over": True,
    } | changes


def incident(number: int = 0, alerts: int | list[int] = 1, **changes: Any) -> dict[str, Any]:
    """The document of an incident that began so many minutes after START; of alerts: how many, or which."""
    at = START + number * MINUTE
    named = list(range(alerts)) if isinstance(alerts, int) else alerts
    severity = changes.get("severity", "high")
    return {
        "incident_id": f"1{number:015x}",
        "status": "open",
        "severity": severity,
        "severity_score": BANDS[severity],
        "initial_severity_score": BANDS[severity],
        "started_at": iso(at),
        "last_at": iso(at + MINUTE),
        "services": ["cart", "payment"],
        "alerts": len(named),
        "rate_changes": 0,
        "alert_ids": [f"{one:016x}" for one in named][:100],
        "rate_change_ids": [],
        "kind": f"1{number:015x}",
        "again_of": None,
        "title": "New message in cart: «Payment of order 17 failed»",
        "evidence": None,
        "candidates": [{"service": "cart", "reason": "first", "share": 1.0}],
        "merged_into": None,
    } | changes


def rate_change(number: int = 0, **changes: Any) -> dict[str, Any]:
    """The document of a rate change that began so many minutes after START."""
    at = START + number * MINUTE
    return {
        "change_id": f"2{number:015x}",
        "kind": "spike",
        "service": "cart",
        "template_id": 3,
        "template": "Payment of order <*> failed",
        "level": 17,
        "started_at": iso(at),
        "last_at": iso(at + MINUTE),
        "found_at": iso(at + MINUTE),
        "observed": 40.0,
        "expected": 2.0,
        "bucket_seconds": 60.0,
        "p_value": 1e-9,
        "source": "shop.log",
        "line": 7,
        "body": "Payment of order 17 failed",
        "reason": "20 times as often as expected",
    } | changes


def numbers(items: list[dict[str, Any]], key: str) -> list[int]:
    """The numbers that the documents of a page were made with; ``key`` is where their ids are."""
    return [int(one[key][1:], 16) for one in items]
