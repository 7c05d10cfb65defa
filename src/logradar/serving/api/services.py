"""Services: what each of them did, and which of them work together."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from logradar.serving.api.answers import answer, shown
from logradar.serving.api.asking import Since
from logradar.serving.api.context import Context, routes_of

_EXAMPLE: Final[dict[str, Any]] = {
    "services": [
        {
            "service": "pay",
            "records": 1200,
            "warnings": 3,
            "errors": 41,
            "alerts": 12,
            "open_incidents": 1,
            "last_seen": 1772355850000000,
        }
    ],
    "edges": [{"services": ["pay", "shop"], "sessions": 12}],
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("services")

    @routes.get("/services", dependencies=context.reads, summary="List services", responses=shown(_EXAMPLE))
    def list_services(since: Since = None) -> Response:
        """What each service wrote since a time (else all that is kept), its alerts and open incidents.

        `edges` are pairs of services that sessions with an alert touched. At most 200 of both; times are microseconds.
        """
        begin = since or 0
        edges = [{"services": [one, other], "sessions": count} for one, other, count in context.store.edges(begin)]
        return answer({"services": context.store.services(begin), "edges": edges})

    router.include_router(routes)
