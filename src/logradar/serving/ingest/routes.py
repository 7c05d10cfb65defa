"""Routes of ingest: a request's way from its body to an answer that may say "kept".

The parser is chosen by the path, never by the Content-Type: some shippers send everything as a form. The answer is 2xx
only after the sink has kept all arrivals of the request; else it has the form that the protocol's clients read.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import anyio.to_thread
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from logradar.serving.ingest import elasticsearch, elasticsearch_start, splunk
from logradar.serving.ingest.bad_body import BadBody
from logradar.serving.ingest.bodies import Budget, read_body
from logradar.serving.ingest.doors import DOORS, Door
from logradar.serving.ingest.inflating import inflated
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.sink import Refused, Sink

Authorize = Callable[[Request], Any]
OnCounts = Callable[[str, int, int, int], object]
Page = Callable[[Request], Awaitable[Response]]
Failure = Callable[[Request, int, str], Response]
_GONE: Final = 499  # nobody reads this answer

_log = logging.getLogger(__name__)


def ingest_router(
    sink: Sink,
    limits: Limits,
    *,
    authorize: Authorize | None = None,
    on_counts: OnCounts | None = None,
    page: Page | None = None,
) -> APIRouter:
    """All paths of all protocols, for one application.

    ``authorize`` gets every request before its body is read and may raise an HTTP exception with status 401 or 403 (it
    may be a coroutine function); `presented_key` finds the secret. ``on_counts`` gets the protocol, the number of
    records kept, the bytes of the body as sent and the number of records rejected, also of refused requests (0
    kept). ``page`` is what a browser gets at ``/``, where Elasticsearch's clients ask for a version.
    """
    ingest = _Ingest(sink, limits, authorize, on_counts)
    routes: list[BaseRoute] = [
        Route(path, ingest.of(door), methods=list(door.methods), include_in_schema=False)
        for door in DOORS
        for path in door.paths
    ]
    start = ingest.guarded(elasticsearch_start.at_start, elasticsearch.failure)
    hec = "/services/collector"
    routes += [
        Route("/", _for_programs(start, page), methods=["GET"], include_in_schema=False),
        *(
            Route(path, start, methods=["GET", "PUT", "POST"], include_in_schema=False)
            for path in elasticsearch_start.PATHS
        ),
        *(
            Route(f"{hec}/health{version}", ingest.guarded(splunk.health, splunk.failure), include_in_schema=False)
            for version in ("", "/1.0")
        ),
        Route(
            f"{hec}/ack",
            ingest.guarded(splunk.no_acknowledgements, splunk.failure),
            methods=["GET", "POST"],
            include_in_schema=False,
        ),
    ]
    return APIRouter(routes=routes)


class _Ingest:
    """What the routes of one application have in common."""

    def __init__(self, sink: Sink, limits: Limits, authorize: Authorize | None, on_counts: OnCounts | None) -> None:
        self._sink, self._limits, self._authorize, self._on_counts = sink, limits, authorize, on_counts
        self._budget = Budget(limits.in_flight_bytes)
        self._one: anyio.CapacityLimiter | None = None  # one large body at a time: it takes many times its bytes

    def of(self, door: Door) -> Page:
        """The endpoint of a protocol."""

        async def endpoint(request: Request) -> Response:
            request.state.began = time.monotonic()
            length, rejected = 0, 0
            try:
                await self._check(request)
                with self._budget.share() as share:
                    raw = await read_body(request, self._limits, share)
                    length = len(raw)
                    decoded = await self._decoded(request, raw, door, share.add)
                    rejected = len(decoded.rejected)
                    if decoded.arrivals:
                        await self._sink.append(decoded.arrivals)
            except (BadBody, Refused, HTTPException) as error:
                self._count(door.protocol, 0, length, rejected)
                return _failed(request, error, door.failure)
            except ClientDisconnect:
                return Response(status_code=_GONE)
            self._count(door.protocol, len(decoded.arrivals), length, rejected)
            if decoded.repaired:
                _log.info("%s: %d texts were not valid UTF-8 and are repaired", door.protocol, decoded.repaired)
            return door.success(request, decoded)

        return endpoint

    def guarded(self, answer: Callable[[Request], Response], failure: Failure) -> Page:
        """An endpoint that reads no body and needs the same key."""

        async def endpoint(request: Request) -> Response:
            try:
                await self._check(request)
            except HTTPException as error:
                return _failed(request, error, failure)
            return answer(request)

        return endpoint

    async def _check(self, request: Request) -> None:
        if self._authorize is not None:
            result = self._authorize(request)
            if inspect.isawaitable(result):
                await result

    async def _decoded(self, request: Request, raw: bytes, door: Door, hold: Callable[[int], None]) -> Any:
        """What the body holds: short ones are read at once, long ones in a thread, one at a time."""
        target = {**request.query_params, **request.path_params}
        encoding = request.headers.get("content-encoding")
        short = self._limits.loop_bytes
        if len(raw) <= short:
            try:
                body = inflated(raw, encoding, short)
            except BadBody as error:
                if error.status != 413:
                    raise
            else:
                return door.decode(body, target, self._limits)
        if self._one is None:
            self._one = anyio.CapacityLimiter(1)
        body = await anyio.to_thread.run_sync(inflated, raw, encoding, self._limits.inflated_bytes, limiter=self._one)
        hold(len(body))
        return await anyio.to_thread.run_sync(door.decode, body, target, self._limits, limiter=self._one)

    def _count(self, protocol: str, records: int, length: int, rejected: int) -> None:
        if self._on_counts is not None:
            self._on_counts(protocol, records, length, rejected)


def _failed(request: Request, error: BadBody | Refused | HTTPException, failure: Failure) -> Response:
    """The answer to a request of which nothing was kept, in the form of its protocol."""
    if isinstance(error, HTTPException):
        answer = failure(request, error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer
    answer = failure(request, error.status, str(error))
    if isinstance(error, Refused):
        answer.headers["Retry-After"] = str(error.retry_after)
    elif error.status in (408, 413):
        answer.headers["Connection"] = "close"  # the rest of the body is not read
    return answer


def _for_programs(answer: Page, page: Page | None) -> Page:
    """The endpoint ``/``: browsers, which ask for HTML, get the page."""

    async def endpoint(request: Request) -> Response:
        if page is not None and "text/html" in request.headers.get("accept", ""):
            return await page(request)
        return await answer(request)

    return endpoint
