"""Services: all of them with their health, and one with what it wrote over time."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from logradar.core.rate_words import what_changed
from logradar.serving.dashboard.incident_rows import incident_row
from logradar.serving.dashboard.log_clock import LogDay, last_day
from logradar.serving.dashboard.service_map import service_map
from logradar.serving.dashboard.service_states import state_of
from logradar.serving.dashboard.site import Site
from logradar.serving.dashboard.strips import bars
from logradar.serving.store.counts import Series
from logradar.serving.store.moments import MINUTE, microseconds_of
from logradar.serving.store.schema import OPEN, RESOLVED

_WIDE, _NARROW = (1120, 430, 24), (328, 400, 12)  # width, height, and services at most
_HOURS: Final = {"1": 1, "6": 6, "24": 24, "168": 168}
_STEPS: Final = 240  # of a picture, about
_RATES: Final = 30


def add(router: APIRouter, site: Site) -> None:
    """Add the routes."""

    @router.get("/services", dependencies=[site.reads])
    def services(request: Request) -> HTMLResponse:
        day = last_day(site.store)
        pairs = site.store.edges(day.since)
        return site.page(
            request,
            "services.html",
            title="Services",
            day=day,
            rows=[(one, *state_of(one, day.until)) for one in day.services],
            maps=[
                (name, service_map(day.services, pairs, size, day.until))
                for name, size in (("wide", _WIDE), ("narrow", _NARROW))
            ],
            pairs=len(pairs),
        )

    @router.get("/services/{name:path}", dependencies=[site.reads])
    def service(request: Request, name: str, hours: str = "24") -> HTMLResponse:
        span = _HOURS.get(hours, 24) * 60 * MINUTE
        day = last_day(site.store, span)
        row = next((one for one in day.services if one["service"] == name), None)
        row = row or next((one for one in site.store.services(0) if one["service"] == name), None)
        if row is None:
            raise HTTPException(404, "No line of such a service has arrived.")
        series = _series(site, day, name, span)
        changes = site.store.rate_changes(service=name, since=day.since, until=day.until, limit=_RATES).items
        incidents = site.store.incidents(service=name, status=(OPEN, RESOLVED), limit=10).items
        return site.page(
            request,
            "one_service.html",
            title=name,
            name=name,
            row=row,
            state=state_of(row, day.until),
            day=day,
            hours=str(span // (60 * MINUTE)),
            spans=[("1", "1 hour"), ("6", "6 hours"), ("24", "1 day"), ("168", "7 days")],
            bars=bars(series),
            chart=_chart(series, name, changes),
            changes=[(what_changed(one), one) for one in changes],
            incidents=[incident_row(one) for one in incidents],
        )


def _series(site: Site, day: LogDay, name: str, span: int) -> Series:
    step = max(1, span // MINUTE // _STEPS) * MINUTE
    return site.store.counts(day.since // MINUTE * MINUTE, day.until, step, service=name)


def _chart(series: Series, name: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
    """What the script draws: seconds since 1970, counts, and the spans of rate changes."""
    bands = series.services.get(name) or {"all": [], "warn": [], "error": []}
    steps = len(bands["all"])
    return {
        "x": [(series.start + place * series.step) // 1_000_000 for place in range(steps)],
        "all": bands["all"],
        "warn": bands["warn"],
        "error": bands["error"],
        "changes": [
            {
                "from": microseconds_of(one["started_at"]) // 1_000_000,
                "to": microseconds_of(one["last_at"]) // 1_000_000,
                "text": what_changed(one),
            }
            for one in changes
        ],
    }
