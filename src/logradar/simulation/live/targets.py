"""Targets: where records go, by the scheme of a URL, and what the other side said.

OTLP and Loki are acknowledged by an answer. Syslog has no acknowledgement: written to the connection, or to the
network by UDP, counts as acknowledged, and where a TCP connection breaks the records of the last call are sent again.
"""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, RemoteDisconnected
from typing import Final, NamedTuple, Protocol
from urllib.parse import SplitResult, urlsplit

from logradar import __version__
from logradar.core.errors import ConfigError, did_you_mean
from logradar.simulation.live import encodings
from logradar.simulation.live.records import LiveRecord

KEY: Final = "LOGRADAR_KEY"  # the variable of the environment that holds a key of the service
KINDS: Final = ("http", "https", "loki+http", "loki+https", "syslog+tcp", "syslog+udp")
_SECONDS: Final = 10.0  # for connecting, and for each answer
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_DATAGRAM: Final = 60_000  # bytes; more does not fit into a packet of UDP
_ANSWER: Final = 1 << 16  # bytes of an answer that are read


class Answer(NamedTuple):
    """What became of some records: how many were acknowledged, and whether the rest should be offered again.

    ``wait`` are the seconds that the receiver asks for.
    """

    acknowledged: int
    again: bool = False
    wait: float | None = None
    problem: str = ""


class Target(Protocol):
    """Takes records; one thread calls it."""

    def deliver(self, records: Sequence[LiveRecord]) -> Answer:
        """Send these records once."""

    def close(self) -> None:
        """Let go of the connection, once the other side has what was sent."""


def target_of(url: str, encoding: str = "json") -> Target:
    """The target of a URL. Raises `ConfigError` for one that is none; nothing is sent yet."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ConfigError(f"--to: this is no URL ({error}).") from None
    if parts.scheme not in KINDS:
        raise ConfigError(
            f"--to: the URL begins with '{parts.scheme or url[:20]}', {did_you_mean(parts.scheme, KINDS)}"
        )
    if not host or parts.username is not None:
        raise ConfigError(f"--to: a URL is {parts.scheme}://HOST:PORT; a key is given by the variable {KEY}.")
    if parts.scheme.startswith("syslog"):
        if port is None:
            raise ConfigError(f"--to: name the port of syslog as well, {parts.scheme}://{host}:514.")
        return (_SyslogTcp if parts.scheme == "syslog+tcp" else _SyslogUdp)(host, port)
    if parts.scheme.startswith("loki"):
        return _Http(parts, "/loki/api/v1/push", encodings.loki_json, "application/json")
    if encoding == "protobuf":
        encodings.otlp_protobuf([])
        return _Http(parts, "/v1/logs", encodings.otlp_protobuf, "application/x-protobuf")
    return _Http(parts, "/v1/logs", encodings.otlp_json, "application/json")


class _Http:
    """POSTs compressed bodies over one connection that is kept."""

    def __init__(
        self, parts: SplitResult, path: str, encode: Callable[[Sequence[LiveRecord]], bytes], content: str
    ) -> None:
        assert parts.hostname is not None
        kind = HTTPSConnection if parts.scheme.endswith("https") else HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=_SECONDS)
        self._path = parts.path if parts.path.strip("/") else path
        self._encode, self._json = encode, content.endswith("json")
        self._headers = {
            "Content-Type": content,
            "Content-Encoding": "gzip",
            "User-Agent": f"logradar-simulate/{__version__}",
        }
        if key := os.environ.get(KEY):
            self._headers["Authorization"] = f"Bearer {key}"

    def deliver(self, records: Sequence[LiveRecord]) -> Answer:
        content = gzip.compress(self._encode(records), 1)
        kept = self._connection.sock is not None
        try:
            try:
                response, body = self._post(content)
            except (RemoteDisconnected, ConnectionError):
                self._connection.close()
                if not kept:
                    raise
                response, body = self._post(content)  # the server had closed the connection that was kept
        except (OSError, HTTPException) as error:
            self._connection.close()
            return Answer(0, True, None, str(error) or type(error).__name__)
        if 200 <= response.status < 300:
            rejected = min(len(records), encodings.rejected_in(body, json=self._json))
            return Answer(len(records) - rejected, problem=f"{rejected} rejected" if rejected else "")
        wait = _seconds(response.getheader("Retry-After"))
        reason = body[:200].decode("utf-8", "replace").strip()
        return Answer(0, response.status in _AGAIN, wait, f"status {response.status} {reason}")

    def close(self) -> None:
        self._connection.close()

    def _post(self, content: bytes) -> tuple[HTTPResponse, bytes]:
        self._connection.request("POST", self._path, content, self._headers)
        response = self._connection.getresponse()
        body = response.read(_ANSWER)
        if response.read(1):
            self._connection.close()
        return response, body


class _SyslogTcp:
    """Writes messages with octet counting (RFC 6587)."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._socket: socket.socket | None = None

    def deliver(self, records: Sequence[LiveRecord]) -> Answer:
        data = b"".join(b"%d %b" % (len(text), text) for text in encodings.syslog_messages(records))
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, timeout=_SECONDS)
                self._socket.settimeout(None)  # a receiver under pressure does not read for a while
            self._socket.sendall(data)
        except OSError as error:
            self._drop()
            return Answer(0, True, None, error.strerror or str(error))
        return Answer(len(records))

    def close(self) -> None:
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_WR)
                self._socket.settimeout(_SECONDS)
                while self._socket.recv(_ANSWER):  # until the other side has read all and closes
                    pass
            except OSError:
                pass
        self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _SyslogUdp:
    """Sends each message as a datagram (RFC 5426)."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._socket: socket.socket | None = None

    def deliver(self, records: Sequence[LiveRecord]) -> Answer:
        sent = 0
        try:
            if self._socket is None:
                family, kind, protocol, _, address = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)[0]
                self._socket = socket.socket(family, kind, protocol)
                self._socket.connect(address)
            for text in encodings.syslog_messages(records):
                self._socket.send(text[:_DATAGRAM])
                sent += 1
        except OSError as error:
            return Answer(sent, True, None, error.strerror or str(error))
        return Answer(sent)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _seconds(text: str | None) -> float | None:
    """A Retry-After in seconds; None for a date or anything else."""
    return float(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= 6 else None
