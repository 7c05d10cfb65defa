"""Review: questions about kinds of training sessions, most useful first, and answers that the bundle learns from."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from logradar.serving import reviewing
from logradar.serving.api.answers import answer, shown
from logradar.serving.api.asking import Id
from logradar.serving.api.context import Context, asker, routes_of
from logradar.serving.api.problems import missing
from logradar.serving.detection.route import ACTIVE

_Kind = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Most = Annotated[int, Query(ge=1, le=100, description="Questions at most.")]
_EXAMPLE: Final[dict[str, Any]] = {
    "bundle": "hdfs",
    "sessions": 600,
    "kinds": 12,
    "taken_for_anomalous": 3,
    "answers": [],
    "questions": [
        {"kind": "a1b2c3", "sessions": 3, "share": 0.005, "unusual": ["3 sessions are like it"], "lines": []}
    ],
}


class ReviewRequest(BaseModel):
    """Answers to questions of a review."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"answers": {"a1b2c3": "normal"}}})

    answers: dict[_Kind, Literal["normal", "anomaly", "unsure"]] = Field(
        {}, max_length=1000, description="What sessions of a kind are, by its name."
    )
    undo: list[_Kind] = Field([], max_length=1000, description="Kinds whose answers are taken back.")


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("review")

    @routes.get(
        "/bundles/{name}/review", dependencies=context.reads, summary="Ask what is normal", responses=shown(_EXAMPLE)
    )
    def get_review(name: Id, most: _Most = 10) -> Response:
        """The kinds of training sessions that somebody should look at next, and the answers so far.

        Only bundles that were trained without labels can be reviewed; of another one this says why not (400).
        """
        _require(context, name)
        return answer(reviewing.questions(context.service, name, most))

    @routes.post(
        "/bundles/{name}/review",
        dependencies=context.writes,
        summary="Answer what is normal",
        responses=shown({**_EXAMPLE, "fitted_anew": True}),
    )
    def give_review(request: Request, name: Id, said: ReviewRequest, most: _Most = 10) -> Response:
        """Take in answers. A copy of the bundle is fitted anew within seconds, and takes its place without a gap."""
        _require(context, name)
        found = reviewing.answer(context.service, name, said.answers, by=asker(request), undo=said.undo, most=most)
        return answer(found)

    router.include_router(routes)


def _require(context: Context, name: str) -> None:
    if not any((plan.name, plan.role) == (name, ACTIVE) for plan in context.service.worker.routes.plans):
        raise missing("active bundle", name)
