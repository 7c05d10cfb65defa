"""The faults that can be simulated: each is a small class, and its name is its label.

A new fault is one more class here; it is in `FAULTS` without further code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from types import MappingProxyType
from typing import Any, Final

from logradar.simulation.trace import Fault, S, Trace

ALWAYS: Final = 1_000
BROKERED: Final = frozenset({"order", "payment", "feed", "report"})
SIGNED_IN: Final = frozenset({"search", "recommend", "order", "payment", "cancel", "report"})
VISITORS: Final = SIGNED_IN | {"login", "browse", "feed"}


class SlowDependency(Fault):
    """A database or partner answers so late that its callers reach their timeouts."""

    name = "slow_dependency"
    victims = MappingProxyType(
        {
            "index": frozenset({"search"}),
            "catalogue": frozenset({"browse", "recommend"}),
            "bank": frozenset({"payment", "cancel"}),
        }
    )

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.dependency = rng.choice(list(self.victims))
        self.kinds = self.victims[self.dependency]

    def adopt(self, trace: Trace) -> None:
        trace.left = self.rng.choice([2, ALWAYS])

    def latency(self, trace: Trace, dependency: str, ms: int, timeout: int) -> int:
        if dependency != self.dependency or not trace.left:
            return ms
        trace.left -= 1
        trace.strike(self.name)
        return timeout + ms * 4


class PoolExhausted(Fault):
    """Leaked connections: a pool is empty, and requests wait for it in vain until the episode ends."""

    name = "pool_exhausted"
    stretch = 0.3

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.seizes = rng.choice(["ledger", "index"])


class BadDeploy(Fault):
    """Some instances run a new release that executes other code and writes other messages."""

    name = "bad_deploy"
    victims = MappingProxyType(
        {"ranking": frozenset({"search", "recommend"}), "pricing": frozenset({"order", "cancel"})}
    )

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.feature = rng.choice(list(self.victims))
        self.kinds = self.victims[self.feature]

    def released(self, trace: Trace, feature: str) -> bool:
        if feature != self.feature:
            return False
        trace.strike(self.name)
        return True


class RetryStorm(Fault):
    """A service resets connections again and again; its callers retry until one succeeds."""

    name = "retry_storm"
    kinds = VISITORS
    share = 0.1

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.service = rng.choice(["research", "manager"])

    def adopt(self, trace: Trace) -> None:
        trace.left = self.rng.randint(4, 6)

    def refuses(self, trace: Trace, service: str) -> bool:
        if service != self.service or not trace.left:
            return False
        trace.left -= 1
        trace.strike(self.name)
        return True


class MissingStep(Fault):
    """The broker loses one message: one step of a job is never done, the others are."""

    name = "missing_step"
    kinds = BROKERED
    share = 0.8

    def deliver(self, trace: Trace, steps: Sequence[S]) -> Iterator[S]:
        lost = self.rng.randrange(len(steps))
        for place, step in enumerate(steps):
            if place == lost:
                trace.strike(self.name)
            else:
                yield step


class WrongOrder(Fault):
    """The broker delivers two successive messages in the wrong order."""

    name = "wrong_order"
    kinds = BROKERED
    share = 0.8

    def deliver(self, trace: Trace, steps: Sequence[S]) -> Iterator[S]:
        first = self.rng.randrange(len(steps) - 1)
        yield from steps[:first]
        trace.strike(self.name)
        yield steps[first + 1]
        yield steps[first]
        yield from steps[first + 2 :]


class SilentDrop(Fault):
    """A request stops before its end: no error, no answer, no further line."""

    name = "silent_drop"
    kinds = VISITORS
    share = 0.1

    def adopt(self, trace: Trace) -> None:
        trace.life = self.rng.randint(2, 12)


class DiskFull(Fault):
    """A disk is full: writing fails with an error and a stack trace."""

    name = "disk_full"
    kinds = frozenset({"report", "feed"})
    share = 1.0
    stretch = 3.0

    def full(self, trace: Trace) -> bool:
        trace.strike(self.name)
        return True


class AuthFailures(Fault):
    """A key was rotated wrongly: good tokens are rejected, and new ones too."""

    name = "auth_failures"
    kinds = SIGNED_IN
    share = 0.15

    def adopt(self, trace: Trace) -> None:
        trace.left = self.rng.choice([2, ALWAYS])

    def rejects(self, trace: Trace) -> bool:
        if not trace.left:
            return False
        trace.left -= 1
        trace.strike(self.name)
        return True


class ClockSkew(Fault):
    """The clock of one service is wrong, so that the order of lines by time is wrong."""

    name = "clock_skew"
    stretch = 0.2

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        service = rng.choice(["gateway", "research", "manager"])
        self.skews = (service, rng.choice([-1, 1]) * rng.randint(5_000, 90_000))


class WrongValue(Fault):
    """A value is wrong where it is read; all messages and their order are normal, only the value is not."""

    name = "wrong_value"
    victims = MappingProxyType({"amount": "payment", "pieces": "browse", "carrier": "order"})

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.what = rng.choice(list(self.victims))
        self.kinds = frozenset({self.victims[self.what]})

    def reads(self, trace: Trace, what: str, value: Any) -> Any:
        if what != self.what:
            return value
        trace.strike(self.name)
        return "unknown" if isinstance(value, str) else (value + 7) * self.rng.choice([1_000, 4_096])


class WrongDelay(Fault):
    """A host freezes in the middle of a step and then continues; no timeout was running."""

    name = "wrong_delay"
    kinds = frozenset({"login", "search", "order", "payment", "cancel", "report", "feed"})
    share = 0.2

    def adopt(self, trace: Trace) -> None:
        trace.left = 1

    def stalls(self, trace: Trace, ms: int) -> int:
        if not trace.left or self.rng.random() < 0.5:
            return ms
        trace.left = 0
        trace.strike(self.name)
        return ms + self.rng.randint(40_000, 240_000)


FAULTS: Final = MappingProxyType({fault.name: fault for fault in Fault.__subclasses__()})
