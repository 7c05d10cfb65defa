"""Signature: in which ways a session departs from normal ones, so that the same finding is known again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from math import gcd
from typing import Annotated, Final

from pydantic import Field

from logradar.core.config import Config

SLACK: Final = 1.25  # a finding may weigh this much more than the accepted one
MOST: Final = 10_000  # of one event, and of different ones; an alerts file may come from anywhere
_REPETITIONS: Final = 100  # of what was accepted that are looked at
Event = Annotated[str, Field(pattern=r"^(\?.{1,300}|[0-9]{1,10}|)$")]
Run = tuple[Event, Event]
Times = dict[Event, Annotated[int, Field(ge=-MOST, le=MOST)]]
KIN: Final = 0.1  # share of events in which two normal sessions of the same kind may differ


class Signature(Config):
    """What is odd about one session, in terms that do not depend on its detector.

    An event is named by its template id, or by ``?`` and its masked text where training had no such
    message. ``added`` says how many more (or fewer) of each event there are than in the ``nearest`` normal
    session, ``runs`` which events follow each other that never did in a normal one, ``contexts`` the events (with
    the one before) that a detector found odd although they may follow each other, ``findings`` what was said
    of values and, in ``loose`` signatures, of everything: event and reason without numbers, and the weight.
    Logs whose normal sessions seldom repeat have no nearest session worth the name: their signatures are ``loose``.
    """

    bundle: str = Field(description="which bundle the ids belong to")
    sequence: str = Field(description="fingerprint of the exact sequence")
    loose: bool = False
    added: Times = Field(default_factory=dict, max_length=MOST)
    nearest: Times = Field(default_factory=dict, max_length=MOST)
    unseen: tuple[Event, ...] = ()
    runs: tuple[Run, ...] = ()
    contexts: tuple[Run, ...] = ()
    findings: dict[str, float] = Field(default_factory=dict)

    @property
    def bare(self) -> bool:
        """Whether nothing but the exact sequence tells it from a normal session."""
        return not (self.added or self.unseen or self.runs or self.contexts or self.findings)

    def covers(self, other: Signature) -> bool:
        """Whether ``other`` shows nothing beyond this one, its counts left aside: `leaves_normal` compares those.

        An unseen message may come before or after any event once it is accepted; known events may follow each
        other in no new way but the accepted ones.
        """
        if self.bare or other.bare:
            return self.bare and other.bare and self.sequence == other.sequence
        unseen = set(self.unseen)
        return (
            self.loose == other.loose
            and unseen >= set(other.unseen)
            and all(unseen & set(run) for run in set(other.runs) - set(self.runs))
            and set(self.contexts) >= {c for c in other.contexts if c[1] not in self.added}
            and all(weight <= SLACK * self.findings.get(key, -1.0) for key, weight in other.findings.items())
        )

    def leaves_normal(self, counts: Mapping[str, int], normal: Callable[[Mapping[str, int]], bool]) -> bool:
        """Whether a session with these ``counts`` of events is normal but for what this one had in addition.

        That may have come as often as here, or less often (three repetitions accepted are one or two too). What is
        left must be ``normal``, and of the same kind: it differs from ``nearest`` in a tenth of its events at most.
        """
        if self.loose:
            return True
        times = gcd(*self.added.values()) or 1
        times = times if times <= _REPETITIONS else 1
        rest = Counter(counts)
        for _ in range(times):
            rest.subtract({event: count // times for event, count in self.added.items()})
            apart = sum(abs(rest[event] - self.nearest.get(event, 0)) for event in {*rest, *self.nearest})
            if apart <= max(1.0, KIN * sum(self.nearest.values())) and normal(rest):
                return True
        return False

    def renamed(self, names: Mapping[str, str]) -> Signature:
        """The same with other names for some events."""

        def new(event: str) -> str:
            return names.get(event, event)

        return self.model_copy(
            update={
                "added": {new(event): count for event, count in self.added.items()},
                "unseen": tuple(new(event) for event in self.unseen if new(event).startswith("?")),
                "runs": tuple((new(a), new(b)) for a, b in self.runs),
                "contexts": tuple((new(a), new(b)) for a, b in self.contexts),
            }
        )

    def describe(self, texts: dict[int, str]) -> str:
        """One sentence for people; ``texts`` are templates by id."""

        def name(event: str) -> str:
            return f"«{event[1:] if event.startswith('?') else texts.get(int(event), event) if event else 'the end'}»"

        said = [f"{count:+d} {name(event)}" for event, count in self.added.items()]
        said += [f"unseen {name(event)}" for event in self.unseen if event not in self.added]
        said += [f"{name(b)} after {name(a)}" for a, b in self.runs if b not in self.added][:3] if not said else []
        said += [f"{name(b)} after {name(a)} (odd)" for a, b in self.contexts][:3] if not said else []
        said += [key.partition("|")[2] for key in self.findings][:3]
        return "; ".join(said[:6]) + ("; …" if len(said) > 6 else "") or "exactly this sequence"
