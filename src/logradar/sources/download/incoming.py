"""Incoming is what a mirror sends: a request with redirects, time limits, and what became of it.

Only the standard library is used. Proxies of the environment (HTTPS_PROXY, NO_PROXY) are, too, but never for this
machine itself.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPErrorProcessor, HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from logradar import __version__
from logradar.core.filenames import readable
from logradar.sources.download.addresses import is_loopback, redirected
from logradar.sources.download.settings import DownloadSettings

_LONGEST: Final = 300  # letters of what is said of a fault
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_OFFLINE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})
_HEADERS: Final = {"User-Agent": f"logradar/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}


class Fault(Exception):
    """Why a try failed. ``again``: another try makes sense, after ``wait`` seconds where the mirror asks for it.

    ``answered`` is false where the mirror sent no reply at all; ``offline`` is true where there seems to be no network.
    """

    def __init__(
        self, text: str, *, again: bool = True, answered: bool = True, offline: bool = False, wait: float = 0
    ) -> None:
        super().__init__(readable(text[:_LONGEST]))  # some of it is what the mirror says
        self.again, self.answered, self.offline, self.wait = again, answered, offline, wait


class Incoming:
    """A reply whose body has not been read yet. ``length`` is None where the mirror does not say how long it is."""

    def __init__(self, response: HTTPResponse, settings: DownloadSettings) -> None:
        self.status = response.status
        self.headers = response.headers
        self.length = response.length
        self.ends_surely = response.chunked or response.length is not None  # else a cut looks like the end
        self._response = response
        self._timeout, self._least = settings.timeout, settings.slowest * settings.timeout
        self._since, self._bytes = time.monotonic(), 0

    def read(self, most: int) -> bytes:
        """Some bytes of the body, as soon as there are any; empty at its end. Raises `Fault`."""
        try:
            data = self._response.read1(most)
        except (OSError, HTTPException, ValueError) as error:
            raise Fault(str(fault_of(error, self._timeout))) from None
        self._bytes += len(data)
        now = time.monotonic()
        if now - self._since >= self._timeout:
            if data and self._bytes < self._least:
                raise Fault(f"only {self._bytes:,} bytes came in {now - self._since:.0f} s")
            self._since, self._bytes = now, 0
        return data

    def fault(self) -> Fault:
        """What a status that brings no file means."""
        wait = self.headers.get("Retry-After") or ""
        seconds = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) <= 6 else 0
        return Fault(f"it answers with status {self.status}", again=self.status in _LATER, wait=seconds)


@contextmanager
def asked(url: str, headers: Mapping[str, str], settings: DownloadSettings) -> Iterator[Incoming]:
    """The reply to a GET of ``url``, past all redirects. Raises `Fault`."""
    for _ in range(settings.redirects + 1):
        response = _opened(url, headers, settings.timeout)
        try:
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or not location:
                yield Incoming(response, settings)
                return
        finally:
            response.close()
        url, why = redirected(url, location, settings.allow_http)
        if why:
            raise Fault(f"it redirects to an address that {why}", again=False)
    raise Fault(f"it redirects more than {settings.redirects} times", again=False)


def fault_of(error: Exception, timeout: float) -> Fault:
    """An error of the network as a `Fault`."""
    reason = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Fault(f"its certificate is not trusted ({reason.verify_message})", again=False)
    if isinstance(reason, TimeoutError):
        return Fault(f"nothing came for {timeout:g} s", answered=False)
    if isinstance(reason, socket.gaierror):
        return Fault(str(reason.strerror), answered=False, offline=True)
    if isinstance(reason, OSError) and reason.errno in _OFFLINE:
        return Fault(str(reason.strerror), answered=False, offline=True)
    text = str(getattr(reason, "strerror", None) or reason or type(reason).__name__)
    return Fault(text, answered=isinstance(reason, HTTPException | ssl.SSLError))


class _Raw(HTTPErrorProcessor):
    """Every status is a reply, not an exception; redirects are followed here and nowhere else."""

    def http_response(self, request: Request, response: Any) -> Any:
        return response

    https_response = http_response


class _Http(HTTPHandler):
    def __init__(self, made: list[HTTPConnection]) -> None:
        super().__init__()
        self._made = made

    def http_open(self, req: Request) -> Any:
        return self.do_open(partial(_noted, self._made, HTTPConnection), req)


class _Https(HTTPSHandler):
    def __init__(self, made: list[HTTPConnection]) -> None:
        super().__init__()
        self._made = made

    def https_open(self, req: Request) -> Any:
        context = ssl.create_default_context()
        return self.do_open(partial(_noted, self._made, HTTPSConnection), req, context=context)


def _noted(made: list[HTTPConnection], kind: type[HTTPConnection], *args: Any, **kwargs: Any) -> HTTPConnection:
    made.append(kind(*args, **kwargs))
    return made[-1]


def _opened(url: str, headers: Mapping[str, str], timeout: float) -> HTTPResponse:
    made: list[HTTPConnection] = []
    opener = OpenerDirector()
    proxies = ProxyHandler({} if is_loopback(urlsplit(url).hostname or "") else None)
    for handler in (proxies, _Http(made), _Https(made), _Raw()):
        opener.add_handler(handler)
    over, late = threading.Event(), threading.Event()
    threading.Thread(target=_watch, args=(made, 2 * timeout, over, late), daemon=True).start()
    try:
        response = opener.open(Request(url, headers={**_HEADERS, **headers}), timeout=timeout)
    except (OSError, HTTPException, ValueError) as error:
        raise fault_of(TimeoutError() if late.is_set() else error, timeout) from None
    finally:
        over.set()
    if late.is_set():
        response.close()
        raise fault_of(TimeoutError(), timeout)
    if not isinstance(response, HTTPResponse):
        raise Fault("the proxy of the environment is of a kind that cannot be used", again=False, answered=False)
    return response


def _watch(made: list[HTTPConnection], seconds: float, over: threading.Event, late: threading.Event) -> None:
    """Ends a request whose reply does not begin in time: a limit for each wait allows one byte a wait for ever."""
    if over.wait(seconds):
        return
    late.set()
    while not over.wait(0.1):
        for connection in made:
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
