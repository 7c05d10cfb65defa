"""Changes: the unusual buckets of one subject, joined to one change as long as they follow each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from logradar.core.tables import RATE_CHANGES, UNKNOWN, conform, empty
from logradar.model.rates.profile import WHOLE, RateProfile
from logradar.scoring.rates.verdicts import Subject, Verdict
from logradar.scoring.rates.wording import reason

Lines = Callable[[list[int]], pa.Table]
QUIET: Final = 5  # buckets without anything unusual, after which a change is over
_CLIPPED: Final = 1_000  # characters of an example
_LESS: Final = 0.1  # of what is expected: less is none
UNSEEN: Final = "(messages that are not in the training data)"
_STATE: Final = pa.schema([pa.field("change", pa.string())])


@dataclass
class OngoingChange:
    """One change. ``first`` and ``last`` are buckets; ``example`` is source, line and body, once it is looked up."""

    subject: Subject
    first: int
    last: int
    observed: float
    expected: float
    dispersion: float
    p: float
    new: bool
    none: bool  # whether the last bucket had none
    level: int
    record: int | None
    worst: list[list[float]]
    begun: int  # bucket in which it was found
    example: list[Any] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Sixteen hex digits of the subject and when it was found."""
        parts = json.dumps([*self.subject, self.begun])
        return hashlib.blake2b(parts.encode(errors="replace"), digest_size=8).hexdigest()


class OngoingChanges:
    """Takes in the verdicts of one bucket after the other; RATE_CHANGES of what is new or longer come from `table`."""

    def __init__(self, profile: RateProfile, texts: Mapping[int, str]) -> None:
        self._profile, self._texts = profile, texts
        self.open: dict[Subject, OngoingChange] = {}
        self._touched: dict[str, OngoingChange] = {}

    def add(self, bucket: int, verdicts: Iterable[Verdict]) -> None:
        """The verdicts of a bucket; changes that had none for five buckets are over."""
        for one in verdicts:
            change = self.open.get(one.subject)
            if change is None:
                seen, awaited = one.observed, one.expected
                if one.seen is not None and one.awaited is not None:
                    seen, awaited = one.seen, one.awaited
                change = OngoingChange(
                    one.subject, bucket - one.span + 1, bucket, seen, awaited, one.dispersion, one.p, one.new,
                    one.observed == 0, one.level, one.record, [list(pair) for pair in one.worst], bucket,
                )  # fmt: skip
                self.open[one.subject] = change
            else:
                self._extend(change, bucket, one)
            self._touched[change.id] = change
        for subject, change in list(self.open.items()):
            if bucket - change.last >= QUIET:
                del self.open[subject]

    def _extend(self, change: OngoingChange, bucket: int, one: Verdict) -> None:
        change.expected += one.expected
        change.observed += one.observed
        change.last, change.none = bucket, one.observed == 0
        change.p, change.level = min(change.p, one.p), max(change.level, one.level)
        change.new = change.new and one.new
        if sum(by for _, by in one.worst) > sum(by for _, by in change.worst):
            change.worst = [list(pair) for pair in one.worst]

    def end(self) -> None:
        """All changes are over: the log was not there for a while."""
        self.open.clear()

    def table(self, lines: Lines) -> pa.Table:
        """RATE_CHANGES that began or went on since the last call; ``lines`` are LOG_RECORDS by record id."""
        touched = list(self._touched.values())
        self._touched = {}
        if not touched:
            return empty(RATE_CHANGES)
        wanted = sorted({one.record for one in touched if one.record is not None and not one.example})
        if wanted:
            found = {row["record_id"]: row for row in lines(wanted).to_pylist()}
            for one in touched:
                row = found.get(one.record) if one.record is not None and not one.example else None
                if row is not None:
                    one.example = [row["source"], row["line"], row["body"][:_CLIPPED]]
        rows = [self._row(one) for one in sorted(touched, key=lambda one: (one.first, one.id))]
        return conform(pa.Table.from_pylist(rows, schema=_WRITTEN), RATE_CHANGES)

    def _row(self, one: OngoingChange) -> dict[str, Any]:
        profile, subject, size = self._profile, one.subject, self._profile.bucket
        source, line, body = one.example or (None, None, None)
        number = None if subject.many else profile.number.get((subject.service, subject.template))
        if not one.example and number is not None and profile.body[number]:
            source, line, body = profile.source[number], int(profile.line[number]), profile.body[number]
        seconds = (one.last + 1 - one.first) * size / 1_000_000
        kind = self._kind(one, number)
        worst = [(int(id_), by) for id_, by in one.worst]
        said = reason(
            kind, one.observed, one.expected, one.dispersion, seconds,
            profile.buckets * profile.facts.bucket_seconds, worst, {UNKNOWN: "not in the training data", **self._texts},
        )  # fmt: skip
        named = subject.template != WHOLE
        about = "many services at once: " if subject.many else ""
        return {
            "change_id": one.id,
            "kind": kind,
            "service": subject.service,
            "template_id": subject.template if named else None,
            "template": self._texts.get(subject.template, UNSEEN) if named else None,
            "level": one.level if one.level >= 0 else None,
            "started_at": one.first * size,
            "last_at": (one.last + 1) * size,
            "found_at": (one.begun + 1) * size,
            "observed": one.observed,
            "expected": one.expected,
            "bucket_seconds": profile.facts.bucket_seconds,
            "p_value": one.p,
            "record_id": one.record if one.example else None,
            "source": source,
            "line": line,
            "body": body,
            "reason": about + said,
        }

    def _kind(self, one: OngoingChange, number: int | None) -> str:
        if one.subject.more:
            return "new" if one.new else "spike"
        if not one.none and one.observed > _LESS * one.expected:
            return "dip"
        steady = one.subject.template == WHOLE or (number is not None and bool(self._profile.regular[number]))
        return "silence" if steady else "gone"

    def state(self) -> pa.Table:
        """The open changes."""
        rows = []
        for one in self.open.values():
            values = {name: getattr(one, name) for name in OngoingChange.__dataclass_fields__}
            rows.append(json.dumps({**values, "subject": list(one.subject)}))
        return pa.table([pa.array(rows, pa.string())], schema=_STATE)

    def restore(self, table: pa.Table) -> None:
        """Take over what `state` gave."""
        for text in table["change"].to_pylist():
            values = json.loads(text)
            change = OngoingChange(**{**values, "subject": Subject(*values["subject"])})
            self.open[change.subject] = change


_WRITTEN: Final = pa.schema(
    [
        _field if _field.type != RATE_CHANGES.field("service").type else pa.field("service", pa.string())
        for _field in RATE_CHANGES
    ]
)


def latest(tables: Iterable[pa.Table]) -> pa.Table:
    """RATE_CHANGES of several steps, each change as it was last, in order of their beginning."""
    whole = pa.concat_tables([empty(RATE_CHANGES), *tables]).unify_dictionaries()
    place = {id_: row for row, id_ in enumerate(whole["change_id"].to_pylist())}
    last = whole.take(pa.array(sorted(place.values()), pa.int64()))
    return last.sort_by([("started_at", "ascending"), ("change_id", "ascending")])
