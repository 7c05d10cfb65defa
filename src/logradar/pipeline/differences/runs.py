"""Runs: the sides of a difference, each the records of an input or of a part of it by time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl

from logradar.core.errors import DataError
from logradar.core.formatting import moment
from logradar.sources.opening.opening import InputSettings
from logradar.storage.records import Corpus, collect, opening

COLUMNS: Final = ("record_id", "timestamp", "level", "body")


@dataclass(frozen=True)
class Run:
    """Records of one side: those of ``corpus`` from the time ``since`` on and before ``until``; None is no limit.

    With a limit, records without a time belong to no run.
    """

    name: str
    corpus: Corpus
    since: datetime | None = None
    until: datetime | None = None

    def batches(self) -> Iterator[pl.DataFrame]:
        """The columns `COLUMNS` of its records, in order of their ids."""
        for table in self.corpus.scan(list(COLUMNS)):
            frame = pl.from_arrow(table)
            assert isinstance(frame, pl.DataFrame)
            if self.since is not None:
                frame = frame.filter(pl.col("timestamp") >= self.since)
            if self.until is not None:
                frame = frame.filter(pl.col("timestamp") < self.until)
            if len(frame):
                yield frame

    def span(self) -> tuple[datetime | None, datetime | None]:
        """The first and the last time of its records, UTC; None where no record has one."""
        ends = [(frame["timestamp"].min(), frame["timestamp"].max()) for frame in self.batches()]
        known = [end for pair in ends for end in pair if isinstance(end, datetime)]
        return min(known, default=None), max(known, default=None)

    def ends(self) -> frozenset[int]:
        """The id of the last record of each file, which may be cut off."""
        last: dict[str, int] = {}
        for table in self.corpus.scan(["record_id", "source"]):
            frame = pl.from_arrow(table)
            assert isinstance(frame, pl.DataFrame)
            rows = frame.group_by(pl.col("source").cast(pl.String)).agg(pl.col("record_id").max())
            last |= dict(rows.iter_rows())
        return frozenset(last.values())


def runs_of(specs: list[str], settings: InputSettings, home: Path, output: Path | None, stack: ExitStack) -> list[Run]:
    """One run for each INPUT; they can be read until ``stack`` ends. Raises `InputError` where one cannot be read."""
    found = []
    for number, spec in enumerate(specs):
        opened = stack.enter_context(opening(spec, settings, home / f"run-{number}", outputs=[output]))
        found.append(Run(spec, collect(*opened)))
    return found


def parts_of(run: Run, before: datetime, after: datetime) -> list[Run]:
    """The part of a run before a time, and its part from another time on. Raises `DataError` where one is empty."""
    good = Run(f"{run.name} before {moment(before.isoformat())}", run.corpus, None, before)
    bad = Run(f"{run.name} from {moment(after.isoformat())}", run.corpus, after, None)
    for part, option in ((good, "--before"), (bad, "--after")):
        if next(part.batches(), None) is None:
            raise DataError(f"{option} leaves no record of '{run.name}' with a time; {_span(run)}")
    return [good, bad]


def _span(run: Run) -> str:
    first, last = run.span()
    if first is None or last is None:
        return "no time could be read from it."
    return f"its records go from {moment(first.isoformat())} to {moment(last.isoformat())}."
