"""Incidents: what is wrong, as a list and one by one; people acknowledge them and leave notes."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from logradar.serving.api.answers import Done, Listing, answer, listed, shown
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
from logradar.serving.api.context import Context, asker, routes_of
from logradar.serving.api.problems import missing
from logradar.serving.store.people import LONGEST_NOTE

Statuses = Annotated[
    list[Literal["open", "resolved", "merged"]] | None,
    Query(max_length=3, description="Only these; without it open and resolved ones. Can be repeated."),
]
Order = Annotated[Literal["new", "severity"], Query(description="The newest first, or the most urgent first.")]


class Acknowledgement(BaseModel):
    """That somebody looks after an incident."""

    model_config = ConfigDict(json_schema_extra={"example": {"note": "It is the database; Mia restarts it."}})
    note: str = Field("", max_length=LONGEST_NOTE, description="What is known so far.")


class Note(BaseModel):
    """Something that others should know of an incident."""

    model_config = ConfigDict(json_schema_extra={"example": {"note": "The disk of db-2 was full."}})
    note: str = Field(min_length=1, max_length=LONGEST_NOTE, description="The text.")


_EXAMPLE: Final[dict[str, Any]] = {
    "incident_id": "1f0a6b1e2c3d4e5f",
    "status": "open",
    "severity": "high",
    "severity_score": 71.5,
    "started_at": "2026-03-01T09:00:00+00:00",
    "last_at": "2026-03-01T09:04:10+00:00",
    "services": ["pay", "shop"],
    "alerts": 12,
    "title": "pay: connection refused",
    "candidates": [{"service": "pay", "reason": "its lines are unusual first", "share": 0.8}],
    "role": "active",
    "bundle": "shop",
    "acknowledged": None,
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("incidents")

    @routes.get(
        "/incidents",
        dependencies=context.reads,
        summary="List incidents",
        responses=shown({"items": [_EXAMPLE], "next_cursor": None}, Listing),
    )
    def list_incidents(
        status: Statuses = None,
        severity: Severities = None,
        service: ServiceName = None,
        since: Since = None,
        until: Until = None,
        text: Text = None,
        acknowledged: Annotated[bool | None, Query(description="Whether somebody looks after it.")] = None,
        role: Role = "active",
        order: Order = "new",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """List incidents that fit all filters, page by page. Times are those of the logs."""
        page = context.store.incidents(
            status=status,
            severity=severity,
            service=service,
            since=since,
            until=until,
            text=text,
            acknowledged=acknowledged,
            role=role,
            order=order,
            cursor=cursor,
            limit=limit,
        )
        return listed(page)

    @routes.get(
        "/incidents/{incident_id}",
        dependencies=context.reads,
        summary="One incident",
        responses=shown({**_EXAMPLE, "alert_list": [], "rate_change_list": [], "notes": [], "parts": []}),
    )
    def get_incident(incident_id: Id, role: Role = "active") -> Response:
        """An incident with its first hundred alerts and rate changes, its notes, and the incidents merged into it."""
        found = context.store.incident(incident_id, role=role)
        if found is None:
            raise missing("incident", incident_id)
        return answer(found)

    @routes.post(
        "/incidents/{incident_id}/acknowledge",
        dependencies=context.writes,
        summary="Look after an incident",
        responses=shown({"done": "Mia looks after the incident."}, Done),
    )
    def acknowledge(request: Request, incident_id: Id, said: Acknowledgement) -> Response:
        """Note that you look after this incident, in place of whoever did before."""
        _require(context, incident_id)
        context.store.acknowledge(incident_id, asker(request), said.note)
        return answer({"done": f"{asker(request)} looks after the incident."})

    @routes.delete(
        "/incidents/{incident_id}/acknowledge",
        dependencies=context.writes,
        summary="Look after an incident no more",
        responses=shown({"done": "Nobody looks after the incident."}, Done),
    )
    def withdraw_acknowledgement(request: Request, incident_id: Id) -> Response:
        """Note that nobody looks after this incident any more."""
        _require(context, incident_id)
        context.store.withdraw_acknowledgement(incident_id, asker(request))
        return answer({"done": "Nobody looks after the incident."})

    @routes.post(
        "/incidents/{incident_id}/notes",
        dependencies=context.writes,
        status_code=201,
        summary="Leave a note",
        responses=shown({"id": 7}, status=201, words="The number of the note."),
    )
    def add_note(request: Request, incident_id: Id, said: Note) -> Response:
        """Add a note to an incident; everybody who looks at it sees it."""
        _require(context, incident_id)
        return answer({"id": context.store.note(incident_id, asker(request), said.note)}, 201)

    router.include_router(routes)


def _require(context: Context, incident_id: str) -> None:
    if context.store.incident(incident_id) is None:
        raise missing("incident", incident_id)
