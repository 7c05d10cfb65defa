"""Missing: what a browser gets where there is no page."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException

from logradar.serving.dashboard.site import Site


def add(router: APIRouter, site: Site) -> None:
    """Add the route; it comes last, as it fits every path."""

    @router.get("/{rest:path}", dependencies=[site.reads])
    async def missing(rest: str) -> None:
        raise HTTPException(404, "There is no page with this address.")
