"""A trace (one request or job) and the fault that may affect it.

`Fault` is the base class of all faults; its own hooks do nothing. The
simulated environment (disk, network, broker, …) calls the hooks of the trace's fault at the places where
something can fail; the services know nothing about faults.
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
    set by the code that did something wrong; empty for a normal trace.
    """

    __slots__ = ("fault", "key", "kind", "latest", "left", "life", "over", "struck", "stumbled")

    def __init__(self, key: str, kind: str) -> None:
        self.key, self.kind = key, kind
        self.fault: Fault = NORMAL
        self.struck = ""
        self.stumbled = False  # a harmless problem (one retry, one slow call) happens at most once per trace
        self.latest = 0  # latest time stamp of its lines
        self.left = 0  # how often its fault will still affect it
        self.life = FOREVER  # turns until it stops silently
        self.over = False

    def strike(self, fault: str) -> None:
        """Record that ``fault`` changed what this trace does; the first fault is kept."""
        self.struck = self.struck or fault


class Fault:
    """One episode of a kind of fault; each hook says what the environment does to an affected request.

    A fault overrides some hooks and calls `Trace.strike` where it really changes
    something. ``rng`` chooses the variant of this episode (which dependency, which service).

    ``name`` is the label. ``share`` of the requests of ``kinds`` that begin during the episode
    are affected. ``stretch`` multiplies the length of the episode. ``seizes`` names a connection
    pool that is empty meanwhile. ``skews`` is a service and the error of its clock in ms.
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
        """Prepare a request that is affected by this fault."""

    def latency(self, trace: Trace, dependency: str, ms: int, timeout: int) -> int:
        """The ms that ``dependency`` takes; more than ``timeout`` means that its caller gives up."""
        return ms

    def refuses(self, trace: Trace, service: str) -> bool:
        """Whether ``service`` resets this connection."""
        return False

    def deliver(self, trace: Trace, steps: Sequence[S]) -> Iterator[S]:
        """The steps of a job in the order in which the message broker delivers them."""
        return iter(steps)

    def rejects(self, trace: Trace) -> bool:
        """Whether the token check rejects the token."""
        return False

    def full(self, trace: Trace) -> bool:
        """Whether the disk has no room for this write."""
        return False

    def released(self, trace: Trace, feature: str) -> bool:
        """Whether this request reaches an instance that already runs a new release."""
        return False

    def stalls(self, trace: Trace, ms: int) -> int:
        """The ms that a step of work inside a service takes, ``ms`` if nothing is wrong."""
        return ms

    def reads(self, trace: Trace, what: str, value: Any) -> Any:
        """The value that arrives where ``what`` is read."""
        return value


NORMAL: Final = Fault(Random(0))
