"""Endpoint: one HTTP address that gets documents, signed as Standard Webhooks says.

The address is chosen by the person who starts LogRadar, so addresses inside the own network are allowed. Refused are
other schemes than http and https, logins in the URL, and link-local addresses, where clouds keep credentials. The name
is resolved once for each request and the connection goes to the address that was checked. Redirects are not
followed, and no proxy of the environment is used.

The signature is that of https://www.standardwebhooks.com: HMAC-SHA256 over ``id.timestamp.body``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, Self
from urllib.parse import urlsplit

from logradar import __version__
from logradar.core.errors import ConfigError

SECRET: Final = "LOGRADAR_WEBHOOK_SECRET"  # the variable of the environment
_PREFIX: Final = "whsec_"
_SHORTEST: Final = 16  # bytes of a secret
_SECONDS: Final = 10.0  # for connecting, and for each wait for bytes
_READ: Final = 1024  # bytes of an answer that are read
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Reply:
    """What became of a request: ``status`` is None where no answer came, and ``problem`` says why.

    ``wait`` are the seconds that the server asks for before another try.
    """

    status: int | None
    problem: str = ""
    wait: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the document has arrived."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def again(self) -> bool:
        """Whether another try makes sense."""
        return self.status is None or self.status in _AGAIN


@dataclass(frozen=True)
class Endpoint:
    """Where documents are sent; `of` checks it. ``secret`` signs them; empty: they are not signed."""

    scheme: str
    host: str
    port: int
    path: str
    secret: bytes = b""
    seconds: float = _SECONDS

    @classmethod
    def of(cls, url: str, secret: str | None = None) -> Self:
        """The endpoint of a URL; raises `ConfigError` for one that is not allowed. Nothing is sent yet."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"--webhook: this is no URL ({error}).") from None
        if parts.scheme not in ("http", "https"):
            raise ConfigError(f"--webhook: a URL begins with http:// or https://, not '{parts.scheme or url[:20]}'.")
        if not parts.hostname or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
            raise ConfigError("--webhook: the URL has no host, or has spaces in it.")
        if parts.username is not None or parts.password is not None:
            raise ConfigError(
                f"--webhook: the URL holds a login, which would be seen in lists of processes; sign with {SECRET}."
            )
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not path.isascii():
            raise ConfigError("--webhook: write other letters than those of ASCII with % in the URL.")
        chosen = port or (443 if parts.scheme == "https" else 80)
        return cls(parts.scheme, parts.hostname, chosen, path, _key(secret) if secret else b"")

    @property
    def name(self) -> str:
        """Scheme, host and port: the path may be a secret, so it is never printed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def post(self, body: bytes, delivery: str) -> Reply:
        """Send a JSON document once; ``delivery`` is its id, the same at every try."""
        try:
            connection = self._connection()
        except (OSError, UnicodeError, ValueError) as error:
            return Reply(None, str(error) or type(error).__name__)
        try:
            connection.request("POST", self.path, body, self.headers(body, delivery, int(time.time())))
            response = connection.getresponse()
            response.read(_READ)
            return Reply(response.status, f"status {response.status}", _seconds(response.getheader("Retry-After")))
        except TimeoutError:
            return Reply(None, f"no answer in {self.seconds:g} s")
        except (OSError, HTTPException, ValueError) as error:
            return Reply(None, str(error) or type(error).__name__)
        finally:
            connection.close()

    def headers(self, body: bytes, delivery: str, timestamp: int) -> dict[str, str]:
        """The headers of a request at ``timestamp``, seconds since 1970."""
        found = {
            "Content-Type": "application/json",
            "User-Agent": f"logradar/{__version__}",
            "webhook-id": delivery,
            "webhook-timestamp": str(timestamp),
        }
        if self.secret:
            signed = hmac.new(self.secret, f"{delivery}.{timestamp}.".encode() + body, hashlib.sha256).digest()
            found["webhook-signature"] = f"v1,{base64.b64encode(signed).decode()}"
        return found

    def _connection(self) -> HTTPConnection:
        """A connection to an address of the host that is allowed; raises `OSError`."""
        problem: OSError = OSError("the name has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            if (why := _refused(str(address[0]))) is not None:
                problem = OSError(why)
                continue
            plain = socket.socket(family, kind, protocol)
            try:
                plain.settimeout(self.seconds)
                plain.connect(address)
                if self.scheme == "https":
                    secure = HTTPSConnection(self.host, self.port, timeout=self.seconds)
                    secure.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
                    return secure
                connection = HTTPConnection(self.host, self.port, timeout=self.seconds)
                connection.sock = plain
                return connection
            except OSError as error:
                plain.close()
                problem = error
        raise problem


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            found = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise ConfigError(f"{SECRET} begins with {_PREFIX}, so base64 must follow.") from None
    else:
        found = secret.encode(errors="surrogateescape")
    if len(found) < _SHORTEST:
        raise ConfigError(f"{SECRET} has {len(found)} bytes; a secret needs {_SHORTEST} at least.")
    return found


def _refused(address: str) -> str | None:
    """Why nothing is sent to this address; None where it is allowed."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    for one in (found, inner):
        if one is not None and (one.is_link_local or one.is_multicast or one.is_unspecified):
            return f"the address {address} is link-local or no single host, so nothing is sent to it"
    return None


def _seconds(text: str | None) -> float | None:
    """A Retry-After in seconds; None for a date or anything else."""
    return float(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= 6 else None
