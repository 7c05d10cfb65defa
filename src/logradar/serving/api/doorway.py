"""Doorway: what every request passes: headers for browsers, hosts and sites that are not ours, and faults.

A web page that somebody opens can make their browser send requests to this machine. Without keys the Host header tells
such a page that took on our address (DNS rebinding), and the Origin tells any other one. There is no CORS: no other
site may read an answer.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from contextvars import ContextVar
from typing import Final
from urllib.parse import urlsplit

from fastapi.responses import Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from logradar.serving.api.problems import problem

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
began: ContextVar[float] = ContextVar("began")  # when the request of this context came, in seconds of `time.monotonic`
_log = logging.getLogger(__name__)


class Doorway:
    """Wraps an application; with ``local`` only requests to a loopback address or localhost pass."""

    def __init__(self, app: ASGIApp, *, local: bool) -> None:
        self._app, self._local = app, local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began.set(time.monotonic())
        refused = self._refused(scope)
        if refused is not None:
            await refused(scope, receive, _with_headers(send))
            return
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, _with_headers(sent))
        except Exception:
            _log.exception("A request to %s failed.", scope.get("path"))
            if started:
                raise
            fault = problem(500, "This is a fault of LogRadar; the log of the service says more.")
            await fault(scope, receive, _with_headers(send))

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host")
        if self._local and host is not None and not is_local(host):
            return problem(
                421,
                "Without keys the service answers only at 127.0.0.1 and localhost; to use another name, start it with "
                "--auth.",
            )
        if scope["method"] in _SAFE:
            return None
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit_host(origin) != (host or "").lower()
        if foreign or headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return problem(
                403, "This request comes from a page of another site; send it from here, or without a browser."
            )
        return None


def is_local(host: str) -> bool:
    """Whether a Host header names this machine.

    >>> [is_local(host) for host in ("127.0.0.1:8514", "LOCALHOST", "[::1]:80", "evil.example", "")]
    [True, True, True, False, False]
    """
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    if name.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def urlsplit_host(origin: str) -> str:
    """Host and port of an Origin; empty for one that has none, such as null.

    >>> urlsplit_host("http://localhost:8514"), urlsplit_host("null")
    ('localhost:8514', '')
    """
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    """Adds what browsers should heed, where the answer does not say it itself."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
