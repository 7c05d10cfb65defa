"""Records: what the shop logs while it runs live, with the times of the wall clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from logradar.simulation.journal import Keeper, ServiceClock
from logradar.simulation.scheduler import Scheduler
from logradar.simulation.trace import Trace
from logradar.sources.opening.levels import PYTHON

_LEVELS: Final = {int(level): number for level, number in PYTHON.items()}


class LiveRecord(NamedTuple):
    """One log record; ``time`` in microseconds since 1970, ``level`` a SeverityNumber, ``trace`` 32 hex digits."""

    service: str
    logger: str
    level: int
    time: int
    trace: str
    text: str


class WallClock:
    """The virtual clock in milliseconds of the wall clock since the beginning."""

    def __init__(self, scheduler: Scheduler, speed: float) -> None:
        self._scheduler, self._speed = scheduler, speed

    @property
    def now(self) -> int:
        """Milliseconds of the wall clock."""
        return int(self._scheduler.now / self._speed)

    @property
    def trace(self) -> Trace:
        """The request or job that is running."""
        return self._scheduler.trace


class LiveKeeper(Keeper):
    """Hands records to ``put`` and the traces that a fault changed to ``on_struck``."""

    def __init__(
        self,
        start: int,
        clock: WallClock,
        services: Iterable[str],
        put: Callable[[LiveRecord], object],
        on_struck: Callable[[str, str], object],
    ) -> None:
        super().__init__(start, clock)
        self.files = {service: ServiceClock() for service in services}
        self._put, self._on_struck = put, on_struck
        self._last = self._count = 0

    def write(self, service: str, record: logging.LogRecord) -> None:
        """Hand on a record of the running trace, with the time of the service's own clock."""
        stamp, line = self.stamped(self.files[service], record)
        self._count = self._count + 1 if stamp == self._last and self._count < 999 else 0
        self._last = stamp
        key = self._clock.trace.key
        time = stamp * 1000 + self._count  # what is of the same millisecond stays in its order
        text = line.partition(f"[trace={key}] ")[2]
        self._put(LiveRecord(service, record.name, _LEVELS[record.levelno], time, trace_id(key, self._start), text))

    def label(self, trace: Trace) -> None:
        """Report a trace that has ended, where a fault changed it."""
        super().label(trace)
        if trace.struck:
            self._on_struck(trace_id(trace.key, self._start), trace.struck)


def trace_id(key: str, start: int) -> str:
    """The key of a trace as W3C Trace Context has it; the ``start`` of the run is in it, so that no two runs share one.

    >>> trace_id("4f2a9c01d2e3b4a5", 1767225600000)
    '0000019b76daa8004f2a9c01d2e3b4a5'
    """
    return f"{start:016x}{key}"
