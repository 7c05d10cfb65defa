"""Lines: a search in all log lines that are kept, and the lines of one session."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import polars as pl
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from logradar.core.errors import InputError
from logradar.core.tables import LEVELS
from logradar.serving.dashboard.evidence import alert_row
from logradar.serving.dashboard.log_clock import last_day
from logradar.serving.dashboard.site import Site
from logradar.serving.store.database import now_us
from logradar.serving.store.moments import MINUTE
from logradar.sources.opening.session_keys import extract

_LISTED: Final = 100
_SESSION: Final = 500  # lines of one session
_SPANS: Final = {"15m": 15, "1h": 60, "6h": 360, "1d": 1_440, "7d": 10_080}  # minutes
_ALERTS: Final = 10


def add(router: APIRouter, site: Site) -> None:
    """Add the route."""

    @router.get("/lines", dependencies=[site.reads])
    def lines(
        request: Request,
        text: str = "",
        service: str = "",
        level: str = "",
        span: str = "",
        since: str = "",
        until: str = "",
        session: str = "",
    ) -> HTMLResponse:
        if session:
            return _of_session(request, site, session)
        first, last = _moment(since), _moment(until)
        if first is None and span in _SPANS:
            first = now_us() - _SPANS[span] * MINUTE
        search: dict[str, Any] = {
            "service": service or None,
            "level": LEVELS.get(level),
            "since": first,
            "until": last,
            "limit": _LISTED,
        }
        found = site.service.worker.lines.search(text.strip(), **search)
        named = sorted(one["service"] for one in last_day(site.store).services)
        return site.page(
            request,
            "lines.html",
            title="Lines",
            lines=with_sessions(site, found),
            most=_LISTED,
            services=named,
            levels=[name for name in LEVELS if name != "TRACE"],
            spans={"15m": "15 minutes", "1h": "1 hour", "6h": "6 hours", "1d": "1 day", "7d": "7 days"},
        )


def with_sessions(site: Site, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `LineStore.search`, each with its ``session``: what the bundles at work find in it, or its trace."""
    keys = [row["trace"] for row in rows]
    bodies = pl.Series("body", [row["body"] or "" for row in rows], pl.String)
    for route in list(site.service.worker.routes):
        regex = route.bundle.settings.input.session_key
        if regex and None in keys:
            found = extract(bodies, bodies, regex).to_list()
            keys = [key if key is not None else other for key, other in zip(keys, found, strict=True)]
    return [{**row, "session": key} for row, key in zip(rows, keys, strict=True)]


def _of_session(request: Request, site: Site, session: str) -> HTMLResponse:
    key = session.partition("#")[0]
    search = site.service.worker.lines.search
    found = search("", trace=key, limit=_SESSION) or search(key, limit=_SESSION)
    alerts = site.store.alerts(session_id=session, limit=_ALERTS).items
    return site.page(
        request,
        "session.html",
        title=f"Session {session}",
        session=session,
        lines=found[::-1],
        cut=len(found) == _SESSION,
        alerts=[alert_row(one) for one in alerts],
    )


def _moment(text: str) -> int | None:
    """Microseconds of a time that a person filled in, in UTC where it has no zone."""
    if not text.strip():
        return None
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"'{text[:40]}' is no time: write it as 2026-01-31T10:00.") from None
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1e6)
