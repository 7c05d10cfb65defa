"""Lines: a search in the log lines that are kept."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from logradar.serving.api.answers import answer, shown
from logradar.serving.api.asking import ServiceName, Since, Until
from logradar.serving.api.context import Context, routes_of

_EXAMPLE: Final = {
    "items": [
        {
            "seq": 12,
            "arrived": 1772355850000000,
            "stream": "otlp:pay",
            "line": 12,
            "timestamp": "2026-03-01T09:04:10+00:00",
            "service": "pay",
            "level": 17,
            "component": None,
            "body": "connection refused",
            "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
        }
    ]
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("lines")

    @routes.get("/lines", dependencies=context.reads, summary="Search log lines", responses=shown(_EXAMPLE))
    def search_lines(
        text: Annotated[str, Query(max_length=1000, description="What the line holds, in capitals or not.")] = "",
        service: ServiceName = None,
        trace: Annotated[str | None, Query(max_length=1000, description="Its trace id.")] = None,
        level: Annotated[
            int | None, Query(ge=1, le=24, description="This SeverityNumber or worse: 13 WARN, 17 ERROR.")
        ] = None,
        since: Since = None,
        until: Until = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="Lines at most.")] = 100,
    ) -> Response:
        """The newest log lines that fit all filters, the newest first.

        At most about two million lines are looked at; a narrower time finds older ones.
        """
        found = context.service.worker.lines.search(
            text,
            service=service,
            trace=trace,
            level=level,
            since=since,
            until=until,
            limit=limit,
        )
        return answer({"items": found})

    router.include_router(routes)
