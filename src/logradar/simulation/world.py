"""The environment of the services: time, network, disk, broker, tokens, pools, caches, partners.

Everything here can fail in a harmless way (a reset connection, a slow query; at most once per
trace) and, when a fault affects the trace, in the way of that fault.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, TypeVar

from logradar.simulation.scheduler import Scheduler, Steps
from logradar.simulation.trace import Trace

S = TypeVar("S", bound=Callable[..., object])
V = TypeVar("V", int, str)


class World:
    """What all services of one simulation share. ``rate`` is the load relative to 500,000 lines per day."""

    def __init__(self, seed: int, rate: float, scheduler: Scheduler) -> None:
        self.rng = Random(f"{seed}/world")
        self.rate = rate
        self.scheduler = scheduler
        self.pools: dict[str, Pool] = {}

    @property
    def now(self) -> int:
        """Milliseconds since the beginning."""
        return self.scheduler.now

    @property
    def trace(self) -> Trace:
        """The request or job that is running."""
        return self.scheduler.trace

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.rng.random() < probability

    def about(self, ms: float) -> int:
        """A duration near ``ms``: mostly 0.7 to 1.4 times it, never more than 2.2 times."""
        return 1 + int(ms * min(self.rng.lognormvariate(0.0, 0.25), 2.2))

    def work(self, ms: float) -> int:
        """The duration of a step of work inside a service, near ``ms``; no timeout runs during it."""
        return self.trace.fault.stalls(self.trace, self.about(ms))

    def read(self, what: str, value: V) -> V:
        """``value`` as it is read from a table, a form or a message; ``what`` names the value."""
        read: V = self.trace.fault.reads(self.trace, what, value)
        return read

    def stumbles(self, probability: float) -> bool:
        """Whether a harmless problem happens here; each trace has at most one."""
        trace = self.scheduler.trace
        if trace.stumbled or self.rng.random() >= probability:
            return False
        trace.stumbled = True
        return True

    def resets(self, service: str) -> bool:
        """Whether a connection to ``service`` is reset before it is answered."""
        return self.trace.fault.refuses(self.trace, service) or self.stumbles(0.004)

    def token_is_good(self, fresh: bool) -> bool:
        """Whether the token of the current request passes the check; old tokens expire now and then."""
        if self.trace.fault.rejects(self.trace):
            return False
        return fresh or not self.chance(0.05)

    def runs(self, feature: str) -> bool:
        """Whether this request reaches an instance whose release has ``feature``."""
        return self.trace.fault.released(self.trace, feature)

    def deliver(self, steps: Sequence[S]) -> Iterator[S]:
        """Steps of a job as the message broker delivers them."""
        return self.trace.fault.deliver(self.trace, steps)

    def write_file(self, path: str, size: int) -> Steps[int]:
        """Write ``size`` bytes to the simulated disk; returns the ms that it took, or raises `OSError`."""
        took = self.about(20 + size / 4000)
        yield took
        if self.trace.fault.full(self.trace):
            raise OSError(errno.ENOSPC, "No space left on device", path)
        return took


class NoConnection(Exception):
    """No connection of a pool became free in time."""


class Pool:
    """A pool of connections, large enough for the normal load.

    ``seized_by`` is the fault that took all of them.
    """

    def __init__(self, world: World, name: str, size: int, patience: int) -> None:
        self.world, self.name, self.patience = world, name, patience
        self.size = self.free = size + int(size * world.rate)
        self.seized_by = ""
        world.pools[name] = self

    def take(self) -> Steps[int]:
        """Wait for a free connection; returns the ms that it took, or raises `NoConnection` after ``patience``."""
        waited = 0
        while self.free <= 0 or self.seized_by:
            if self.seized_by:
                self.world.trace.strike(self.seized_by)
            if waited >= self.patience:
                raise NoConnection(self.name)
            yield 100
            waited += 100
        self.free -= 1
        return waited

    def give(self) -> None:
        """Put a connection back."""
        self.free += 1


class TooLate(Exception):
    """A dependency did not answer within its timeout."""


class Dependency:
    """A database or a partner's service that answers in about ``typical`` ms."""

    def __init__(self, world: World, name: str, typical: int, timeout: int) -> None:
        self.world, self.name, self.typical, self.timeout = world, name, typical, timeout

    def ask(self) -> Steps[int]:
        """Make one call; returns the ms that it took, or raises `TooLate` after ``timeout``."""
        world = self.world
        took = world.about(self.typical)
        if world.stumbles(0.004):
            took = self.timeout + took if world.chance(0.4) else self.slow + took
        took = world.trace.fault.latency(world.trace, self.name, took, self.timeout)
        if took > self.timeout:
            yield self.timeout
            raise TooLate(self.name)
        yield took
        return took

    @property
    def slow(self) -> int:
        """The ms above which a call counts as slow."""
        return self.typical * 3


class Cache:
    """Answers kept for ``lifetime`` ms."""

    def __init__(self, world: World, lifetime: int) -> None:
        self.world, self.lifetime = world, lifetime
        self._kept: dict[Any, tuple[int, Any]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: object) -> tuple[int, Any] | None:
        """Age in ms and answer, or None when there is none or it is too old."""
        kept = self._kept.get(key)
        if kept is None or self.world.now - kept[0] > self.lifetime:
            return None
        return self.world.now - kept[0], kept[1]

    def put(self, key: object, answer: object) -> None:
        """Keep an answer."""
        self._kept[key] = (self.world.now, answer)

    def sweep(self) -> int:
        """Forget answers that are too old; returns their number."""
        born = self.world.now - self.lifetime
        old = [key for key, (put, _) in self._kept.items() if put < born]
        for key in old:
            del self._kept[key]
        return len(old)
