"""Feedback: alerts that a person called false alarms, with the signatures by which they are recognised."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import Field

from logradar.alerting.signature import Signature
from logradar.core.config import Config, validated
from logradar.core.documents import parsed
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
    """The alerts that a person accepted as harmless, oldest first, one entry for each alert."""

    accepted: tuple[Accepted, ...] = ()

    def __len__(self) -> int:
        return len(self.accepted)

    def silences(self, signatures: Sequence[Signature | None], normal_without: Remains) -> list[str | None]:
        """For each signature the id of the accepted alert that explains it completely, or None.

        ``normal_without(number, accepted)`` says whether the event counts of session ``number`` are normal after the
        additional events of the accepted alert are subtracted. One accepted alert must explain the whole session: two
        accepted deviations in one session are a new one.
        """
        return [
            None
            if one is None
            else next((a.id for a in self.accepted if a.signature.covers(one) and normal_without(i, a.signature)), None)
            for i, one in enumerate(signatures)
        ]

    def add(self, more: Iterable[Accepted]) -> Feedback:
        """The same with ``more`` alerts; an alert that is in both is replaced by the new one."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        stamped = [entry.model_copy(update={"given": entry.given or now}) for entry in more]
        ids = {entry.id for entry in stamped}
        return replace(self, accepted=(*(a for a in self.accepted if a.id not in ids), *stamped))

    def without(self, ids: Iterable[str]) -> Feedback:
        """The same without the alerts of these ids (of the alert or its session); `InputError` for an unknown id."""
        gone = set()
        for wanted in ids:
            hit = {a.id for a in self.accepted if wanted in (a.id, a.session_id)}
            if not hit:
                known = did_you_mean(wanted, [a.id for a in self.accepted])
                raise InputError(f"No feedback was given on '{wanted}'; {known}")
            gone |= hit
        return replace(self, accepted=tuple(a for a in self.accepted if a.id not in gone))

    def to_json(self) -> str:
        """The content of the file ``feedback.json`` of a bundle."""
        return json.dumps(
            _Document(accepted=self.accepted).model_dump(mode="json"), indent=1, ensure_ascii=False, sort_keys=True
        )

    @classmethod
    def of_json(cls, text: str) -> Feedback:
        """Read what `to_json` wrote; raises `ConfigError` or `ValueError` where it is something else."""
        return cls(validated(_Document, dict(parsed(text.encode(), "feedback.json")), "feedback").accepted)
