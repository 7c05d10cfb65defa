"""Turns the lines of one file into records: unwraps them, reads headers, joins lines, reads times and levels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.decoding.timestamps import Clock
from logradar.sources.opening.formats import FIELDS, Format
from logradar.sources.opening.joining import Dropped, bounded, continued, joined, paired
from logradar.sources.opening.reading import Block
from logradar.sources.opening.traces import Traces
from logradar.sources.opening.wrappers import Unwrapping

BLANK: Final = r"^\s*$"
UNTITLED: Final = r"^[ \t]*\n\s*"  # of a message that begins below its header
RETRIED: Final = 10  # lines without the header of a format, after which it is detected again
RARELY: Final = 16_384  # twice as many lines each time that nothing is found, up to so many
EXAMPLES: Final = 20  # of these lines, the last ones, by which it is detected
COLUMNS: Final = ("line", "text", "owner", *FIELDS)
OWNED: Final = ("timestamp", "service", "owner")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Records:
    """Reads the records of one file.

    ``name`` is the name of the file in the quarantine, ``latest`` the time of its last modification (for times
    without a year). ``held`` are the lines of the last record, which the next block may continue.
    """

    format: Format
    name: str
    quarantine: Quarantine
    limits: ReadLimits
    latest: datetime | None = None

    def __post_init__(self) -> None:
        self.clock = Clock(self.latest, self.format.dates)
        self.held = pl.DataFrame()
        self.traces = Traces()
        self._poor, self._counted, self._step = 0, 0, RETRIED  # lines without the header; the last counted one
        self._examples: list[str] = []
        self._owner: dict[str, object] = dict.fromkeys(OWNED)
        wrapper = self.format.wrapper
        self.unwrapping = Unwrapping(wrapper, self.name, self.quarantine, self.limits) if wrapper else None

    def counts(self) -> dict[str, Any]:
        """What is remembered beside the rows that are held back, as JSON values."""
        owner = {**self._owner, "timestamp": _micros(self._owner["timestamp"])}
        return {
            "poor": self._poor,
            "counted": self._counted,
            "step": self._step,
            "examples": self._examples,
            "owner": owner,
        }

    def restore_counts(self, values: dict[str, Any]) -> None:
        """Take over what `counts` gave."""
        self._poor, self._counted, self._step = (int(values[name]) for name in ("poor", "counted", "step"))
        self._examples = [str(text) for text in values["examples"]]
        owner = {name: values["owner"][name] for name in OWNED}
        micros = owner["timestamp"]
        self._owner = {**owner, "timestamp": None if micros is None else _EPOCH + timedelta(microseconds=micros)}

    def of(self, blocks: Iterable[Block]) -> Iterator[pl.DataFrame]:
        """Frames with one row for each record, of at most ``limits.rows`` rows and one block.

        The columns are ``line``, ``text`` (the whole first line), ``owner``, ``timestamp``, ``level``, ``service``,
        ``component``, ``alert`` and ``body``. If a record has no header but others have one, it gets the time and the
        service of the record before it, and ``owner`` is the first line of that record.
        """
        for block, last in _with_last(blocks):
            yield from self.push(block, last)

    def push(self, block: Block, last: bool = False) -> Iterator[pl.DataFrame]:
        """The same for one block. The last record is held back, since the next block may continue it, unless it is
        the ``last`` block."""
        rows = block.frame
        yield from self._push(self.unwrapping.push(rows, last) if self.unwrapping else rows, last)

    def flush(self) -> Iterator[pl.DataFrame]:
        """The record that was held back, if there is one: nothing continues it."""
        yield from self.push(Block(pl.Series("text", [], pl.String), 1), last=True)

    def _push(self, rows: pl.DataFrame, last: bool) -> Iterator[pl.DataFrame]:
        blank = (rows["text"].str.len_bytes() < 64) & rows["text"].str.contains(BLANK)
        rows = rows.filter(~blank) if blank.any() else rows
        rows = self.traces.mark(rows)
        if len(self.held):
            rows = pl.concat([self.held, rows])
            self.held = rows.clear()
        if not len(rows):
            return
        if "jul" in self.format.bodies:
            rows = paired(rows)
        rows = continued(self._read(rows), self.format.joins)
        if not last:
            rows = self._hold(rows)
        if rows["broken"].any():
            bad = rows.filter("broken").select("line", "text")
            self.quarantine.add_lines(self.name, "incomplete JSON object, kept as text", bad.rows())
        if len(rows) and not rows["start"].all():
            rows = self._joined(rows)
        if len(rows):
            yield self._typed(rows)

    def _read(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The fields of the rows; once some did not match the format, it is detected again.

        The line from which on another format holds depends on the lines before it, not on where blocks end: it is the
        first of those that did not match, one after the other, of which a few are held back.
        """
        done: list[pl.DataFrame] = []
        read = self.format.read(rows)
        poor, used = self._poorly_read(read), 0
        while self._poor + len(poor) - used >= self._step:
            used += self._step - self._poor
            place = int(poor[used - 1])
            examples = self._with_examples(read, poor[:used])
            wider = self.format.widened(examples)
            first = self._first_of_run(read[: place + 1])
            self._poor, self._examples, self._counted = 0, [], int(read["line"][place])
            if wider is self.format:
                self._step = min(2 * self._step, RARELY)
                continue
            self.format, self._step = wider, RETRIED
            done.append(read[:first])
            rows = rows[first:]
            read = self.format.read(rows)
            poor, used = self._poorly_read(read), 0
        if len(read):
            self._examples = self._with_examples(read, poor[used:])
            self._poor, self._counted = self._poor + len(poor) - used, max(self._counted, int(read["line"][-1]))
        return pl.concat([*done, read]) if done else read

    def _poorly_read(self, read: pl.DataFrame) -> npt.NDArray[np.uint32]:
        """The rows that begin a record, have not the header of the format, and were not counted before."""
        poor = pl.col("start") & pl.col("generic") & (pl.col("line") > self._counted)
        return read.select(poor).to_series().arg_true().to_numpy()

    def _with_examples(self, read: pl.DataFrame, places: npt.NDArray[np.uint32]) -> list[str]:
        """The last examples of rows that did not match: those from before, and those at ``places``."""
        return [*self._examples, *read["text"][places[-EXAMPLES:]].to_list()][-EXAMPLES:]

    def _first_of_run(self, read: pl.DataFrame) -> int:
        """The first of the last rows that did not match, if these are so few that they were held back."""
        poor = read["start"] & read["generic"]
        good = (read["start"] & ~read["generic"]).arg_true()
        run = poor.arg_true()
        run = run.filter(run > good[-1]) if len(good) else run
        return int(run[0]) if 0 < len(run) <= RETRIED and self._step == RETRIED and self.format.bodies else len(read)

    def _hold(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Hold the last record back, because the next block may continue it; so a few that did not match the format."""
        begin = rows["start"].arg_true()
        at = min(int(begin[-1]) if len(begin) else 0, self._first_of_run(rows))
        held = rows[at:].select(name for name in ("line", "text", "time", "origin", "after") if name in rows.columns)
        group = rows["start"][at:].cast(pl.Int64).cum_sum()
        held, dropped = bounded(held.with_columns(group=group), "group", self.limits.record)
        self._report_dropped(dropped)
        self.held = held.drop("group")
        return rows[:at]

    def _joined(self, rows: pl.DataFrame) -> pl.DataFrame:
        group = pl.col("start").cast(pl.Int64).cum_sum()
        rows = rows.with_columns(group=group)
        alone = ~pl.col("start").shift(-1, fill_value=True) | ~pl.col("start")  # rows of records of several lines
        several = rows.with_columns(several=alone)
        whole = several.filter(~pl.col("several")).drop("several", "group")
        parts = several.filter("several").drop("several").rename({"text": "first", "body": "text"})
        together, dropped = joined(parts, "group", "\n", self.limits.record)
        self._report_dropped(dropped)
        together = together.rename({"text": "body", "first": "text"}).select(whole.columns)
        together = together.with_columns(pl.col("body").str.replace(UNTITLED, ""))
        return pl.concat([whole, together]).sort("line")

    def _report_dropped(self, dropped: Dropped) -> None:
        for line, count in dropped:
            reason = "further line of a record that is too long, left out"
            self.quarantine.add(self.name, reason, line=line, count=count)

    def _typed(self, rows: pl.DataFrame) -> pl.DataFrame:
        stamp = rows["timestamp"]
        if "time" in rows.columns:  # the time of the wrapper is complete and in UTC
            stamp = rows["time"].fill_null(stamp)
            rows = rows.with_columns(service=pl.coalesce("service", "origin"))
        rows = rows.with_columns(self.clock.read(stamp).alias("timestamp"), owner="text")
        return self._owned(rows).select(COLUMNS)

    def _owned(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Records without a header get time, service and owner from the record before."""
        bare = rows["bare"]
        if bare.any():
            before = pl.DataFrame([self._owner], {name: rows.schema[name] for name in OWNED})
            known = pl.concat([before, rows.select(OWNED)])
            place = pl.int_range(1, len(rows) + 1, eager=True)
            owners = known[pl.select(pl.when(~bare).then(place).forward_fill().fill_null(0)).to_series()]
            owned = [pl.coalesce(name, owners[name]).alias(name) for name in OWNED if name != "owner"]
            rows = rows.with_columns(*owned, owner=owners["owner"])
        self._owner = rows[-1].select(OWNED).row(0, named=True)
        return rows.with_columns(owner=pl.when("bare").then("owner"))


def _micros(moment: object) -> int | None:
    return (moment - _EPOCH) // timedelta(microseconds=1) if isinstance(moment, datetime) else None


def _with_last(blocks: Iterable[Block]) -> Iterator[tuple[Block, bool]]:
    """Each block, and whether it is the last one."""
    before = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True
