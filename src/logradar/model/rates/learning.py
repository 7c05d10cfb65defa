"""Learning: a `RateProfile` of the counts of a training, and how far its probabilities can be believed.

Counts are gone through in order of time, several times. The latest fifth shows what a profile of the other four fifths
calls improbable although it is normal: probabilities are raised to a power that makes the rarest of them as rare as the
budget of false changes wants them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from logradar.model.rates.judge import DROP, KINDS, RISE, SILENCE, Judge, probability_of_new
from logradar.model.rates.profile import HOUR, PAUSE, WHOLE, Powers, RateFacts, RateProfile, named, slot_of
from logradar.model.rates.settings import RateSettings
from logradar.parsing.bucket_counts import BucketTable

Floats = npt.NDArray[np.float64]
Key = tuple[str | None, int]
LEAST_BUCKETS: Final = 60  # an hour of minutes: less is no past to compare with
_MOST_SERIES: Final = 20_000
_LATER: Final = 0.8  # share of the time after which probabilities are tried
_RAREST: Final = (1, 2, 3)  # ranks of the smallest probabilities that decide on a power
_RANKS: Final = (4, 8, 16, 32)  # the same where a few of them may be of real changes
_LEAST_POWER: Final = 0.2
_OUTLIER: Final = 25.0  # times the variance, beyond which a bucket does not count for more


class Stretch(NamedTuple):
    """A bucket and its ``row`` in a table (-1: it has no records).

    ``whole`` where all of its time is in the log: not its first bucket, nor its last.
    """

    bucket: int
    row: int
    whole: bool
    resumed: bool  # the first after a pause


def stretches(table: BucketTable, end: int | None = None) -> Iterator[Stretch]:
    """All buckets before ``end``, those without records too, but for long pauses."""
    waiting: Stretch | None = None
    for row, bucket in enumerate(table.buckets.tolist()):
        if end is not None and bucket >= end:
            break
        resumed = waiting is None or bucket - waiting.bucket > PAUSE
        if waiting is not None:
            yield waiting._replace(whole=waiting.whole and not resumed)
            if not resumed:
                yield from (Stretch(number, -1, True, False) for number in range(waiting.bucket + 1, bucket))
        waiting = Stretch(bucket, row, not resumed, resumed)
    if waiting is not None:
        yield waiting._replace(whole=waiting.whole and end is not None)


def whole_buckets(table: BucketTable, end: int | None) -> tuple[int, int]:
    """How many whole buckets there are before ``end``, and how many records in them."""
    sums = table.sums()
    rows = [one.row for one in stretches(table, end) if one.whole]
    return len(rows), int(sums[[row for row in rows if row >= 0]].sum())


def learn(table: BucketTable, settings: RateSettings, seconds: float, end: int | None) -> RateProfile | None:
    """The profile of buckets of so many ``seconds`` before bucket ``end``; None where there are fewer than 60.

    In place of an example it has the id of a record (as ``line``).
    """
    numbers = [one.bucket for one in stretches(table, end) if one.whole]
    if len(numbers) < LEAST_BUCKETS:
        return None
    cut = numbers[int(len(numbers) * _LATER)]
    profile = _fitted(table, settings, seconds, end)
    some = any(one.whole for one in stretches(table, cut))  # not where a pause begins after the first record
    early = _fitted(table, settings, seconds, cut) if some else profile
    powers = _powers(profile, early, table, cut, end)
    return replace(profile, facts=profile.facts.model_copy(update={"powers": powers}))


class _Counts:
    """The counts of the series of a profile in the buckets of a table: templates in services, and whole services."""

    def __init__(self, table: BucketTable, number: dict[Key, int]) -> None:
        self._size = len(number)
        self._offsets = table.offsets.tolist()
        self._place, self._count = np.asarray(table.place), np.asarray(table.count)  # of files: slices are dear there
        beyond = len(number)
        self._own = np.array([number.get(key, beyond) for key in table.keys], np.int64)
        self._whole = np.array([number.get((key[0], WHOLE), beyond) for key in table.keys], np.int64)

    def of(self, row: int) -> Floats:
        """Those of a row of the table."""
        if row < 0:
            return np.zeros(self._size)
        begin, end = self._offsets[row : row + 2]
        place, count = self._place[begin:end], self._count[begin:end]
        counts: Floats = np.bincount(self._own[place], count, self._size + 1).astype(np.float64)
        counts += np.bincount(self._whole[place], count, self._size + 1)
        return counts[:-1]


def _walked(judge: Judge, table: BucketTable, end: int | None) -> Iterator[tuple[Stretch, Floats]]:
    """The whole buckets with their counts; when the next is asked for, the load has been moved on."""
    counts_of = _Counts(table, judge.profile.number)
    for one in stretches(table, end):
        if one.resumed:
            judge.pause()
        if one.whole:
            counts = counts_of.of(one.row)
            yield one, counts
            judge.follow(one.bucket, counts)


def _fitted(table: BucketTable, settings: RateSettings, seconds: float, end: int | None) -> RateProfile:
    profile = _sums(table, settings, seconds, end)
    gain = np.zeros(len(profile))
    judge = Judge(profile)
    for one, counts in _walked(judge, table, end):
        load = judge.load()[profile.service]
        gain += counts * np.log(load) - profile.rates[:, profile.slot(one.bucket)] * (load - 1)
    profile = replace(profile, follows=gain > 0)
    squares, more, less = np.zeros(len(profile)), np.zeros(len(profile)), np.zeros(len(profile))
    pauses, total, square, longest = (np.zeros(len(profile)) for _ in range(4))
    judge = Judge(profile)
    for one, counts in _walked(judge, table, end):
        ended = np.where(counts > 0, judge.awaited[SILENCE], 0.0)
        expected = judge.judge(one.bucket, counts).expected
        pauses += ended > 0
        total, square, longest = total + ended, square + ended**2, np.maximum(longest, ended)
        squares += np.minimum((counts - expected) ** 2, _OUTLIER * (expected + 0.25 * expected**2))
        more, less = more + expected**2, less + expected
    mean = total / np.maximum(pauses, 1)
    profile = replace(
        profile,
        dispersion=np.maximum(squares - less, 0) / np.maximum(more, 1e-12),
        pauses=pauses.astype(np.int64),
        pause_mean=mean,
        pause_deviation=np.sqrt(np.maximum(square / np.maximum(pauses, 1) - mean**2, 0)),
        longest=longest,
    )
    most = np.zeros(len(profile))
    judge = Judge(profile)
    for one, counts in _walked(judge, table, end):
        judge.judge(one.bucket, counts)
        most = np.maximum(most, judge.sums[DROP])
    return replace(profile, drop_most=most)


def _sums(table: BucketTable, settings: RateSettings, seconds: float, end: int | None) -> RateProfile:
    """A profile with sums, extremes and examples alone."""
    whole = [one for one in stretches(table, end) if one.whole]
    buckets = [one.bucket for one in whole]
    slots = _slots(buckets, seconds)
    keys = _series(table, [one.row for one in whole if one.row >= 0])
    known = sorted({key[0] for key in keys}, key=named)
    counts_of = _Counts(table, {key: place for place, key in enumerate(keys)})
    exposure, shape = np.zeros(slots), (len(keys), slots)
    sums, highest = np.zeros(shape), np.zeros(shape)
    for one in whole:
        slot, counts = slot_of(one.bucket, seconds, slots), counts_of.of(one.row)
        exposure[slot] += 1
        sums[:, slot] += counts
        highest[:, slot] = np.maximum(highest[:, slot], counts)
    facts = RateFacts(
        bucket_seconds=seconds,
        lateness=settings.lateness,
        false_changes_per_day=settings.false_changes_per_day,
        slots=slots,
        exposure=exposure.tolist(),
        services=list(known),
        hours=sorted(range(24) if settings.any_hour else {slot_of(bucket, seconds, 24) for bucket in buckets}),
        powers=Powers(),
        since=_moment(buckets[0] * seconds),
        until=_moment((buckets[-1] + 1) * seconds),
    )
    code = {name: place for place, name in enumerate(known)}
    latest = {key: place for place, key in enumerate(table.keys)}
    for place, key in enumerate(table.keys):
        other = latest.get((key[0], WHOLE))
        if other is None or table.record[place] > table.record[other]:
            latest[key[0], WHOLE] = place
    rows = np.array([latest[key] for key in keys], np.int64)
    template = np.array([key[1] for key in keys], np.int32)
    nothing = np.zeros(len(keys))
    return RateProfile(
        facts,
        np.array([code[key[0]] for key in keys], np.int32),
        template,
        np.where(template == WHOLE, -1, table.level[rows]).astype(np.int8),
        sums,
        highest,
        nothing,
        nothing,
        np.ones(len(keys), bool),
        np.zeros(len(keys), np.int64),
        nothing,
        nothing,
        nothing,
        [""] * len(keys),
        table.record[rows],
        [""] * len(keys),
    )


def _series(table: BucketTable, rows: list[int]) -> list[Key]:
    """The most frequent templates of services in these rows of a table, and the services as a whole; in order."""
    totals = np.zeros(len(table.keys))
    for row in rows:
        begin, end = table.offsets[row : row + 2]
        np.add.at(totals, table.place[begin:end], table.count[begin:end])
    order = np.argsort(-totals, kind="stable")[:_MOST_SERIES]
    chosen = [table.keys[place] for place in order.tolist() if totals[place] > 0]
    every = {*chosen, *((key[0], WHOLE) for key in chosen)}
    return sorted(every, key=lambda key: (named(key[0]), key[1]))


def _slots(buckets: list[int], seconds: float) -> int:
    """168 where most hours of the week come at least twice, 24 where those of the day do, else 1."""
    hours = np.unique(np.array([int(bucket * seconds // HOUR) for bucket in buckets], np.int64))
    for slots in (168, 24):
        times = np.bincount(hours % slots, minlength=slots)
        if (times >= 2).mean() >= 0.9:
            return slots
    return 1


def _powers(profile: RateProfile, early: RateProfile, table: BucketTable, begin: int, end: int | None) -> Powers:
    """How far probabilities go wrong, by kind of change.

    Of rises by ``profile`` over all that was learnt, of the others by ``early`` from bucket ``begin`` on, which it has
    not seen.
    """
    judge = Judge(profile)
    p = [
        judge.judge(one.bucket, counts, guarded=False).p[RISE].min(initial=1.0)
        for one, counts in _walked(judge, table, end)
    ]
    judge = Judge(early)
    strange = np.array([key not in early.number for key in table.keys], bool)
    later: list[tuple[float, ...]] = []
    for one, counts in _walked(judge, table, end):
        smallest = judge.judge(one.bucket, counts).p.min(axis=1, initial=1.0).tolist()
        if one.bucket >= begin:
            cells = slice(*table.offsets[one.row : one.row + 2]) if one.row >= 0 else slice(0, 0)
            new = table.count[cells][strange[table.place[cells]]].astype(np.float64)
            later.append((probability_of_new(new, early.buckets).min(initial=1.0), *smallest))
    unseen = np.array(later).reshape(-1, 1 + KINDS)
    new, _, drop, silence = (_power(kind, len(early), _RAREST) for kind in unseen.T)
    rise = _power(np.array(p), len(profile), _RANKS)
    return Powers(rise=rise, new=new, drop=drop, silence=silence)


def _power(smallest: Floats, tests: int, ranks: tuple[int, ...]) -> float:
    """The power that makes the smallest probabilities of all buckets, by rank, as small as chance makes them."""
    power, ordered = 1.0, np.sort(smallest)
    for rank in ranks:
        if rank <= max(len(ordered) // 50, ranks[0]) <= len(ordered) and ordered[rank - 1] < 1:
            power = min(power, float(np.log(rank / (len(ordered) * max(tests, 1))) / np.log(ordered[rank - 1])))
    return max(power, _LEAST_POWER)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
