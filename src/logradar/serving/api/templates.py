"""Templates: the kinds of messages that came, how often and since when."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from logradar.serving.api.answers import Listing, answer, listed, shown
from logradar.serving.api.asking import Cursor, Id, Limit, ServiceName, Since, Text
from logradar.serving.api.context import Context, routes_of

_EXAMPLE: Final[dict[str, Any]] = {
    "bundle": "hdfs",
    "template_id": 4,
    "template": "Receiving block <BLK> src: <IP> dest: <IP>",
    "example": "Receiving block blk_38865049064139660 src: /10.0.0.1:50010 dest: /10.0.0.2:50010",
    "service": "datanode",
    "first_at": 1772355600000000,
    "last_at": 1772355850000000,
    "count": 1200,
    "growth": None,
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("templates")

    @routes.get(
        "/templates",
        dependencies=context.reads,
        summary="List templates",
        responses=shown({"items": [_EXAMPLE], "next_cursor": None}, Listing),
    )
    def list_templates(
        bundle: Annotated[str | None, Query(max_length=1000, description="Name of the bundle.")] = None,
        service: ServiceName = None,
        text: Text = None,
        order: Annotated[
            Literal["new", "count", "growth"],
            Query(description="The newest first, the most frequent, or those that grew most within the last hour."),
        ] = "new",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """List the templates of messages that the bundles at work have seen. Times are microseconds since 1970.

        The template with the number 1 stands for all messages that training does not have.
        """
        page = context.store.templates(
            bundle=bundle, service=service, text=text, order=order, cursor=cursor, limit=limit
        )
        return listed(page)

    @routes.get(
        "/templates/{bundle}/{template_id}",
        dependencies=context.reads,
        summary="One template",
        responses=shown({**_EXAMPLE, "minutes": [[1772355600000000, 12]]}),
    )
    def get_template(
        bundle: Id,
        template_id: Annotated[int, Path(ge=0, lt=2**31, description="Its number in this bundle.")],
        since: Since = None,
    ) -> Response:
        """A template with how often it came in each minute (microseconds since 1970, count)."""
        found = context.store.template(bundle, template_id, since=since)
        if found is None:
            raise HTTPException(404, f"The bundle '{bundle[:60]}' has no template with the number {template_id}.")
        return answer(found)

    router.include_router(routes)
