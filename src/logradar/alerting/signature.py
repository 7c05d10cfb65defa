"""Signature: how a session differs from normal sessions, so that the same deviation is recognised again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from math import gcd
from typing import Annotated, Final

from pydantic import Field

from logradar.core.config import Config

SLACK: Final = 1.25  # factor by which a finding may weigh more than the accepted one
MOST: Final = 10_000  # occurrences of one event, and distinct events; alert files may come from anywhere
_REPETITIONS: Final = 100  # of an accepted deviation that are tried
Event = Annotated[str, Field(pattern=r"^(\?.{1,300}|[0-9]{1,10}|)$")]
Run = tuple[Event, Event]
Times = dict[Event, Annotated[int, Field(ge=-MOST, le=MOST)]]
KIN: Final = 0.1  # share of events in which two normal sessions of the same kind may differ


class Signature(Config):
    """How one session differs from normal sessions, in terms that do not depend on the detector.

    An event is named by its template id, or by ``?`` and its masked text where the training data has no such message.
    ``added`` says how many more (or fewer, below 0) of each event there are than in the ``nearest`` normal session.
    ``runs`` are pairs of events that follow each other here and in no normal session. ``contexts`` are pairs (the event
    before, the event) that follow each other in normal sessions too, but that a detector reported. ``findings`` are the
    weights of what detectors reported about values, by event and reason without numbers. Where normal sessions rarely
    repeat, no normal session is near; then the signature is ``loose`` and ``findings`` holds all that was reported.
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
        """Whether it differs from normal sessions in nothing but its exact sequence."""
        return not (self.added or self.unseen or self.runs or self.contexts or self.findings)

    def covers(self, other: Signature) -> bool:
        """Whether ``other`` has no deviation that this one does not have; counts are compared by `leaves_normal`.

        An unseen message, once accepted, may come before or after any event. Known events may follow each other only
        as in normal sessions or as in this one.
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
        """Whether a session with these ``counts`` of events is normal without the additional events of this one.

        The additional events may occur as often as here or less often: where three repetitions were accepted, one or
        two are too. The rest must be ``normal`` and like ``nearest``: at most a tenth of its events differ.
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
        """The same signature with new names for the events in ``names``."""

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

        parts = [f"{count:+d} {name(event)}" for event, count in self.added.items()]
        parts += [f"unseen {name(event)}" for event in self.unseen if event not in self.added]
        if not parts:
            parts = [f"{name(b)} after {name(a)}" for a, b in self.runs if b not in self.added][:3]
        if not parts:
            parts = [f"{name(b)} after {name(a)} (unusual)" for a, b in self.contexts][:3]
        parts += [key.partition("|")[2] for key in self.findings][:3]
        return "; ".join(parts[:6]) + ("; …" if len(parts) > 6 else "") or "exactly this sequence"
