"""Receivers: who gets to know of incidents, and whether that works."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, Field

from logradar.serving.api.answers import answer, shown
from logradar.serving.api.asking import Id
from logradar.serving.api.context import Context, routes_of
from logradar.serving.api.problems import missing

_EXAMPLE: Final[dict[str, Any]] = {
    "name": "oncall",
    "kind": "alertmanager",
    "min_severity": "medium",
    "waiting": 0,
    "delivered": 12,
    "given_up": 0,
    "problem": "",
}


class Tried(BaseModel):
    """How a test went."""

    accepted: bool = Field(description="Whether the receiver accepted it.")
    detail: str = Field(description="A sentence that says so, or why not.")


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("receivers")

    @routes.get(
        "/receivers", dependencies=context.reads, summary="List receivers", responses=shown({"items": [_EXAMPLE]})
    )
    def list_receivers() -> Response:
        """All receivers of notifications with their figures, without their addresses and secrets."""
        known = {one.name: one for one in context.service.settings.notifications.receivers}
        found = [
            {**one, "kind": known[one["name"]].kind, "min_severity": known[one["name"]].min_severity}
            for one in context.service.delivery.figures()
        ]
        return answer({"items": found})

    @routes.post(
        "/receivers/{name}/test",
        dependencies=context.rules,
        summary="Test a receiver",
        responses=shown({"accepted": True, "detail": "oncall accepted the test with status 200."}, Tried),
    )
    def test_receiver(name: Id) -> Response:
        """Send an incident that is none to a receiver now, and say whether it was accepted."""
        if all(one.name != name for one in context.service.settings.notifications.receivers):
            raise missing("receiver", name)
        accepted, sentence = context.service.delivery.test_message(name)
        return answer({"accepted": accepted, "detail": sentence})

    router.include_router(routes)
