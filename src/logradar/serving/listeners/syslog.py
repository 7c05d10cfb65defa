"""Syslog listener: TCP and UDP on one address; what comes is appended to a sink in batches.

Syslog has no acknowledgement: a sender counts a message as delivered once the system has taken its bytes. So TCP is not
read while the sink refuses (the sender waits, and buffers if it can), and a stop appends all that was read. UDP cannot
wait: what comes while too much waits is dropped and counted.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from logradar.core.errors import ConfigError
from logradar.serving.ingest.sink import Sink
from logradar.serving.listeners.batches import Batches
from logradar.serving.listeners.syslog_connection import SyslogConnection
from logradar.serving.listeners.syslog_frames import whole_characters
from logradar.serving.listeners.syslog_message import arrival_of
from logradar.serving.listeners.syslog_settings import SyslogSettings

_QUEUE: Final = 8 << 20  # bytes of datagrams that the system keeps until they are read, if it grants so many
_LOOKS: Final = 4  # for silent connections within the time after which they are closed


class SyslogListener:
    """Listens at ``host`` on the ports ``tcp`` and ``udp`` (0 chooses one, None leaves the protocol out).

    `start` raises `ConfigError` where the address cannot be had. ``ports`` says what was chosen, `counts` what came,
    per protocol: received and appended messages, those cut, incomplete, dropped and lost, refused tries, connections.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        host: str = "127.0.0.1",
        tcp: int | None = 0,
        udp: int | None = 0,
        settings: SyslogSettings | None = None,
    ) -> None:
        self.settings = settings or SyslogSettings()
        self.ports: dict[str, int] = {}
        self._sink, self._host, self._wanted = sink, host, {"tcp": tcp, "udp": udp}
        self._zone = _zone_of(self.settings.zone)
        self._tcp: _TcpSide | None = None
        self._udp: _UdpSide | None = None

    async def start(self) -> None:
        """Listen from now on."""
        try:
            if (port := self._wanted["tcp"]) is not None:
                self._tcp = _TcpSide(self._batches(), self.settings, self._zone)
                self.ports["tcp"] = await self._tcp.start(self._host, port)
            if (port := self._wanted["udp"]) is not None:
                self._udp = _UdpSide(self._batches(), self.settings, self._zone)
                self.ports["udp"] = await self._udp.start(self._host, port)
        except OSError as error:
            await self.stop()
            raise ConfigError(
                f"Syslog cannot listen at {self._host}, port {port} ({error.strerror or error}); choose another."
            ) from None

    async def stop(self) -> None:
        """Take nothing more, append what was read, and end."""
        for side in (self._tcp, self._udp):
            if side is not None:
                await side.stop()

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Figures of each protocol that listens."""
        return {name: side.counts for name, side in (("tcp", self._tcp), ("udp", self._udp)) if side is not None}

    def _batches(self) -> Batches:
        wanted = self.settings
        return Batches(self._sink, most=wanted.batch, seconds=wanted.batch_seconds, bound=wanted.waiting)


@dataclass
class _Side:
    """What both protocols do: messages become arrivals, which go into batches."""

    batches: Batches
    settings: SyslogSettings
    zone: tzinfo
    counted: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> dict[str, int]:
        names = ("received", "cut", "incomplete", "dropped", "connections", "turned_away", "idle_closed")
        found = {name: self.counted[name] for name in names}
        batches = self.batches
        return found | {"appended": batches.appended, "refusals": batches.refusals, "lost": batches.lost}

    @property
    def full(self) -> bool:
        return self.batches.full

    def take(self, messages: list[bytes], peer: str) -> None:
        now = time.time_ns() // 1_000
        self.counted["received"] += len(messages)
        self.batches.add([arrival_of(message, peer, now, zone=self.zone) for message in messages])


@dataclass
class _TcpSide(_Side):
    open: set[SyslogConnection] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _watching: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> int:
        loop = asyncio.get_running_loop()
        self.batches.on_room = self._resume
        self._server = await loop.create_server(
            lambda: SyslogConnection(self, self.settings.message, loop.time), host, port, backlog=128
        )
        self._watching = asyncio.create_task(self._close_idle())
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(self.open):
            connection.finish()
        await self.batches.stop(self.settings.stop_seconds)

    @property
    def counts(self) -> dict[str, int]:
        found = super().counts
        found["cut"] += sum(connection.frames.cut for connection in self.open)
        return found | {"open": len(self.open)}

    def admit(self, connection: SyslogConnection) -> bool:
        if len(self.open) >= self.settings.connections:
            self.counted["turned_away"] += 1
            return False
        self.counted["connections"] += 1
        self.open.add(connection)
        return True

    def forget(self, connection: SyslogConnection) -> None:
        self.open.discard(connection)
        self.counted["cut"] += connection.frames.cut
        self.counted["incomplete"] += connection.frames.incomplete

    def _resume(self) -> None:
        for connection in self.open:
            connection.resume()

    async def _close_idle(self) -> None:
        while True:
            await asyncio.sleep(self.settings.idle_seconds / _LOOKS)
            for connection in list(self.open):
                if connection.idle >= self.settings.idle_seconds:
                    self.counted["idle_closed"] += 1
                    connection.finish()


@dataclass
class _UdpSide(_Side):
    _transport: asyncio.DatagramTransport | None = None

    async def start(self, host: str, port: int) -> int:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), (host, port))
        plain: Any = self._transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _QUEUE)
        return int(plain.getsockname()[1])

    async def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()
        await self.batches.stop(self.settings.stop_seconds)

    def take_one(self, message: bytes, peer: str) -> None:
        """One datagram is one message (RFC 5426, section 3.1)."""
        if not (message := message.rstrip(b"\r\n\0")):
            return
        if self.full:
            self.counted["received"] += 1
            self.counted["dropped"] += 1
            return
        if len(message) > self.settings.message:
            self.counted["cut"] += 1
            message = bytes(whole_characters(bytearray(message[: self.settings.message])))
        self.take([message], peer)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, side: _UdpSide) -> None:
        self._side = side

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._side.take_one(data, str(addr[0]).partition("%")[0])


def _zone_of(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"There is no time zone '{name}'; name one as Europe/Berlin, or UTC.") from None
