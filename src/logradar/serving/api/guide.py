"""Guide: which code an alert leads to; there is an answer once code is indexed."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from logradar.serving.api.answers import answer, shown
from logradar.serving.api.asking import Id
from logradar.serving.api.context import Context, routes_of
from logradar.serving.api.problems import missing

_WHY: Final = "No code is indexed, so nothing can be said of where in the code this comes from."


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("detection")

    @routes.get(
        "/guide/{alert_id}",
        dependencies=context.reads,
        summary="Where in the code an alert leads",
        responses=shown({"available": False, "reason": _WHY, "places": []}),
    )
    def guide(alert_id: Id) -> Response:
        """Name the places in the code that the lines of an alert lead to. `available` is false while no code is
        indexed; then `reason` says so, and `places` is empty."""
        found = context.store.alert(alert_id)
        if found is None:
            raise missing("alert", alert_id)
        places = found.get("code") or []
        if places:
            return answer({"available": True, "reason": "", "places": places})
        return answer({"available": False, "reason": _WHY, "places": []})

    router.include_router(routes)
