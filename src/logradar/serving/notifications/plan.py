"""Plan: which receiver gets to know which change of an incident; nothing is sent here.

The rows before and after a step go in, notifications come out. The key of a notification follows from the receiver, the
incident and what changed, and the outbox keeps one notification for each key, so a replay of the log sends nothing
twice. A row that is older than what is known (a replay begins before it) is no news.

An incident that was announced and became less urgent stays as it is at the receiver until it is over: its end is sent
whatever its band is by then, so nothing stays open there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from logradar.alerting import incident_rows
from logradar.alerting.incident_rows import OPEN
from logradar.core.tables import SEVERITIES
from logradar.serving.notifications.changes import AGAIN, MERGED, OPENED, OVER, RAISED, RELABELLED, RESOLVED
from logradar.serving.notifications.labels import labels
from logradar.serving.notifications.settings import ReceiverSettings
from logradar.serving.notifications.storm import StormGuard
from logradar.serving.store.outbox import Notification

Row = Mapping[str, Any]
_LONGEST: Final = 10_000  # characters of a text that are kept
_IDS: Final = ("alert_ids", "rate_change_ids")
_FEW: Final = 10  # ids that are kept


class Planner:
    """Plans for ``receivers``; it remembers how many notifications the present minute has."""

    def __init__(self, receivers: Sequence[ReceiverSettings]) -> None:
        self._receivers, self._guard = tuple(receivers), StormGuard()

    def plan(self, before: Mapping[str, Row], after: Iterable[Row], *, bundle: str, now: int) -> list[Notification]:
        """Notifications of the rows of INCIDENTS (`incident_json`) that a step of the stream gave.

        ``before`` are the rows that were known until then, by incident id; ``bundle`` found them; ``now`` is the time
        of this machine in microseconds. To be stored in the transaction that stores the rows, by ``writing().notify``.
        """
        known, found = dict(before), []
        for row in after:
            rows = [self._one(one, known.get(row["incident_id"]), row, bundle, now) for one in self._receivers]
            found += [made for made in rows if made is not None]
            known[row["incident_id"]] = row
        return found

    def _one(
        self, receiver: ReceiverSettings, before: Row | None, after: Row, bundle: str, now: int
    ) -> Notification | None:
        change = change_of(receiver, before, after, bundle)
        if change is None:
            return None
        shown = after
        if change == MERGED and before is not None:  # the row after is that of the incident that took it over
            shown = {**before, "status": after["status"], "merged_into": after["merged_into"]}
        later = self._guard.postponed(receiver, change in OVER, now)
        document = {
            "change": change,
            "incident": _kept(shown),
            "before": _kept(before) if before is not None else None,
            "bundle": bundle,
            "announced": receiver.wants(before) or change not in OVER,
            "gathered": later,
            "at": now,
        }
        key = _key(receiver.name, change, before, after, bundle)
        return Notification(key, receiver.name, change, after["incident_id"], document, later or now)


def change_of(receiver: ReceiverSettings, before: Row | None, after: Row, bundle: str) -> str | None:
    """What a receiver should know of the step from one row of an incident to the next; None: nothing."""
    if after["status"] != OPEN:
        ended = before is not None and before["status"] == OPEN and receiver.send_resolved
        return (MERGED if after["status"] == incident_rows.MERGED else RESOLVED) if ended else None
    if not receiver.wants(after):
        return None
    if before is None:
        return OPENED
    if before["last_at"] is not None and _later(after, before):  # a replay
        return None
    if before["status"] != OPEN:
        if not _later(before, after):
            return None
        return AGAIN if receiver.wants(before) else OPENED
    if not receiver.wants(before):
        return OPENED
    if SEVERITIES.index(after["severity"]) > SEVERITIES.index(before["severity"]):
        return RAISED
    if receiver.kind == "alertmanager" and labels(before, bundle) != labels(after, bundle):
        return RELABELLED
    return None


def _key(receiver: str, change: str, before: Row | None, after: Row, bundle: str) -> str:
    start = f"{receiver}/{after['incident_id']}"
    reached = _moment(after["last_at"])
    if change == RESOLVED:
        return f"{start}/resolved@{reached}"
    if change == MERGED:
        return f"{start}/merged/{after['merged_into'] or ''}@{_moment(before['last_at']) if before else 0}"
    if change == RELABELLED:
        digest = hashlib.blake2b(orjson.dumps(labels(after, bundle), option=orjson.OPT_SORT_KEYS), digest_size=8)
        return f"{start}/{digest.hexdigest()}@{reached}"
    return f"{start}/{after['severity']}@{reached}"


def _later(before: Row, after: Row) -> bool:
    """Whether something came between two rows; one that was withdrawn has no time, and is before all others."""
    return before["last_at"] is None or _moment(after["last_at"]) > _moment(before["last_at"])


def _moment(text: str | None) -> int:
    """Microseconds since 1970 of a time in ISO 8601; 0 where there is none."""
    if text is None:
        return 0
    found = datetime.fromisoformat(text)
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return round(found.timestamp() * 1e6)


def _kept(row: Row) -> dict[str, Any]:
    """A row without what no receiver gets: long texts and long lists of ids are cut."""
    found = {name: _cut(value) for name, value in row.items()}
    return found | {name: list(row[name])[:_FEW] for name in _IDS if row.get(name)}


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, Mapping):
        return {name: _cut(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return (
            [_cut(inner) for inner in value[:_FEW]]
            if value and not isinstance(value[0], str)
            else list(map(_cut, value))
        )
    return value
