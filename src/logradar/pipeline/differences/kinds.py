"""Kinds: records with one template, one level and one beginning of a stack trace, counted for every run.

What is in memory are the templates (a limited number) and one row for each kind and run, whatever the size of the input
and in whatever order its batches come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from logradar.core.tables import UNKNOWN, texts_by_id
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.differences.masked_lines import MaskedLines
from logradar.pipeline.differences.runs import Run
from logradar.pipeline.differences.stack_traces import TraceDepth, trace_keys

NO_LEVEL: Final = -1
KIND: Final = ("template_id", "band", "trace")
REST: Final = "(a message that is like none of the most frequent ones)"
_REPEATS: Final = 3  # as often a line is mined at most; the miner asks only what came once, twice or more often


class Miner:
    """Finds the kind of each record; learns from all runs first."""

    def __init__(self, folder: Path) -> None:
        self._miner = TemplateMiner()
        self._lines = MaskedLines(folder)
        self._traces = TraceDepth()

    def learn(self, batches: Iterable[pl.DataFrame]) -> None:
        """See the records of one run; to be called for each run before `freeze`."""
        for batch in batches:
            self._lines.add(self._miner.masked(batch["body"]))
            self._traces.add(batch["body"])

    def freeze(self) -> None:
        """Make the templates of what was seen."""
        for piece in self._lines.pieces():
            often = piece["count"].clip(upper_bound=_REPEATS).to_numpy()
            self._miner.mine(piece["text"].gather(np.repeat(np.arange(len(piece)), often)))
        self._miner.freeze()
        self.depth = self._traces.depth

    @property
    def templates(self) -> dict[int, str]:
        """The text of each template by its id."""
        table = self._miner.templates()
        named = texts_by_id(table)
        return {UNKNOWN: REST, **named}

    def kinds_of(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The columns `KIND` of each record."""
        level = pl.col("level").cast(pl.Int8)
        return batch.select(
            pl.Series("template_id", self._miner.match(self._miner.masked(batch["body"])), pl.Int32),
            ((level - 1) // 4).fill_null(NO_LEVEL).cast(pl.Int8).alias("band"),
            trace_keys(batch["body"], self.depth).alias("trace"),
        )

    def counted(self, batches: Iterable[pl.DataFrame], run: int) -> pl.DataFrame:
        """One row for each kind of a run: `KIND`, ``run``, ``count``, ``first`` and ``last`` (record ids)."""
        total = _counted(pl.DataFrame(schema=_SCHEMA))
        for batch in batches:
            rows = self.kinds_of(batch).with_columns(
                run=pl.lit(run, pl.Int32), count=pl.lit(1, pl.Int64), first=batch["record_id"], last=batch["record_id"]
            )
            total = _counted(pl.concat([total, rows.select(_SCHEMA.keys())]))
        return total


_SCHEMA: Final = {
    "template_id": pl.Int32, "band": pl.Int8, "trace": pl.String, "run": pl.Int32, "count": pl.Int64,
    "first": pl.Int64, "last": pl.Int64,
}  # fmt: skip


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    ends = (pl.col("count").sum(), pl.col("first").min(), pl.col("last").max())
    return rows.group_by(*KIND, "run").agg(ends).sort(*KIND, "run")


def kinds_of(runs: Sequence[Run], miner: Miner) -> pl.DataFrame:
    """The kinds of all runs, one row for each kind and run."""
    for run in runs:
        miner.learn(run.batches())
    miner.freeze()
    return pl.concat([miner.counted(run.batches(), number) for number, run in enumerate(runs)])


def joined(kinds: pl.DataFrame, same: dict[int, int]) -> pl.DataFrame:
    """The kinds after templates got the id of another one that is the same under another name."""
    if not same:
        return kinds
    return _counted(kinds.with_columns(pl.col("template_id").replace(same)))
