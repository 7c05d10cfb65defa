"""Rows of INCIDENTS as JSON values, settings of receivers, and a store to try them with."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from logradar.alerting.severity import BANDS
from logradar.core.config import validated
from logradar.serving.notifications.plan import Planner
from logradar.serving.notifications.receivers import receivers
from logradar.serving.notifications.settings import NotificationSettings
from logradar.serving.store.store import Store

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
ROUTING_KEY = "R0UT1NGKEYR0UT1NGKEYR0UT1NGKEY12"
SIGNING = "a secret of the receiver that signs"
BUNDLE = "shop"
HOSTILE = (
    "<!channel> <!here|x> <@U12345> <#C1> @channel @Here @everyone *bold* _it_ ~gone~ `code` ```block``` :boom: "
    "<https://evil.example/|Click> &lt;b&gt; & > < <script>alert(1)</script> \x1b[31mred\x1b[0m \u202eright to left "
    'quote " back \\ slash\r\nnew line\x00 | [a](javascript:alert(1)) {{ 7*7 }} bob@example.com 10.0.0.7 '
    + "A"
    * 20_000
)


def row(number: int = 1, minute: float = 0, **changes: Any) -> dict[str, Any]:
    """An open incident of high severity, whose last alert was so many minutes after the start."""
    id_ = f"{number:016x}"
    band = changes.get("severity", "high")
    found = {
        "incident_id": id_,
        "status": "open",
        "severity": band,
        "severity_score": BANDS[band] + 5,
        "initial_severity_score": 10.0,
        "started_at": START.isoformat(),
        "last_at": (START + timedelta(minutes=minute)).isoformat(),
        "services": ["cart", "payment"],
        "alerts": 3,
        "rate_changes": 1,
        "alert_ids": [f"{number:08x}{place:08x}" for place in range(3)],
        "rate_change_ids": ["0" * 16],
        "kind": id_,
        "again_of": None,
        "title": f"New message in cart: «pool {number} is empty»",
        "evidence": {
            "record_id": 7,
            "source": "cart.log",
            "line": 12,
            "timestamp": START.isoformat(),
            "level": 17,
            "service": "cart",
            "body": "pool is empty, asked by bob@example.com",
            "reason": "training never had this message",
            "expected": [],
        },
        "candidates": [{"service": "cart", "reason": "first, at 10:00:00", "share": 0.8}],
        "merged_into": None,
    }
    return found | changes


def hostile_row(number: int = 1, minute: float = 0, **changes: Any) -> dict[str, Any]:
    """An incident whose every text comes from somebody who means harm."""
    found = row(number, minute, **changes)
    names = [HOSTILE[:400], "\x1b]0;x\x07", ""]
    found |= {"title": HOSTILE, "services": names}
    found["evidence"] |= {"body": HOSTILE, "source": HOSTILE[:200], "reason": HOSTILE, "service": names[0]}
    found["candidates"] = [{"service": HOSTILE, "reason": HOSTILE, "share": 1.0}] * 5
    return found


def settings(*chosen: Mapping[str, Any], **more: Any) -> NotificationSettings:
    """Settings with these receivers, quick to try again."""
    given = {"first_wait": 0.05, "longest_wait": 0.2, "external_url": "https://logs.example.com/radar/", **more}
    return validated(NotificationSettings, {"receivers": list(chosen), **given}, "notifications")


def made(of: NotificationSettings, **environment: str):
    """The receivers of settings."""
    return receivers(of, environment=environment)


def write(store: Store, planner: Planner, *rows: Mapping[str, Any], now: int | None = None) -> list[str]:
    """What the service does after a step: store the rows, and plan in the same transaction. Gives the planned keys."""
    before = {one["incident_id"]: store.incident(one["incident_id"]) for one in rows}
    known = {id_: found for id_, found in before.items() if found is not None}
    planned = planner.plan(known, rows, bundle=BUNDLE, now=now or time.time_ns() // 1_000)
    with store.writing() as transaction:
        transaction.incidents(list(rows), "active", BUNDLE)
        transaction.notify(planned)
    return [one.key for one in planned]


def figures(found: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int, int]]:
    """Waiting, delivered and given up by receiver."""
    return {one["name"]: (one["waiting"], one["delivered"], one["given_up"]) for one in found}


def until(true: Any, seconds: float = 60) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
    assert found
