"""Jobs: trainings on the lines that arrived; a finished bundle goes to work by itself."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.exceptions import HTTPException

from logradar.serving.api.answers import Listing, answer, listed, shown
from logradar.serving.api.asking import Cursor, Id, Limit, Moment
from logradar.serving.api.bundles import NAME
from logradar.serving.api.context import Context, asker, routes_of
from logradar.serving.api.problems import missing
from logradar.serving.store.jobs import WAITING

_Override = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*=[^\n\r]*$", max_length=1000)]
_EXAMPLE: Final[dict[str, Any]] = {
    "job_id": "3f2a9c0d1e4b",
    "kind": "train",
    "state": "running",
    "by": "mia",
    "problem": None,
    "created_at": 1772355600000000,
    "started_at": 1772355601000000,
    "ended_at": None,
    "settings": {"since": None, "name": "shop", "overrides": []},
    "progress": None,
    "result": None,
}


class JobRequest(BaseModel):
    """A training that is asked for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "shop"}})

    name: str | None = Field(
        None, pattern=NAME, description="Name of the bundle that it makes; null: of the one that judges all services."
    )
    since: Moment | None = Field(
        None, description="Learn lines that arrived from then on: ISO 8601 or microseconds; null: all that are kept."
    )
    overrides: list[_Override] = Field(
        [], max_length=50, description="Settings of the training as `key.sub=value`, such as `detector=deeplog`."
    )


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("jobs")

    @routes.get(
        "/jobs",
        dependencies=context.reads,
        summary="List jobs",
        responses=shown({"items": [_EXAMPLE], "next_cursor": None}, Listing),
    )
    def list_jobs(
        state: Annotated[
            Literal["waiting", "running", "done", "failed", "cancelled"] | None,
            Query(description="Only in this state."),
        ] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """List trainings, the last first. Times are microseconds since 1970."""
        return listed(context.store.jobs(state=state, cursor=cursor, limit=limit))

    @routes.post(
        "/jobs",
        dependencies=context.rules,
        status_code=202,
        summary="Train on what arrived",
        responses=shown(_EXAMPLE, status=202, words="The job, which waits for its turn."),
    )
    def add_job(request: Request, said: JobRequest) -> Response:
        """Train a bundle on the lines that arrived, in a process of its own; it goes to work when it is finished.

        One job runs and one waits at most; ask again (409) when one of them is finished.
        """
        if context.store.jobs(state=WAITING, limit=1).items:
            raise HTTPException(409, "A training waits for its turn already; ask again when it has begun.")
        since = said.since
        job = context.service.learning.ask(asker(request), since=since, name=said.name, overrides=tuple(said.overrides))
        return answer(context.store.job(job), 202, headers={"Location": f"/api/v1/jobs/{job}"})

    @routes.get("/jobs/{job_id}", dependencies=context.reads, summary="One job", responses=shown(_EXAMPLE))
    def get_job(job_id: Id) -> Response:
        """How far a training is, or why it failed."""
        found = context.store.job(job_id)
        if found is None:
            raise missing("job", job_id)
        return answer(found)

    router.include_router(routes)
