"""Guide: which code an alert leads to, what is around it, and what was said of others that lead there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from logradar.serving.api.answers import answer, shown
from logradar.serving.api.asking import Id
from logradar.serving.api.context import Context, routes_of
from logradar.serving.api.problems import missing

_WHY: Final = "No code is indexed, so nothing can be said of where in the code this comes from."
_NONE: Final = "No log statement of the indexed code is certain to have written a line of this alert."
_LOOKED_AT: Final = 200  # alerts of before
_KNOWN: Final = 5
_EXAMPLE: Final = {
    "available": True,
    "reason": "",
    "places": [{"path": "shop/pay.py", "line": 26, "text": "log.error(...)", "function": "pay", "basis": "message"}],
    "lines": [],
    "known": [{"alert_id": "3f0c2d9e8b7a6f51", "incident_id": None, "raised_at": None, "verdict": None}],
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("detection")

    @routes.get(
        "/guide/{alert_id}",
        dependencies=context.reads,
        summary="Where in the code an alert leads",
        responses=shown(_EXAMPLE),
    )
    def guide(alert_id: Id) -> Response:
        """Name the places in the code that the lines of an alert lead to, what happens around each (`lines`), and other
        alerts that lead to the first of them, with what was said of them (`known`). `available` is false while no
        code is indexed; then `reason` says so, and the lists are empty."""
        found = context.store.alert(alert_id)
        if found is None:
            raise missing("alert", alert_id)
        places = found.get("code") or []
        explain = context.service.guide
        rows = {one.get("record_id"): one for one in found.get("evidence") or () if one.get("body")}
        lines = [] if explain is None else [
            explain.explain(one["body"], one.get("level"), None, one.get("service")) for one in rows.values()
        ]  # fmt: skip
        available = bool(places) or explain is not None
        reason = "" if places else _NONE if available else _WHY
        known = _known(context, found, places[0]) if places else []
        return answer({"available": available, "reason": reason, "places": places, "lines": lines, "known": known})

    router.include_router(routes)


def _known(context: Context, alert: Mapping[str, Any], place: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The last alerts before that lead to the same place, those of which people said something first."""
    page = context.store.alerts(limit=_LOOKED_AT)
    same = [
        {name: one.get(name) for name in ("alert_id", "incident_id", "raised_at", "verdict")}
        for one in page.items
        if one["alert_id"] != alert["alert_id"] and any(_same(there, place) for there in one.get("code") or ())
    ]
    return sorted(same, key=lambda one: one["verdict"] is None)[:_KNOWN]


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one.get("path"), one.get("line")) == (other.get("path"), other.get("line"))
