"""Syslog connection: one TCP sender, from its first byte to its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Protocol

from logradar.serving.listeners.syslog_frames import Frames

_KEEP: Final = getattr(socket, "SO_KEEPALIVE", None)


class Receiver(Protocol):
    """Whoever takes what connections bring."""

    @property
    def full(self) -> bool:
        """Whether connections shall not be read for now."""

    def admit(self, connection: SyslogConnection) -> bool:
        """Whether a new connection may stay."""

    def take(self, messages: list[bytes], peer: str) -> None:
        """Messages of a sender at the address ``peer``."""

    def forget(self, connection: SyslogConnection) -> None:
        """The connection is over; its frames have counted what was cut and incomplete."""


class SyslogConnection(asyncio.Protocol):
    """Divides what comes into messages and hands them on at once; stops reading while the receiver is full."""

    def __init__(self, receiver: Receiver, limit: int, clock: Callable[[], float]) -> None:
        self.frames = Frames(limit)
        self.active = clock()
        self.peer = ""
        self._receiver, self._clock = receiver, clock
        self._transport: asyncio.Transport | None = None
        self._paused = self._over = self._admitted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many already."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        address = transport.get_extra_info("peername")
        self.peer = str(address[0]).partition("%")[0] if isinstance(address, tuple) else ""
        plain = transport.get_extra_info("socket")
        if plain is not None and _KEEP is not None:
            plain.setsockopt(socket.SOL_SOCKET, _KEEP, 1)  # a sender that lost its power is noticed
        self._admitted = self._receiver.admit(self)
        if not self._admitted:
            self._over = True
            transport.abort()
        elif self._receiver.full:
            self._pause()

    def data_received(self, data: bytes) -> None:
        """Hand on the messages that are complete now."""
        if self._over:
            return
        self.active = self._clock()
        if messages := self.frames.feed(data):
            self._receiver.take(messages, self.peer)
        if self._receiver.full:
            self._pause()

    def eof_received(self) -> bool:
        """The sender is done: its last message may have no end mark."""
        self.finish()
        return False

    def connection_lost(self, problem: Exception | None) -> None:
        """What came before the connection broke is kept."""
        self.finish()
        if self._admitted:
            self._receiver.forget(self)

    def finish(self) -> None:
        """Hand on what is there without its end, and close."""
        if self._over:
            return
        self._over = True
        if messages := self.frames.end():
            self._receiver.take(messages, self.peer)
        if self._transport is not None:
            self._transport.close()

    def resume(self) -> None:
        """Read again; time that passed without reading is no silence of the sender."""
        if self._paused and not self._over and self._transport is not None:
            self._paused, self.active = False, self._clock()
            self._transport.resume_reading()

    @property
    def idle(self) -> float:
        """Seconds since something came; 0 where it is not being read."""
        return 0.0 if self._paused else self._clock() - self.active

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
