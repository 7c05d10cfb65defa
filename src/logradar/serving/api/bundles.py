"""Bundles: what is at work, and how another one takes its place or scores beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.exceptions import HTTPException

from logradar.serving.api.answers import Done, answer, shown
from logradar.serving.api.asking import Id, Role, Since, Until
from logradar.serving.api.context import Context, asker, routes_of
from logradar.serving.api.problems import missing
from logradar.serving.comparison import comparison
from logradar.serving.detection.route import ACTIVE, SHADOW
from logradar.serving.store.bundles import RESTING

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,60}$"
_EXAMPLE: Final[dict[str, Any]] = {
    "name": "hdfs",
    "role": "active",
    "services": [],
    "identity": "0b1e6d2f3a4c5d6e",
    "detector": "fusion",
    "threshold": 1.1,
    "templates": 46,
    "open_sessions": 17,
    "records": 120000,
    "drift": None,
}


class BundleRequest(BaseModel):
    """A bundle that is to go to work."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"path": "/srv/logradar/shop-bundle", "name": "shop"}}
    )

    path: str = Field(min_length=1, max_length=4096, description="Its folder on the machine of the service.")
    name: str = Field(pattern=NAME, description="A name for it; one of the same name and role is replaced.")
    role: Literal["active", "shadow", "resting"] = Field(
        "active",
        description="active detects, shadow scores beside it and notifies nobody, resting only answers /detect",
    )
    services: list[Annotated[str, StringConstraints(min_length=1, max_length=200)]] = Field(
        [], max_length=200, description="Globs of its services; none: all that no other bundle names."
    )


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("bundles")

    @routes.get(
        "/bundles",
        dependencies=context.reads,
        summary="List bundles",
        responses=shown({"at_work": [_EXAMPLE], "known": []}),
    )
    def list_bundles() -> Response:
        """The bundles at work with their figures, and all that the service knows."""
        return answer({"at_work": context.service.bundles(), "known": context.store.bundles()})

    @routes.post(
        "/bundles",
        dependencies=context.rules,
        status_code=201,
        summary="Put a bundle to work",
        responses=shown(_EXAMPLE, status=201),
    )
    def put_bundle(request: Request, said: BundleRequest) -> Response:
        """Copy a bundle from a folder on the machine of the service, and put the copy to work.

        It takes the place of the one of its name and role. Open sessions end with the bundle that they began with, and
        nothing that arrives meanwhile is lost.
        """
        service, folder = context.service, Path(said.path)
        try:
            there = folder.is_dir()
        except (OSError, ValueError):  # a name that is too long, or holds what no name can
            there = False
        if not there:
            raise HTTPException(400, "There is no such folder on the machine of the service.")
        if said.role != RESTING:
            found = service.activate(folder, said.name, role=said.role, services=said.services, by=asker(request))
            return answer(found, 201)
        copy = service.shelf.put(said.name, folder)
        facts = {"by": asker(request), "from": said.path}
        context.store.add_bundle(f"{said.name}/{RESTING}", str(copy), role=RESTING, document=facts)
        return answer({"name": said.name, "role": RESTING, "bundle": str(copy)}, 201)

    @routes.get(
        "/comparison",
        dependencies=context.reads,
        summary="Compare shadow and active",
        responses=shown(
            {"both": 41, "only_active": 3, "only_shadow": 9, "severities": {}, "examples": {}, "complete": True}
        ),
    )
    def compare_bundles(since: Since = None, until: Until = None) -> Response:
        """In how many sessions both the active and the shadow bundles raised an alert, and in how many only one did."""
        return answer(comparison(context.store, since=since, until=until))

    @routes.delete(
        "/bundles/{name}",
        dependencies=context.rules,
        summary="Let a bundle end",
        responses=shown({"done": "The active bundle 'hdfs' gets no more lines."}, Done),
    )
    def end_bundle(name: Id, role: Role = "active") -> Response:
        """Let a bundle end; its open sessions are still judged. Lines are kept without being judged where no other one
        takes them."""
        if not any((plan.name, plan.role) == (name, role) for plan in context.service.worker.routes.plans):
            raise missing(f"{role} bundle", name)
        context.service.deactivate(name, SHADOW if role == SHADOW else ACTIVE)
        return answer({"done": f"The {role} bundle '{name}' gets no more lines."})

    router.include_router(routes)
