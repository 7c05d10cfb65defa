"""Sink: where arrivals go, and how it says that it cannot take more at the moment."""

from __future__ import annotations

from typing import Protocol

from logradar.core.errors import LogRadarError
from logradar.serving.arrivals import Arrival


class Refused(LogRadarError):
    """Arrivals cannot be kept at the moment, and none of them was; the sender tries again later.

    ``status`` is 429 under pressure or 503 where nothing can be written; ``retry_after`` are whole seconds; ``reason``
    is a sentence for the person who reads the sender's log.
    """

    def __init__(self, status: int, retry_after: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.retry_after, self.reason = status, retry_after, reason


class Sink(Protocol):
    """Keeps arrivals; the write-ahead log is one."""

    async def append(self, arrivals: list[Arrival]) -> None:
        """Returns as soon as all arrivals are on disk; raises `Refused` if none of them was kept."""
