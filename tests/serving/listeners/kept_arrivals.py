"""A sink in memory, which can refuse for a while, and waiting for what it shall hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from logradar.serving.arrivals import Arrival
from logradar.serving.ingest.sink import Refused

PATIENCE = 60.0  # seconds; no test takes so long on any machine


class Kept:
    """Keeps what is appended; refuses while ``refusing``."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.sizes: list[int] = []
        self.refusing = False
        self.refusals = 0

    async def append(self, arrivals: list[Arrival]) -> None:
        await asyncio.sleep(0)
        if self.refusing:
            self.refusals += 1
            raise Refused(503, 0, "The disk is full.")
        self.arrivals += arrivals
        self.sizes.append(len(arrivals))

    @property
    def bodies(self) -> list[str]:
        return [arrival.body for arrival in self.arrivals]

    async def holds(self, count: int) -> None:
        await until(lambda: len(self.arrivals) >= count)


async def until(ready: Callable[[], object]) -> None:
    """Wait until ``ready()``; a test fails where that never comes."""
    async with asyncio.timeout(PATIENCE):
        while not ready():
            await asyncio.sleep(0.01)
