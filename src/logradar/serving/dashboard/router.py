"""Router: all pages of the dashboard, for one application."""

from __future__ import annotations

from fastapi import APIRouter

from logradar.serving.api.guard import Guard
from logradar.serving.dashboard import (
    alerts,
    assets,
    bundles,
    health,
    incidents,
    lines,
    missing,
    overview,
    review,
    services,
    sign_in,
    templates,
)
from logradar.serving.dashboard.page_route import PageRoute
from logradar.serving.dashboard.site import Site
from logradar.serving.service import Service


def dashboard_router(service: Service, guard: Guard) -> APIRouter:
    """The pages under ``/dashboard`` of a service that runs, for those whom the guard lets in."""
    site = Site(service, guard)
    router = APIRouter(prefix="/dashboard", include_in_schema=False, route_class=PageRoute.of(site))
    for part in (
        assets,
        sign_in,
        overview,
        incidents,
        alerts,
        services,
        templates,
        lines,
        review,
        bundles,
        health,
        missing,
    ):
        part.add(router, site)
    return router
