"""Health: whether the service lives and is well, and its figures for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from logradar.serving.api.answers import answer, shown
from logradar.serving.api.context import Context, routes_of


class Part(BaseModel):
    """A part of the service."""

    name: str
    ok: bool = Field(description="Whether it is well.")
    sentence: str = Field(description="How it is.")


class Readiness(BaseModel):
    """Whether all parts are well."""

    ready: bool
    parts: list[Part]


class Alive(BaseModel):
    """The service answers."""

    alive: bool


_READY: Final[dict[str, Any]] = {
    "ready": True,
    "parts": [{"name": "ingest", "ok": True, "sentence": "Arrivals are written to disk."}],
}
_WAITING: Final[dict[str, Any]] = {
    "ready": False,
    "parts": [{"name": "lag", "ok": False, "sentence": "Detection is 45 s behind."}],
}
_METRICS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The figures as text.",
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "logradar_lag_seconds 0.0\n"}},
    }
}


def add(router: APIRouter, context: Context, metrics: Callable[[], bytes]) -> None:
    """Add the routes; ``metrics`` gives the text of Prometheus."""
    routes = routes_of("health")

    @routes.get("/livez", summary="Does it answer", responses=shown({"alive": True}, Alive))
    async def livez() -> Response:
        """Say that the process answers. It needs no key."""
        return answer({"alive": True})

    @routes.get(
        "/readyz",
        dependencies=context.reads,
        summary="Is it well",
        responses={
            **shown(_READY, Readiness, words="All parts are well."),
            **shown(_WAITING, Readiness, 503, "At least one part is not well, and a sentence says how."),
        },
    )
    def readyz() -> Response:
        """Say of each part of the service whether it is well, in a sentence; 503 where one is not."""
        parts = [one._asdict() for one in context.service.health()]
        ready = all(one["ok"] for one in parts)
        return answer({"ready": ready, "parts": parts}, 200 if ready else 503)

    @routes.get("/metrics", dependencies=context.reads, summary="Figures for Prometheus", responses=_METRICS)
    def get_metrics() -> Response:
        """The figures of the service as Prometheus reads them."""
        return Response(metrics(), media_type=CONTENT_TYPE_LATEST)

    router.include_router(routes)
