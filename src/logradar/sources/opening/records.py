"""Turns the lines of one file into records: unwraps them, reads headers, joins lines, reads times and levels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.decoding.timestamps import Clock
from logradar.sources.opening.formats import FIELDS, TRIED, Format
from logradar.sources.opening.joining import DEEP, Dropped, bounded, joined
from logradar.sources.opening.reading import Block
from logradar.sources.opening.wrappers import Unwrapping

BLANK: Final = r"^\s*$"
RECHECKED: Final = 200  # rows of a block from which on the format may be detected again
COLUMNS: Final = ("line", "text", "owner", *FIELDS)
OWNED: Final = ("timestamp", "service", "owner")


@dataclass
class Records:
    """Reads the records of one file.

    ``name`` is the name of the file in the quarantine, ``latest`` the time of its last modification (for times
    without a year).
    """

    format: Format
    name: str
    quarantine: Quarantine
    limits: ReadLimits
    latest: datetime | None = None

    def __post_init__(self) -> None:
        self._clock = Clock(self.latest)
        self._held = pl.DataFrame()
        self._deep = 0
        self._owner: dict[str, object] = dict.fromkeys(OWNED)
        wrapper = self.format.wrapper
        self._unwrapping = Unwrapping(wrapper, self.name, self.quarantine, self.limits) if wrapper else None

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
        yield from self._push(self._unwrapping.push(rows, last) if self._unwrapping else rows, last)

    def flush(self) -> Iterator[pl.DataFrame]:
        """The record that was held back, if there is one: nothing continues it."""
        yield from self.push(Block(pl.Series("text", [], pl.String), 1), last=True)

    def _push(self, rows: pl.DataFrame, last: bool) -> Iterator[pl.DataFrame]:
        blank = (rows["text"].str.len_bytes() < 64) & rows["text"].str.contains(BLANK)
        rows = rows.filter(~blank) if blank.any() else rows
        rows = self._with_after(rows)
        if len(self._held):
            rows = pl.concat([self._held, rows])
            self._held = rows.clear()
        if not len(rows):
            return
        rows = self._read(rows)
        if not last:
            rows = self._hold(rows)
        if rows["broken"].any():
            bad = rows.filter("broken").select("line", "text")
            self.quarantine.add_lines(self.name, "incomplete JSON object, kept as text", bad.rows())
        if len(rows) and not rows["start"].all():
            rows = self._joined(rows)
        if len(rows):
            yield self._typed(rows)

    def _with_after(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Adds ``after``: whether the line right before is deeply indented, like the code in a traceback."""
        deep = rows["text"].str.contains(DEEP)
        before = pl.concat([pl.Series([self._deep]), deep.cast(pl.Int64) * rows["line"]])  # its line, or 0
        self._deep = int(before[-1])
        return rows.with_columns(after=(before[:-1] == rows["line"] - 1) & (before[:-1] > 0))

    def _read(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The fields of the rows. If most of them no longer match the format, it is detected again."""
        read = self.format.read(rows)
        mismatched = read.filter("bare", "start")["text"]
        if len(read) < RECHECKED or len(mismatched) < 0.5 * len(read):
            return read
        wider = self.format.widened(mismatched.head(4 * TRIED).to_list())
        if wider is self.format:
            return read
        self.format = wider
        return self.format.read(rows)

    def _hold(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Hold the last record back, because the next block may continue it."""
        begin = rows["start"].arg_true()
        at = int(begin[-1]) if len(begin) else 0
        held = rows[at:].select(name for name in ("line", "text", "time", "origin", "after") if name in rows.columns)
        held, dropped = bounded(held.with_columns(group=0), "group", self.limits.record)
        self._report_dropped(dropped)
        self._held = held.drop("group")
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
        rows = rows.with_columns(self._clock.read(stamp).alias("timestamp"), owner="text")
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


def _with_last(blocks: Iterable[Block]) -> Iterator[tuple[Block, bool]]:
    """Each block, and whether it is the last one."""
    before = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True
