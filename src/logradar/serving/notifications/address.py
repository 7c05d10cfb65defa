"""Address: an endpoint of notifications; a request to it ends in bounded time and can be broken off from outside.

Everything that makes an `Endpoint` safe holds here too: link-local addresses are refused, the connection goes to the
address that was checked, redirects are not followed, and no proxy of the environment is used.
"""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Final, Self

from logradar.alerting.endpoint import SECRET, Endpoint, Reply
from logradar.core.errors import ConfigError
from logradar.core.filenames import readable
from logradar.serving.notifications.news import clipped
from logradar.serving.notifications.settings import checked_url

_REASON: Final = 200  # characters of a problem
_WHOLE: Final = 30.0  # seconds that a request may take in all, however slowly bytes come


class _Line:
    """The connection that is in use, so that another thread can break it off."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: HTTPConnection | None = None
        self.cut_off = False  # the request that is under way
        self.dead = False  # and any other

    def begin(self) -> None:
        with self._lock:
            self.cut_off = self.dead

    def use(self, connection: HTTPConnection | None) -> None:
        with self._lock:
            self._connection = connection
            if self.cut_off:
                self._shut()

    def cut(self, *, for_good: bool = False) -> None:
        with self._lock:
            self.cut_off = True
            self.dead |= for_good
            self._shut()

    def _shut(self) -> None:
        if self._connection is not None and self._connection.sock is not None:
            with suppress(OSError):  # by the plain socket: TLS would wait for an answer
                socket.socket.shutdown(self._connection.sock, socket.SHUT_RDWR)


@dataclass(frozen=True)
class Address(Endpoint):
    """An `Endpoint` for one thread at a time; ``authorization`` is the header of that name, empty: none.

    A request that takes longer than ``whole`` seconds is broken off.
    """

    authorization: str = field(default="", repr=False)
    whole: float = _WHOLE
    _line: _Line = field(default_factory=_Line, repr=False, compare=False)

    @classmethod
    def at(
        cls, url: str, *, variable: str, signed_with: str = "", authorization: str = "", secret: bool = False
    ) -> Self:
        """The address of a URL; raises `ConfigError` without URL and secret in it.

        ``variable`` of the environment is named where a secret is wrong. With ``secret`` plain http is allowed to this
        machine only.
        """
        checked_url(url, secret=secret)
        try:
            one = cls.of(url, signed_with or None)
        except ConfigError as error:
            raise ConfigError(str(error).replace(SECRET, variable)) from None
        object.__setattr__(one, "authorization", authorization)  # before anybody else has it
        return one

    def __repr__(self) -> str:
        return f"Address({self.name})"  # the path may be a secret

    def post(self, body: bytes, delivery: str) -> Reply:
        """Send a JSON document once; ``delivery`` is its id, the same at every try."""
        self._line.begin()
        limit = threading.Timer(self.whole, self._line.cut)
        limit.daemon = True
        limit.start()
        try:
            reply = super().post(body, delivery)
        finally:
            limit.cancel()
            self._line.use(None)
        if self._line.cut_off:  # whatever came until then: half an answer looks like a whole one
            return Reply(None, "broken off" if self._line.dead else f"no whole answer in {self.whole:g} s")
        return Reply(reply.status, self._plain(reply.problem), reply.wait)

    def _plain(self, problem: str) -> str:
        """A reason as one short line. Something that echoes what it gets would have the path in it, a secret maybe."""
        text = " ".join(problem.split()).replace(self.path, "…") if len(self.path) > 1 else " ".join(problem.split())
        return clipped(readable(text), _REASON)

    def hang_up(self) -> None:
        """Break off a request that another thread has sent; there will be no further one."""
        self._line.cut(for_good=True)

    def headers(self, body: bytes, delivery: str, timestamp: int) -> dict[str, str]:
        """The headers of a request at ``timestamp``, seconds since 1970."""
        found = super().headers(body, delivery, timestamp)
        return found | {"Authorization": self.authorization} if self.authorization else found

    def _connection(self) -> HTTPConnection:
        connection = super()._connection()
        self._line.use(connection)
        return connection


def authorization(secret: str) -> str:
    """The header for a secret: ``user:password`` is Basic (RFC 7617), anything else a Bearer token (RFC 6750).

    >>> authorization("abc"), authorization("me:pw")
    ('Bearer abc', 'Basic bWU6cHc=')
    """
    if ":" in secret:
        return f"Basic {base64.b64encode(secret.encode()).decode()}"
    return f"Bearer {secret}"
