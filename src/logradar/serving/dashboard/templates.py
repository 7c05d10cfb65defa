"""Templates: the kinds of messages: those that are new, those that come most, and those that grow."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from logradar.core.tables import UNKNOWN
from logradar.serving.dashboard.log_clock import DAY, last_day
from logradar.serving.dashboard.site import Site
from logradar.serving.dashboard.strips import sparkline, steps_of
from logradar.serving.store.moments import MINUTE

_ORDERS: Final = {"new": "Newest", "count": "Most frequent", "growth": "Growing"}
_LISTED: Final = 30
_STEPS: Final = 48  # of a sparkline: half an hour each
_FINE: Final = 240  # of the picture of one template


def add(router: APIRouter, site: Site) -> None:
    """Add the routes."""

    @router.get("/templates", dependencies=[site.reads])
    def templates(
        request: Request,
        order: str = "new",
        text: str = "",
        service: str = "",
        bundle: str = "",
        cursor: str | None = None,
    ) -> HTMLResponse:
        order = order if order in _ORDERS else "new"
        day = last_day(site.store)
        page = site.store.templates(
            order=order,
            text=text.strip() or None,
            service=service or None,
            bundle=bundle or None,
            cursor=cursor,
            limit=_LISTED,
        )
        rows = [(one, _spark(site, one, day.since, day.until)) for one in page.items]
        return site.page(
            request,
            "templates.html",
            title="Templates",
            order=order,
            orders=_ORDERS,
            rows=rows,
            cursor=page.next_cursor,
            day=day,
            services=sorted(one["service"] for one in day.services),
            unknown=UNKNOWN,
        )

    @router.get("/templates/{bundle}/{number}", dependencies=[site.reads])
    def template(request: Request, bundle: str, number: int) -> HTMLResponse:
        one = site.store.template(bundle, number)
        if one is None:
            raise HTTPException(404, "There is no such template.")
        day = last_day(site.store)
        steps = steps_of(one["minutes"], day.since, day.until, _FINE)
        step = (day.until - day.since) // _FINE
        return site.page(
            request,
            "template.html",
            title=f"Template {number}",
            one=one,
            day=day,
            unknown=UNKNOWN,
            in_day=sum(steps),
            points=sparkline(steps),
            chart={"x": [(day.since + place * step) // 1_000_000 for place in range(_FINE)], "all": steps},
        )


def _spark(site: Site, one: dict[str, Any], since: int, until: int) -> str:
    found = site.store.template(one["bundle"], one["template_id"], since=max(0, until - DAY - MINUTE))
    return sparkline(steps_of(found["minutes"], since, until, _STEPS)) if found else ""
