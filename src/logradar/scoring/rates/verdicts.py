"""Verdicts: what is unusual in one bucket of time, a storm over many messages of a service taken as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from logradar.model.rates.judge import DROP, RISE, SILENCE, Judge, Judged, probability_of_new, rejected
from logradar.model.rates.profile import WHOLE
from logradar.parsing.bucket_counts import Cell

_MANY: Final = 5  # services of the log, or missing templates of a service, beyond which they are one change
_RISING: Final = 2  # templates of a service that come too often, beyond which they are one change
_SHARE: Final = 0.8  # of what a service has more, which one template brings alone: then it is a change of the template
_WORST: Final = 5
_STILL: Final = 0.01  # probability below which a change that is there goes on
_LEAST: Final = 1e-300
DAY: Final = 86_400


class Subject(NamedTuple):
    """What a change is about: a template (or `WHOLE`) of a service, or ``many`` services; ``more`` or less of it."""

    many: bool
    service: str | None
    template: int
    more: bool


@dataclass(frozen=True)
class Verdict:
    """What is unusual about a subject in one bucket: ``observed`` and ``expected`` events.

    It began ``span`` buckets ago, with ``seen`` and ``awaited`` events since then, this bucket included. ``record`` is
    one of its records (None: there is none). ``worst`` are templates with what they have more or less.
    """

    subject: Subject
    observed: float
    expected: float
    dispersion: float
    p: float
    new: bool = False
    span: int = 1
    seen: float | None = None
    awaited: float | None = None
    record: int | None = None
    level: int = -1
    worst: tuple[tuple[int, float], ...] = ()

    @property
    def excess(self) -> float:
        """By how much more, or less, there is than expected."""
        return abs(self.observed - self.expected)


def verdicts(judge: Judge, bucket: int, cells: list[Cell], whole: bool, going_on: Collection[Subject]) -> list[Verdict]:
    """What is unusual in a bucket; ``going_on`` are the subjects of changes that are there already.

    The next bucket is judged with what this one says of the load.
    """
    profile = judge.profile
    counts = _counts(judge, cells)
    judged = judge.judge(bucket, counts, whole=whole)
    new = _new(judge, cells)
    if judged.calm and not new:
        judge.follow(bucket, counts)
        return []
    rows = np.flatnonzero(judged.p.min(axis=0, initial=1.0) < 1)
    powers = profile.facts.powers
    p = judged.p.copy()
    for kind, power in ((RISE, powers.rise), (DROP, powers.drop), (SILENCE, powers.silence)):
        p[kind, rows] **= power
    best = p[:, rows].min(axis=0)
    level = min(profile.facts.false_changes_per_day * profile.facts.bucket_seconds / DAY, 0.5)
    every = np.concatenate([best, [one.p for one in new]])
    chosen = rejected(every, len(profile) + len(new), level)
    first = {(cell.service, cell.template): cell for cell in cells}
    of_service: dict[str | None, Cell] = {}
    for cell in cells:
        of_service.setdefault(cell.service, cell)
    found = [one for one, kept in zip(new, chosen[len(rows) :], strict=True) if kept or one.subject in going_on]
    for row, kept in zip(rows.tolist(), chosen[: len(rows)].tolist(), strict=True):
        kind = int(p[:, row].argmin())
        more = kind == RISE
        name, template = profile.facts.services[int(profile.service[row])], int(profile.template[row])
        subject = Subject(False, name, template, more)
        if not kept and not (subject in going_on and p[:, row].min() < _STILL):
            continue
        here = of_service.get(name) if template == WHOLE else first.get((name, template))
        found.append(
            Verdict(
                subject,
                float(counts[row]),
                float(judged.expected[row]),
                float(profile.dispersion[row]),
                max(float(p[kind, row]), _LEAST),
                span=1 if more else int(judged.span[kind, row]),
                seen=None if more else float(judged.seen[kind, row]),
                awaited=None if more else float(judged.awaited[kind, row]),
                record=here.record if here is not None else None,
                level=int(profile.level[row]) if here is None or template == WHOLE else here.level,
            )
        )
    code = {name: place for place, name in enumerate(profile.facts.services)}
    unusual, few = np.zeros(len(code), bool), np.zeros(len(code), bool)
    for one in found:
        if one.subject.template == WHOLE and one.subject.service in code:
            unusual[code[one.subject.service]] = True
            few[code[one.subject.service]] |= not one.subject.more
    judge.follow(bucket, counts, unusual)
    judge.forget(few)
    return list(_together(list(_by_service(judge, found, counts, judged, going_on)), going_on))


def _counts(judge: Judge, cells: list[Cell]) -> np.ndarray:
    """The counts of all series: templates in services, and whole services."""
    number = judge.profile.number
    counts = np.zeros(len(number))
    for cell in cells:
        for template in (cell.template, WHOLE):
            place = number.get((cell.service, template))
            if place is not None:
                counts[place] += cell.count
    return counts


def _new(judge: Judge, cells: list[Cell]) -> list[Verdict]:
    """Verdicts on all that training did not have: a service as a whole, or a template of a service that it had."""
    profile = judge.profile
    sums: dict[tuple[str | None, int], tuple[int, Cell]] = {}
    for cell in cells:
        if (cell.service, cell.template) in profile.number:
            continue
        key = (cell.service, cell.template if (cell.service, WHOLE) in profile.number else WHOLE)
        before = sums.get(key)
        sums[key] = (cell.count + before[0], before[1]) if before else (cell.count, cell)
    if not sums:
        return []
    p = probability_of_new(np.array([count for count, _ in sums.values()], float), profile.buckets)
    rare = p**profile.facts.powers.new
    return [
        Verdict(
            Subject(False, *key, True),
            float(count),
            0.0,
            2.0,
            max(float(chance), _LEAST),
            new=True,
            record=cell.record,
            level=-1 if key[1] == WHOLE else cell.level,
        )
        for (key, (count, cell)), chance in zip(sums.items(), rare, strict=True)
    ]


def _by_service(
    judge: Judge, found: list[Verdict], counts: np.ndarray, judged: Judged, going_on: Collection[Subject]
) -> Iterator[Verdict]:
    """Verdicts on templates, or one on their service where many of them, or all its records, are unusual."""
    groups: dict[tuple[str | None, bool], list[Verdict]] = defaultdict(list)
    for one in found:
        groups[one.subject.service, one.subject.more].append(one)
    for (service, more), group in groups.items():
        subject = Subject(False, service, WHOLE, more)
        own = next((one for one in group if one.subject.template == WHOLE), None)
        parts = sorted((one for one in group if one is not own), key=lambda one: (-one.excess, one.subject.template))
        if own is None and not more:
            own = _silent(judge, parts[0], subject, counts, judged)
        alone = own is not None and more and parts and parts[0].excess >= _SHARE * own.excess
        if not parts or (
            (subject not in going_on or not more)
            and (alone or (own is None and len(parts) <= (_RISING if more else _MANY)))
        ):
            yield from parts if parts else group
            continue
        worst = tuple((one.subject.template, one.excess) for one in parts[:_WORST])
        if own is None:
            row = judge.profile.number.get((service, WHOLE))
            own = replace(
                parts[0],
                subject=subject,
                observed=sum(one.observed for one in parts) if row is None else float(counts[row]),
                expected=sum(one.expected for one in parts) if row is None else float(judged.expected[row]),
                dispersion=parts[0].dispersion if row is None else float(judge.profile.dispersion[row]),
                p=min(one.p for one in parts),
                new=all(one.new for one in parts),
                span=min(one.span for one in parts),
            )
        level = max(one.level for one in (own, *parts))
        yield replace(own, worst=worst, level=level, record=own.record if not parts else parts[0].record)


def _silent(judge: Judge, part: Verdict, subject: Subject, counts: np.ndarray, judged: Judged) -> Verdict | None:
    """A verdict on the service of ``part``, which is missing, where its pause is improbable too."""
    row = judge.profile.number.get((subject.service, WHOLE))
    if row is None or counts[row] or judged.p[SILENCE, row] > _STILL:
        return None
    return replace(
        part,
        subject=subject,
        observed=0.0,
        expected=float(judged.expected[row]),
        dispersion=float(judge.profile.dispersion[row]),
        span=int(judged.span[SILENCE, row]),
        seen=0.0,
        awaited=float(judged.awaited[SILENCE, row]),
        level=-1,
    )


def _together(found: list[Verdict], going_on: Collection[Subject]) -> Iterator[Verdict]:
    """Verdicts as they are, or one on the log where many services are unusual at once."""
    for more in (True, False):
        group = [one for one in found if one.subject.more is more]
        services = {one.subject.service for one in group}
        subject = Subject(True, None, WHOLE, more)
        if len(services) <= _MANY and not (subject in going_on and group):
            yield from group
            continue
        first = min(group, key=lambda one: one.p)
        yield replace(
            first,
            subject=subject,
            observed=sum(one.observed for one in group),
            expected=sum(one.expected for one in group),
            new=all(one.new for one in group),
            span=1,
            seen=None,
            awaited=None,
            level=max(one.level for one in group),
            worst=(),
        )
