"""Assets: browsers get the style, the scripts and the pictures."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from logradar.serving.dashboard.site import Site
from logradar.serving.dashboard.static_files import contents

_KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def add(router: APIRouter, site: Site) -> None:
    """Add the route; these files hold no secret, and the page where a key is shown needs them."""

    @router.get("/static/{name:path}")
    def static(name: str) -> Response:
        body = contents().get(name)
        if body is None:
            raise HTTPException(404, "There is no such file.")
        return Response(
            body,
            media_type=_KINDS[name.rpartition(".")[2]],
            headers={"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"},
        )
