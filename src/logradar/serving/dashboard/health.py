"""Health: how the service itself is, what it takes, what it could not read, and whether people get to know."""

from __future__ import annotations

import shutil
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from logradar.serving.dashboard.log_clock import last_day
from logradar.serving.dashboard.site import FORM, Fields, Site
from logradar.serving.dashboard.strips import bars
from logradar.serving.store.moments import MINUTE

_HOUR: Final = 60 * MINUTE


def add(router: APIRouter, site: Site) -> None:
    """Add the routes."""

    @router.get("/service", dependencies=[site.reads])
    def health(request: Request) -> HTMLResponse:
        return _page(request, site)

    @router.post("/service/test", dependencies=site.rules)
    def test(request: Request, said: Fields = FORM) -> Response:
        accepted, sentence = site.service.delivery.test_message(said.get("name", ""))
        return _page(request, site, notice=(accepted, sentence))


def _page(request: Request, site: Site, **values: Any) -> HTMLResponse:
    figures, parts = site.service.figures(), site.service.health()
    hour = last_day(site.store, _HOUR)
    series = site.store.counts(hour.since // MINUTE * MINUTE, hour.until, MINUTE)
    disk = shutil.disk_usage(site.service.settings.home)
    problems = [one for one in parts if not one.ok]
    return site.page(
        request,
        "health.html",
        title="Health",
        figures=figures,
        parts=parts,
        problems=problems,
        bars=bars(series),
        hour=hour,
        disk=disk,
        settings=site.service.settings,
        where=site.store.where,
        **values,
    )
