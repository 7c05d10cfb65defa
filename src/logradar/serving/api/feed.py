"""Feed: changes as they come, as Server-Sent Events."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.exceptions import HTTPException

from logradar.serving.api.asking import LARGEST
from logradar.serving.api.context import Context, routes_of
from logradar.serving.api.key_text import READ

_NUMBER: Final = re.compile(r"[0-9]{1,18}\Z")
_EXAMPLE: Final = 'id: 7\nevent: incident\ndata: {"id":7,"kind":"incident","what":"new","subject_id":"1f0a6b1e"}\n\n'
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events, until the connection or the service ends.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("incidents")

    @routes.get(
        "/feed",
        dependencies=context.reads,
        summary="Changes as they come",
        responses=_ANSWER,
        response_class=StreamingResponse,
    )
    async def feed(
        request: Request,
        last_event_id: Annotated[
            str | None, Header(description="The id of the last event that was seen; browsers send it by themselves.")
        ] = None,
        after: Annotated[int | None, Query(ge=0, le=LARGEST, description="The same for who sends no headers.")] = None,
    ) -> Response:
        """A stream of Server-Sent Events: `incident`, `alert` and `rate_change`, each with what changed as JSON.

        A comment comes every fifteen seconds without a change. `reset` says that changes are missing, because they are
        too old; load everything again then. Without an id the stream begins with the next change.
        """
        if context.feeds.full:
            raise HTTPException(503, "Too many listen already; close some pages.", {"Retry-After": "10"})
        seen = after
        if last_event_id and _NUMBER.match(last_event_id.strip()):
            seen = int(last_event_id)

        async def still() -> bool:
            who = await context.guard.principal(request)
            return who is not None and who.may(READ)

        return StreamingResponse(
            context.feeds.stream(seen, still), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    router.include_router(routes)
