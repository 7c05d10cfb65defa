"""A trace (one request or job) and the fault that may strike it.

`Fault` is the promise of all faults and, as it stands, the one that does nothing. The
simulated surroundings (disk, network, broker, …) ask the trace's fault at the place where
things can go wrong; services know nothing of faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, ClassVar, Final, TypeVar

S = TypeVar("S", bound=Callable[..., object])

FOREVER: Final = 1 << 60


class Trace:
    """One request or background job: its id, its kind, and what went wrong with it.

    ``struck`` is the ground truth: the name of the fault that changed what this trace did,
    written by the code path that misbehaved, empty for a normal trace.
    """

    __slots__ = ("fault", "key", "kind", "latest", "left", "life", "over", "struck", "stumbled")

    def __init__(self, key: str, kind: str) -> None:
        self.key, self.kind = key, kind
        self.fault: Fault = NORMAL
        self.struck = ""
        self.stumbled = False  # a harmless oddity (one retry, one slow call) comes at most once per trace
        self.latest = 0  # latest time stamped on one of its lines
        self.left = 0  # how often its fault will still strike
        self.life = FOREVER  # turns until it stops silently
        self.over = False

    def strike(self, fault: str) -> None:
        """Note that ``fault`` changed what this trace does; the first fault stays."""
        self.struck = self.struck or fault


class Fault:
    """One episode of a kind of fault; each hook answers what the surroundings do to a victim.

    A fault overrides the hooks of its kind and calls `Trace.strike` where it really changes
    something. ``rng`` chooses the variant of this episode (which dependency, which service).

    ``name`` is the label; ``share`` of the requests of ``kinds`` that begin during the episode
    are victims; ``stretch`` multiplies the length of the episode; ``seizes`` names a connection
    pool that is empty meanwhile; ``skews`` is a service and how far its clock is off in ms.
    """

    name: ClassVar[str] = ""
    share: ClassVar[float] = 0.4
    stretch: ClassVar[float] = 1.0
    kinds: frozenset[str] = frozenset()
    seizes: str = ""
    skews: tuple[str, int] = ("", 0)

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def adopt(self, trace: Trace) -> None:
        """A request became a victim: prepare it."""

    def latency(self, trace: Trace, dependency: str, ms: int, timeout: int) -> int:
        """How long ``dependency`` takes; more than ``timeout`` means that nobody waits for it."""
        return ms

    def refuses(self, trace: Trace, service: str) -> bool:
        """Whether ``service`` resets this connection."""
        return False

    def deliver(self, trace: Trace, steps: Sequence[S]) -> Iterator[S]:
        """The steps of a job as the message broker hands them out, one by one."""
        return iter(steps)

    def rejects(self, trace: Trace) -> bool:
        """Whether the token check says no."""
        return False

    def full(self, trace: Trace) -> bool:
        """Whether the disk has no room for this write."""
        return False

    def released(self, trace: Trace, feature: str) -> bool:
        """Whether this request meets an instance that already runs a new release."""
        return False

    def stalls(self, trace: Trace, ms: int) -> int:
        """How long a step of work inside a service takes."""
        return ms

    def reads(self, trace: Trace, what: str, value: Any) -> Any:
        """The value that arrives where ``what`` is read."""
        return value


NORMAL: Final = Fault(Random(0))
