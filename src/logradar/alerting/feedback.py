"""Feedback: alerts that a person judged, false alarms and real ones, with the signatures that recognise them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from pydantic import Field

from logradar.alerting.signature import Signature
from logradar.core.config import Config, validated
from logradar.core.documents import parsed
from logradar.core.errors import InputError, did_you_mean

FORMAT = 2  # 1 had false alarms only
MOST_UNSEEN: Final = 20  # messages that are new to the bundle, which one accepted alert may have
Remains = Callable[[int, Signature], bool]


class Accepted(Config):
    """One alert that was judged: a false alarm, or in ``confirmed`` an anomaly; it stands for ``alerts`` of a file."""

    id: str = Field(min_length=1, description="the alert's id")
    session_id: str = ""
    detector: str = ""
    given: str = Field("", description="when, ISO 8601")
    by: str = Field("", description="the call that accepted many at once, such as all-of:ID; --undo takes it")
    alerts: int = Field(1, ge=1, description="how many alerts of the file it explains")
    signature: Signature


class _Document(Config):
    format: int = Field(FORMAT, ge=1, le=FORMAT)
    accepted: tuple[Accepted, ...] = ()
    confirmed: tuple[Accepted, ...] = ()


@dataclass(frozen=True)
class Feedback:
    """The alerts that a person accepted as harmless, and those confirmed as anomalies, oldest first.

    What is like a confirmed one is never silenced by an accepted one.
    """

    accepted: tuple[Accepted, ...] = ()
    confirmed: tuple[Accepted, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.accepted or self.confirmed)

    def __len__(self) -> int:
        return len(self.accepted)

    def silences(self, signatures: Sequence[Signature | None], normal_without: Remains) -> list[str | None]:
        """For each signature the id of the accepted alert that explains it completely, or None.

        ``normal_without(number, accepted)`` says whether the event counts of session ``number`` are normal after the
        additional events of the accepted alert are subtracted. One accepted alert must explain the whole session: two
        accepted deviations in one session are a new one.
        """
        known = self.recognises(signatures, normal_without)
        found = _explained(self.accepted, signatures, normal_without)
        return [None if real is not None else by for real, by in zip(known, found, strict=True)]

    def recognises(self, signatures: Sequence[Signature | None], normal_without: Remains) -> list[str | None]:
        """For each signature the id of the confirmed anomaly that it is like, or None; arguments as for `silences`."""
        return _explained(self.confirmed, signatures, normal_without)

    def too_much(self, signature: Signature, normal: Callable[[Mapping[str, int]], bool]) -> str | None:
        """Why a signature may not be accepted as harmless, as the end of a sentence; None where it may."""
        if len(signature.unseen) > MOST_UNSEEN:
            return (
                f"has {len(signature.unseen)} messages that are not in the training data, and each of them would be "
                "harmless anywhere from now on; train with such logs instead (`logradar train … --from BUNDLE`)"
            )
        hidden = next((c.id for c in self.confirmed if explains(signature, c.signature, normal)), None)
        return hidden and f"would hide alert '{hidden}', which was confirmed as an anomaly; take that back with --undo"

    def add(self, more: Iterable[Accepted]) -> Feedback:
        """The same with ``more`` false alarms; an alert that is in both is replaced by the new one."""
        stamped, ids = _stamped(more)
        return replace(self, accepted=(*(a for a in self.accepted if a.id not in ids), *stamped))

    def confirm(self, more: Iterable[Accepted]) -> Feedback:
        """The same with ``more`` alerts that are real anomalies; as false alarms they are forgotten."""
        stamped, ids = _stamped(more)
        return Feedback(
            tuple(a for a in self.accepted if a.id not in ids),
            (*(a for a in self.confirmed if a.id not in ids), *stamped),
        )

    def without(self, ids: Iterable[str]) -> Feedback:
        """The same without the alerts of these ids; `InputError` for an unknown one.

        An id is that of an alert, of its session, or of a call that accepted many at once (`Accepted.by`).
        """
        gone = set()
        every = (*self.accepted, *self.confirmed)
        for wanted in filter(None, ids):
            hit = {a.id for a in every if wanted in (a.id, a.session_id, a.by)}
            if not hit:
                known = did_you_mean(wanted, [name for a in every for name in (a.id, a.by) if name])
                raise InputError(f"No feedback was given on '{wanted}'; {known}")
            gone |= hit
        accepted, confirmed = ([a for a in some if a.id not in gone] for some in (self.accepted, self.confirmed))
        return Feedback(tuple(accepted), tuple(confirmed))

    def to_json(self) -> str:
        """The content of the file ``feedback.json`` of a bundle."""
        return json.dumps(
            _Document(accepted=self.accepted, confirmed=self.confirmed).model_dump(mode="json"),
            indent=1,
            ensure_ascii=False,
            sort_keys=True,
        )

    @classmethod
    def of_json(cls, text: str) -> Feedback:
        """Read what `to_json` wrote; raises `ConfigError` or `ValueError` where it is something else."""
        read = validated(_Document, dict(parsed(text.encode(), "feedback.json")), "feedback")
        return cls(read.accepted, read.confirmed)


def explains(accepted: Signature, other: Signature, normal: Callable[[Mapping[str, int]], bool]) -> bool:
    """Whether an accepted signature explains all of another one; ``normal`` says whether counts of events are."""
    counts = Counter(other.nearest)
    counts.update(other.added)
    return accepted.covers(other) and accepted.leaves_normal(counts, normal)


def _explained(
    given: Sequence[Accepted], signatures: Sequence[Signature | None], normal_without: Remains
) -> list[str | None]:
    return [
        None
        if one is None
        else next((a.id for a in given if a.signature.covers(one) and normal_without(i, a.signature)), None)
        for i, one in enumerate(signatures)
    ]


def _stamped(more: Iterable[Accepted]) -> tuple[list[Accepted], set[str]]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    stamped = [entry.model_copy(update={"given": entry.given or now}) for entry in more]
    return stamped, {entry.id for entry in stamped}
