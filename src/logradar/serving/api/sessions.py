"""Sessions: the lines of one session, from the log lines that are kept and from the evidence of its alerts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from logradar.serving.api.answers import answer, shown
from logradar.serving.api.context import Context, routes_of
from logradar.serving.api.problems import missing
from logradar.serving.store.store import Store

Search = Callable[..., list[dict[str, Any]]]
_PART: Final = re.compile(r"#[0-9]+\Z")  # of a long session that was cut
_EXAMPLE: Final = {
    "session_id": "blk_38865049064139660",
    "lines": [{"timestamp": "2026-03-01T09:00:00+00:00", "service": "datanode", "level": 9, "body": "Receiving block"}],
    "found_by": "trace",
    "truncated": False,
    "alerts": [],
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("sessions")

    @routes.get(
        "/sessions/{session_id:path}", dependencies=context.reads, summary="One session", responses=shown(_EXAMPLE)
    )
    def get_session(
        session_id: Annotated[str, Path(min_length=1, max_length=1000, description="Its key, such as a trace id.")],
        limit: Annotated[int, Query(ge=1, le=5000, description="Lines at most; the last ones are kept.")] = 500,
    ) -> Response:
        """The lines of a session in their order, and the alerts about it.

        Lines are looked for by trace id, then by the text of the key; of a window without a key there are only the
        lines in the evidence of its alerts.
        """
        found = session_document(context.store, context.service.worker.lines.search, session_id, limit)
        if not found["lines"] and not found["alerts"]:
            raise missing("session", session_id)
        return answer(found)

    router.include_router(routes)


def session_document(store: Store, search: Search, session_id: str, limit: int) -> dict[str, Any]:
    """Lines and alerts of a session as JSON values; ``search`` is that of `LineStore`."""
    key = _PART.sub("", session_id)
    alerts = store.alerts(session_id=session_id, limit=20).items
    rows, by = search("", trace=key, limit=limit + 1), "trace"
    if not rows:
        rows, by = search(key, limit=limit + 1), "text"
    if not rows:
        rows, by = _evidence(alerts), "evidence"
    ordered = sorted(rows[:limit], key=lambda row: row.get("seq", 0))
    return {
        "session_id": session_id,
        "lines": ordered,
        "found_by": by if rows else None,
        "truncated": len(rows) > limit,
        "alerts": alerts,
    }


def _evidence(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of alerts, each once."""
    lines = {one.get("line"): one for alert in alerts for one in alert["evidence"]}
    names = ("timestamp", "service", "level", "body", "line")
    return [{name: one.get(name) for name in names} for _, one in sorted(lines.items(), key=lambda item: item[0] or 0)]
