"""Feedback: alerts that a person called false alarms, by what is odd about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import Field

from logradar.alerting.signature import Signature
from logradar.core.config import Config, validated
from logradar.core.errors import InputError, did_you_mean

FORMAT = 1
Remains = Callable[[int, Signature], bool]


class Accepted(Config):
    """One alert that was called a false alarm."""

    id: str = Field(min_length=1, description="the alert's id")
    session_id: str = ""
    detector: str = ""
    given: str = Field("", description="when, ISO 8601")
    signature: Signature


class _Document(Config):
    format: int = Field(FORMAT, ge=1, le=FORMAT)
    accepted: tuple[Accepted, ...] = ()


@dataclass(frozen=True)
class Feedback:
    """What was accepted as harmless, in the order in which it was told; one entry for each alert."""

    accepted: tuple[Accepted, ...] = ()

    def __len__(self) -> int:
        return len(self.accepted)

    def silences(self, found: Sequence[Signature | None], normal_without: Remains) -> list[str | None]:
        """For each signature the id of the accepted alert that explains all of it; None where none does.

        ``normal_without(number, accepted)`` says whether the counts of that session are normal once what the accepted
        one had in addition is taken away. One accepted alert has to explain the whole session: two
        accepted oddities that come together are a new one.
        """
        return [
            None
            if one is None
            else next((a.id for a in self.accepted if a.signature.covers(one) and normal_without(i, a.signature)), None)
            for i, one in enumerate(found)
        ]

    def add(self, more: Iterable[Accepted]) -> Feedback:
        """With further alerts; one that was told before is told anew."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        stamped = [entry.model_copy(update={"given": entry.given or now}) for entry in more]
        ids = {entry.id for entry in stamped}
        return replace(self, accepted=(*(a for a in self.accepted if a.id not in ids), *stamped))

    def without(self, ids: Iterable[str]) -> Feedback:
        """Less the alerts of these ids (of the alert, or of its session); `InputError` for one that is not there."""
        gone = set()
        for wanted in ids:
            hit = {a.id for a in self.accepted if wanted in (a.id, a.session_id)}
            if not hit:
                known = did_you_mean(wanted, [a.id for a in self.accepted])
                raise InputError(f"No feedback was given on '{wanted}'; {known}")
            gone |= hit
        return replace(self, accepted=tuple(a for a in self.accepted if a.id not in gone))

    def to_json(self) -> str:
        """The file of a bundle."""
        return json.dumps(
            _Document(accepted=self.accepted).model_dump(mode="json"), indent=1, ensure_ascii=False, sort_keys=True
        )

    @classmethod
    def of_json(cls, text: str) -> Feedback:
        """What `to_json` wrote; `ConfigError` or `ValueError` where it is something else."""
        return cls(validated(_Document, json.loads(text), "feedback").accepted)
