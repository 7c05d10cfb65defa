"""Flush: what was sent so far is a whole, as a file is; all open sessions are judged now."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from logradar.serving.api.answers import Done, answer, shown
from logradar.serving.api.context import Context, routes_of


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("bundles")

    @routes.post(
        "/flush",
        dependencies=context.rules,
        summary="End all open sessions",
        responses=shown({"done": "All sessions so far are judged."}, Done),
    )
    def flush() -> Response:
        """Take all open sessions as over and judge them, as at the end of a file. It answers once that is done.

        It is for tests and for logs that are sent as a whole; a line that comes later begins a new session.
        """
        context.service.close_input()
        return answer({"done": "All sessions so far are judged."})

    router.include_router(routes)
