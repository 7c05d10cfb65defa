"""Context: what all routes share: the service, who may ask, and the bundles that are loaded for requests."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from logradar.serving.api.feeds import Feeds
from logradar.serving.api.guard import Guard, Principal
from logradar.serving.api.key_text import ADMIN, READ, WRITE
from logradar.serving.scoring_requests import RequestScorers
from logradar.serving.service import Service
from logradar.serving.store.store import Store

LARGEST: Final = 8 << 20  # bytes of a body


class Context:
    """The service behind the routes; ``reads``, ``writes`` and ``rules`` are dependencies of routes, by scope."""

    def __init__(self, service: Service, guard: Guard) -> None:
        self.service, self.guard = service, guard
        self.scorers, self.feeds = RequestScorers(), Feeds(lambda: service.store)
        self.reads = [Depends(guard.require(READ))]
        self.writes = [Depends(guard.require(WRITE))]
        self.rules = [Depends(guard.require(ADMIN))]

    @property
    def store(self) -> Store:
        """Where everything is read from."""
        return self.service.store


class GuardedRoute(APIRoute):
    """A route that asks who sends a request before it reads the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, behind the guard."""
        handle = super().get_route_handler()
        guards = [
            one.dependency
            for one in self.dependencies
            if one.dependency is not None and hasattr(one.dependency, "logradar_scope")
        ]

        async def guarded(request: Request) -> Response:
            for guard in guards:
                await guard(request)
            return await handle(request)

        return guarded


def routes_of(noun: str) -> APIRouter:
    """An empty router for the routes of a noun, by which the documentation groups them."""
    return APIRouter(route_class=GuardedRoute, tags=[noun], generate_unique_id_function=lambda route: route.name)


def asker(request: Request) -> str:
    """The name of who asks, for a route that needs a scope."""
    found: Principal = request.state.principal
    return found.name
