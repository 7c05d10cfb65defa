"""App: the HTTP application of a service, put together from ingest, API and dashboard."""

from __future__ import annotations

import time
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from logradar import __version__
from logradar.serving.api.answers import answer
from logradar.serving.api.context import Context
from logradar.serving.api.cookies import secret_in
from logradar.serving.api.doorway import Doorway, began
from logradar.serving.api.guard import Guard
from logradar.serving.api.key_text import INGEST
from logradar.serving.api.openapi import describe
from logradar.serving.api.problems import add_problems
from logradar.serving.api.routes import PREFIX, api_router
from logradar.serving.dashboard.router import dashboard_router
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.routes import ingest_router
from logradar.serving.metrics import Metrics
from logradar.serving.service import Service

DASHBOARD: Final = "/dashboard"
_LIMITS: Final = Limits()


def create_app(service: Service, *, limits: Limits = _LIMITS) -> FastAPI:
    """The application of a service that runs; ``limits`` are those of ingest.

    Its ``state`` has ``service``, ``guard``, ``metrics`` and ``feeds``; a server calls ``feeds.close()`` before it
    waits for open connections, because a feed never ends by itself.
    """
    settings = service.settings
    guard = Guard(service.store, settings.auth, secret=secret_in(settings.home / "session.key"))
    context, metrics = Context(service, guard), Metrics(service)
    app = FastAPI(
        title="LogRadar", version=__version__, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.service, app.state.guard, app.state.metrics, app.state.feeds = service, guard, metrics, context.feeds
    add_problems(app)
    app.add_middleware(Doorway, local=not settings.auth)
    app.include_router(api_router(context, metrics=metrics.text))
    app.include_router(dashboard_router(service, guard))

    @app.get(f"{PREFIX}/openapi.json", dependencies=context.reads, include_in_schema=False)
    def openapi() -> Response:
        """The description of the API."""
        return answer(_described(app))

    def counted(protocol: str, records: int, length: int, rejected: int) -> None:
        metrics.ingested(protocol, records, length, rejected, seconds=time.monotonic() - began.get(time.monotonic()))

    async def to_dashboard(request: Request) -> Response:
        return RedirectResponse(DASHBOARD, 303)

    app.include_router(
        ingest_router(service.log, limits, authorize=guard.require(INGEST), on_counts=counted, page=to_dashboard)
    )
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = describe(app)
    return app.openapi_schema
