"""Overview: what is wrong now, the most urgent first, and what the last day was like."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from logradar.core.formatting import counted
from logradar.core.tables import SEVERITIES
from logradar.serving.dashboard.incident_rows import incident_row
from logradar.serving.dashboard.log_clock import last_day
from logradar.serving.dashboard.site import Site
from logradar.serving.dashboard.strips import bars
from logradar.serving.store.incidents import STATUSES
from logradar.serving.store.moments import MINUTE
from logradar.serving.store.schema import OPEN, RESOLVED

_OPEN: Final = 50  # open incidents that are listed
_OVER: Final = 15  # of those that are over, where all are asked for
_LISTED: Final = 50  # of a search
_STEP: Final = 15 * MINUTE


def add(router: APIRouter, site: Site) -> None:
    """Add the route."""

    @router.get("", dependencies=[site.reads])
    def overview(
        request: Request,
        text: str = "",
        status: str = "",
        severity: str = "",
        service: str = "",
        cursor: str | None = None,
    ) -> HTMLResponse:
        asked = {"text": text.strip(), "status": status, "severity": severity, "service": service}
        day = last_day(site.store)
        series = site.store.counts(day.since // MINUTE * MINUTE, day.until, _STEP)
        figures = site.store.incident_figures()
        return site.page(
            request,
            "overview.html",
            title="Incidents",
            day=day,
            bars=bars(series),
            figures=figures,
            headline=headline(figures),
            alerts=sum(one["alerts"] for one in day.services),
            loud=sum(one["errors"] + one["warnings"] for one in day.services),
            services=sorted(one["service"] for one in day.services),
            last=site.service.worker.lines.search("", limit=1),
            at_work=site.service.worker.routes.plans,
            health=site.service.health(),
            statuses=(OPEN, RESOLVED),
            **_lists(site, asked, cursor),
        )


def headline(figures: dict[str, int]) -> str:
    """The state in one sentence.

    >>> headline({"low": 0, "medium": 1, "high": 0, "critical": 2})
    '3 incidents are open, 2 of them critical'
    """
    total = sum(figures.values())
    if not total:
        return "No incident is open"
    worst = next(name for name in SEVERITIES[::-1] if figures.get(name))
    count = figures[worst]
    if total == 1:
        return f"1 incident is open, and it is {worst}"
    which = "all of them" if count == total else f"{count:,} of them"
    return f"{counted(total, 'incident')} are open, {which} {worst}"


def _lists(site: Site, asked: dict[str, str], cursor: str | None) -> dict[str, Any]:
    """The incidents that were asked for: without any wish those that are open, then the last ones that are over."""
    wishes: dict[str, Any] = {
        "text": asked["text"] or None,
        "severity": asked["severity"] or None,
        "service": asked["service"] or None,
    }
    status = asked["status"] if asked["status"] in STATUSES else None
    if status is None and not any(wishes.values()) and cursor is None:
        now = site.store.incidents(status=OPEN, order="severity", limit=_OPEN)
        over = site.store.incidents(status=RESOLVED, limit=_OVER)
        return {
            "searched": False,
            "open": [incident_row(one) for one in now.items],
            "over": [incident_row(one) for one in over.items],
            "more_open": now.next_cursor is not None,
            "more_over": over.next_cursor is not None,
        }
    page = site.store.incidents(status=status, cursor=cursor, limit=_LISTED, **wishes)
    return {"searched": True, "found": [incident_row(one) for one in page.items], "cursor": page.next_cursor}
