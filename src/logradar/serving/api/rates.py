"""Rates: how much services wrote over time, and where something came more or less often than in training."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from logradar.serving.api.answers import Listing, answer, listed, shown
from logradar.serving.api.asking import Cursor, Limit, Role, ServiceName, Since, Text, Until
from logradar.serving.api.context import Context, routes_of
from logradar.serving.store.database import now_us
from logradar.serving.store.moments import MINUTE

_STEPS: Final = 300  # of a series whose step nobody names, at most about so many
_KINDS = Annotated[
    list[Literal["new", "gone", "spike", "dip", "silence"]] | None,
    Query(max_length=5, description="Only these; can be repeated."),
]
_SERIES: Final = {
    "start": 1772355600000000,
    "step": 60000000,
    "services": {"pay": {"all": [120, 118], "warn": [0, 1], "error": [0, 7]}},
}
_CHANGE: Final[dict[str, Any]] = {
    "change_id": "9a0364b9e99bb480",
    "kind": "spike",
    "service": "pay",
    "template_id": 12,
    "started_at": "2026-03-01T09:00:00+00:00",
    "last_at": "2026-03-01T09:04:00+00:00",
    "incident_id": None,
    "role": "active",
    "bundle": "shop",
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("rates")

    @routes.get("/rates", dependencies=context.reads, summary="Records over time", responses=shown(_SERIES))
    def get_rates(
        since: Since = None,
        until: Until = None,
        minutes: Annotated[
            int | None, Query(ge=1, le=10_080, description="Length of a step; without it one that gives ~300 steps.")
        ] = None,
        service: ServiceName = None,
    ) -> Response:
        """How many records each service wrote, in steps of whole minutes; the last hour unless another time is asked.

        Each service has the counts of all records, of warnings and of errors. Times are microseconds since 1970. A
        series has at most 5,000 steps.
        """
        end = until
        end = now_us() // MINUTE * MINUTE + MINUTE if end is None else end
        begin = since
        begin = max(0, end - 60 * MINUTE) if begin is None else begin
        begin = begin // MINUTE * MINUTE
        step = MINUTE * (minutes or max(1, -((begin - end) // (MINUTE * _STEPS))))
        return answer(asdict(context.store.counts(begin, end, step, service=service)))

    @routes.get(
        "/rate-changes",
        dependencies=context.reads,
        summary="List rate changes",
        responses=shown({"items": [_CHANGE], "next_cursor": None}, Listing),
    )
    def list_rate_changes(
        kind: _KINDS = None,
        service: ServiceName = None,
        since: Since = None,
        until: Until = None,
        text: Text = None,
        role: Role = "active",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """List stretches of time in which something came more or less often than in training, or not at all."""
        page = context.store.rate_changes(
            kind=kind,
            service=service,
            since=since,
            until=until,
            text=text,
            role=role,
            cursor=cursor,
            limit=limit,
        )
        return listed(page)

    router.include_router(routes)
