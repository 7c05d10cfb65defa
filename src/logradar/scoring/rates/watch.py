"""RateWatch: counts go in as records arrive, buckets are judged when they are over, RATE_CHANGES come out.

A bucket is judged once, in order of time, when the clock says that it is over. What a watch remembers are the cells of
the buckets that are not over, the load and the pauses, and the changes that go on: its size depends on the bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from heapq import heappop, heappush
from typing import Any, Final

import pyarrow as pa

from logradar.core.tables import RATE_CHANGES, empty
from logradar.model.rates.judge import STATE, Judge
from logradar.model.rates.profile import PAUSE, RateProfile
from logradar.parsing.bucket_counts import BEFORE, BucketCounter, Cell
from logradar.parsing.event_clock import Moments
from logradar.scoring.rates.changes import QUIET, Lines, OngoingChanges
from logradar.scoring.rates.verdicts import verdicts

_STRANGERS: Final = 1_000  # cells of a bucket that training did not have; what is more is not counted
_DISORDER: Final = 0.01  # share of late records beyond which counts say nothing
_SPARED: Final = 10  # late records that any log may have
_FIRST: Final = 100  # records, before which it is not known whether the log is in order of time
_EXAMPLE: Final = ("source", "line", "body")
_CLIPPED: Final = 1_000
Key = tuple[str | None, int]


class RateWatch:
    """Judges new counts by a profile; ``texts`` are the templates by id.

    Where training knew no names of services, all records are of one log, whatever names they have by now: else the
    first shipper that names its service would be new, and the log of training silent.
    """

    def __init__(self, profile: RateProfile, texts: Mapping[int, str]) -> None:
        self.profile = profile
        self._named = any(name is not None for name in profile.facts.services)
        self._judge = Judge(profile)
        self._changes = OngoingChanges(profile, texts)
        self._open: dict[int, dict[Key, Cell]] = {}
        self._strangers: dict[int, int] = {}
        self._tally: dict[int, tuple[int, int]] = {}
        self._closed: list[int] = []  # the buckets of the tally, as a heap
        self._examples: dict[int, dict[str, Any]] = {}
        self._next = self._filled = BEFORE  # bucket to be judged next; the last one that had records
        self._late = self._total = 0
        self._counter = BucketCounter(profile.bucket, profile.lateness)
        self.last = BEFORE  # bucket of the clock
        self.judged = self.disordered = self.strange_hours = 0  # buckets

    def add(self, cells: Iterable[Cell], tally: Iterable[tuple[int, int, int]]) -> None:
        """Cells in order of their first record; ``tally`` are the buckets that were over, late records and all."""
        for one in cells:
            cell = one if self._named or one.service is None else replace(one, service=None)
            inside = self._open.setdefault(cell.bucket, {})
            key = (cell.service, cell.template)
            before = inside.get(key)
            if before is not None:
                inside[key] = Cell(cell.bucket, *key, before.count + cell.count, before.record, before.level)
                continue
            if key not in self.profile.number:
                strangers = self._strangers.get(cell.bucket, 0)
                if strangers >= _STRANGERS:
                    continue
                self._strangers[cell.bucket] = strangers + 1
            inside[key] = cell
        for closed, late, total in tally:
            if closed not in self._tally:
                heappush(self._closed, closed)
            before_late, before_total = self._tally.get(closed, (0, 0))
            self._tally[closed] = before_late + late, before_total + total

    def push(self, moments: Moments, events: pa.Table) -> None:
        """EVENTS in order of arrival with their moments; judges the buckets that are over after them."""
        counts = self._counter.count(
            moments,
            events["service"],
            events["template_id"].to_numpy(),
            events["record_id"].to_numpy(),
            events["level"],
        )
        tally = zip(counts.closed.tolist(), counts.late.tolist(), counts.total.tolist(), strict=True)
        self.add(counts.cells(), tally)
        self.last = max(self.last, counts.last)
        self.advance(counts.over)

    def advance(self, over: int) -> None:
        """Judge the buckets before ``over``; those without any record when it is known how long the pause is."""
        for bucket in sorted(number for number in self._open if number < over):
            self._until(bucket)
            self._judge_one(bucket, whole=self._next == bucket)

    def close(self) -> None:
        """The end of the input: the bucket of the clock, of which the end is missing, can only have too many."""
        self.advance(self.last)
        if self.last in self._open:
            self._until(self.last)
            self._judge_one(self.last, whole=False)
        self._open, self._strangers = {}, {}

    def _until(self, bucket: int) -> None:
        """Judge the buckets without any record before ``bucket``, unless they are a long pause."""
        if self._filled == BEFORE:
            return
        if bucket - self._filled > PAUSE:
            self._judge.pause()
            self._changes.end()
            self._next = BEFORE
            return
        while BEFORE != self._next < bucket:
            self._judge_one(self._next, whole=True)

    def _judge_one(self, bucket: int, whole: bool) -> None:
        while self._closed and self._closed[0] <= bucket:
            late, total = self._tally.pop(heappop(self._closed))
            self._late, self._total = self._late + late, self._total + total
        cells = list(self._open.pop(bucket, {}).values())
        self._strangers.pop(bucket, None)
        if cells:
            self._filled = bucket
        self._next = bucket + 1
        if self._late > _SPARED and self._late > _DISORDER * self._total:
            self.disordered += 1
            self._judge.pause()
            self._changes.end()
            return
        if self._total < _FIRST:
            self._judge.pause()
            return
        if not self.profile.knows(bucket):
            self.strange_hours += 1
            self._judge.pause()
            self._changes.end()
            return
        self.judged += 1
        self._changes.add(bucket, verdicts(self._judge, bucket, cells, whole, self._changes.open))

    @property
    def horizon(self) -> int | None:
        """Event time in microseconds: no change that ended before it goes on. None where nothing is waited for."""
        waiting = [number for number in (self._next, *self._open) if number != BEFORE]
        return (min(waiting) - QUIET - 1) * self.profile.bucket if waiting else None

    def changes(self, lines: Lines) -> pa.Table:
        """RATE_CHANGES that began or went on since the last call; ``lines`` are LOG_RECORDS by record id."""
        return self._changes.table(lines)

    def changes_in(self, records: pa.Table) -> pa.Table:
        """As `changes` of a stream, of which ``records`` is the latest batch; examples of open buckets are kept."""
        first = records["record_id"][0].as_py() if len(records) else 0

        def lines(ids: list[int]) -> pa.Table:
            kept = [self._examples[id_] for id_ in ids if id_ in self._examples]
            here = [id_ - first for id_ in ids if 0 <= id_ - first < len(records)]
            rows = [*kept, *records.take(pa.array(here, pa.int64())).to_pylist()]
            return pa.Table.from_pylist(rows, schema=_PLAIN)

        found = self._changes.table(lines)
        needed = {cell.record for inside in self._open.values() for cell in inside.values()}
        self._examples = {id_: row for id_, row in self._examples.items() if id_ in needed}
        new = sorted(id_ for id_ in needed - set(self._examples) if id_ >= first)
        for row in (
            records.select(["record_id", *_EXAMPLE])
            .take(pa.array([id_ - first for id_ in new], pa.int64()))
            .to_pylist()
        ):
            self._examples[row["record_id"]] = {**row, "body": row["body"][:_CLIPPED]}
        return found

    def notes(self) -> list[str]:
        """Sentences on what could not be judged."""
        if self.disordered:
            return [
                f"{self._late:,} of {self._total:,} records came later than {self.profile.facts.lateness:g} seconds "
                "after their time: the log is not in order of time, and changes of rates are not reported."
            ]
        if self.strange_hours:
            hours = self.strange_hours * self.profile.facts.bucket_seconds / 3600
            return [
                f"{hours:,.1f} hours of the input are at times of the day that training does not have; rates "
                "are not looked for there. Train on a whole day."
            ]
        if self.last == BEFORE:
            return ["The records carry no times, so changes of rates cannot be seen."]
        return []

    def tables(self) -> dict[str, pa.Table]:
        """The state as Arrow tables."""
        judge = self._judge
        cells = [
            {**cell.__dict__, **{name: self._examples.get(cell.record, {}).get(name) for name in _EXAMPLE}}
            for inside in self._open.values()
            for cell in inside.values()
        ]
        tally = [{"closed": closed, "late": late, "total": total} for closed, (late, total) in self._tally.items()]
        facts = {name: getattr(self, name) for name in _FACTS} | {"ahead": self._counter.ahead}
        return {
            "rate-cells": pa.Table.from_pylist(cells, schema=_CELLS),
            "rate-tally": pa.Table.from_pylist(tally, schema=_TALLY),
            "rate-series": pa.table(judge.series()),
            "rate-load": pa.table({"wrote": judge.wrote, "expected": judge.expected}),
            "rate-changes": self._changes.state(),
            "rate-facts": pa.table({name: pa.array([value], pa.int64()) for name, value in facts.items()}),
        }

    def restore(self, tables: dict[str, pa.Table]) -> None:
        """Take over what `tables` gave, for the same profile. Raises `ValueError` where it does not fit."""
        judge, series, load = self._judge, tables["rate-series"], tables["rate-load"]
        if len(series) != judge.sums.size or len(load) != len(self.profile.facts.services):
            raise ValueError("it has other series than the bundle")
        judge.restore({name: series[name].to_numpy() for name in STATE})
        judge.wrote, judge.expected = (load[name].to_numpy().copy() for name in ("wrote", "expected"))
        for row in tables["rate-cells"].to_pylist():
            cell = Cell(*(row[name] for name in Cell.__dataclass_fields__))
            self.add([cell], [])
            if row["body"] is not None:
                self._examples[cell.record] = {name: row[name] for name in _EXAMPLE} | {"record_id": cell.record}
        for row in tables["rate-tally"].to_pylist():
            self._tally[row["closed"]] = row["late"], row["total"]
            heappush(self._closed, row["closed"])
        self._changes.restore(tables["rate-changes"])
        for name in _FACTS:
            setattr(self, name, tables["rate-facts"][name][0].as_py())
        self._counter.ahead = tables["rate-facts"]["ahead"][0].as_py()


_FACTS: Final = ("_next", "_filled", "_late", "_total", "judged", "disordered", "strange_hours", "last")
_PLAIN: Final = pa.schema(
    [("record_id", pa.int64()), ("source", pa.string()), ("line", pa.int64()), ("body", pa.large_string())]
)
_TALLY: Final = pa.schema([("closed", pa.int64()), ("late", pa.int64()), ("total", pa.int64())])
_CELLS: Final = pa.schema(
    [
        ("bucket", pa.int64()),
        ("service", pa.string()),
        ("template", pa.int32()),
        ("count", pa.int64()),
        ("record", pa.int64()),
        ("level", pa.int64()),
        *((name, _PLAIN.field(name).type) for name in _EXAMPLE),
    ]
)
NO_CHANGES: Final = empty(RATE_CHANGES)
