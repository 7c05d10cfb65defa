"""Comparison: what a shadow bundle would have reported beside what the active ones did."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from logradar.serving.detection.route import ACTIVE, SHADOW
from logradar.serving.store.store import Store

MOST: Final = 20_000  # alerts of each role that are compared, the newest
EXAMPLES: Final = 20
_PAGE: Final = 1_000


def comparison(store: Store, *, since: int | None = None, until: int | None = None) -> dict[str, Any]:
    """Sessions with an alert of both roles, and of only one; times are microseconds of the logs.

    ``both``, ``only_active`` and ``only_shadow`` are counts of sessions; ``examples`` has the newest alerts that only
    one role has; ``severities`` counts alerts by role and band. ``complete`` is false where more than `MOST` alerts of
    a role fit, of which only the newest are compared.
    """
    alerts = {role: _alerts(store, role, since, until) for role in (ACTIVE, SHADOW)}
    sessions = {role: {one["session_id"] for one in found} for role, found in alerts.items()}
    active, shadow = sessions[ACTIVE], sessions[SHADOW]
    return {
        "both": len(active & shadow),
        "only_active": len(active - shadow),
        "only_shadow": len(shadow - active),
        "severities": {role: dict(Counter(one["severity"] for one in found)) for role, found in alerts.items()},
        "examples": {
            role: [_shown(one) for one in alerts[role] if one["session_id"] not in sessions[other]][:EXAMPLES]
            for role, other in ((ACTIVE, SHADOW), (SHADOW, ACTIVE))
        },
        "complete": all(len(found) < MOST for found in alerts.values()),
    }


def _alerts(store: Store, role: str, since: int | None, until: int | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(found) < MOST:
        page = store.alerts(role=role, since=since, until=until, cursor=cursor, limit=_PAGE)
        found += page.items
        if (cursor := page.next_cursor) is None:
            break
    return found


def _shown(alert: dict[str, Any]) -> dict[str, Any]:
    names = ("alert_id", "session_id", "service", "severity", "severity_score", "score", "raised_at", "bundle")
    return {name: alert.get(name) for name in names} | {"reason": (alert["evidence"] or [{}])[0].get("reason")}
