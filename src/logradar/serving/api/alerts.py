"""Alerts: single sessions that are not normal, with the lines that show it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from logradar.serving.api.answers import Listing, answer, listed, shown
from logradar.serving.api.asking import (
    Cursor,
    Id,
    Limit,
    Role,
    ServiceName,
    Severities,
    Since,
    Text,
    Until,
)
from logradar.serving.api.context import Context, routes_of
from logradar.serving.api.incidents import Order
from logradar.serving.api.problems import missing

_Part = Annotated[str | None, Query(max_length=1000, description="Only those of this one.")]
_EXAMPLE: Final[dict[str, Any]] = {
    "alert_id": "5d41402abc4b2a76",
    "session_id": "blk_38865049064139660",
    "service": "datanode",
    "severity": "medium",
    "severity_score": 41.7,
    "score": 3.2,
    "threshold": 1.1,
    "raised_at": "2026-03-01T09:00:00+00:00",
    "evidence": [{"line": 6, "body": "Exception writing block", "reason": "never seen in training"}],
    "incident_id": "1f0a6b1e2c3d4e5f",
    "verdict": None,
    "over": True,
    "bundle": "hdfs",
    "role": "active",
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("alerts")

    @routes.get(
        "/alerts",
        dependencies=context.reads,
        summary="List alerts",
        responses=shown({"items": [_EXAMPLE], "next_cursor": None}, Listing),
    )
    def list_alerts(
        severity: Severities = None,
        service: ServiceName = None,
        since: Since = None,
        until: Until = None,
        text: Text = None,
        incident_id: _Part = None,
        session_id: _Part = None,
        role: Role = "active",
        order: Order = "new",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """List alerts that fit all filters, page by page. Times are those of the logs."""
        page = context.store.alerts(
            severity=severity,
            service=service,
            since=since,
            until=until,
            text=text,
            incident_id=incident_id,
            session_id=session_id,
            role=role,
            order=order,
            cursor=cursor,
            limit=limit,
        )
        return listed(page)

    @routes.get("/alerts/{alert_id}", dependencies=context.reads, summary="One alert", responses=shown(_EXAMPLE))
    def get_alert(alert_id: Id, role: Role = "active") -> Response:
        """An alert with its evidence, the incident that it belongs to, and what people said of it last."""
        found = context.store.alert(alert_id, role=role)
        if found is None:
            raise missing("alert", alert_id)
        return answer(found)

    router.include_router(routes)
