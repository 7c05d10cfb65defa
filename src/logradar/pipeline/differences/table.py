"""The table of kinds: how often each came in every good run and in the bad one, and how urgent it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.core.tables import LEVELS
from logradar.core.telling_words import STRONG, weights
from logradar.pipeline.differences.kinds import KIND

BANDS: Final = tuple(LEVELS)
URGENCY: Final = (0.5, 0.5, 1.0, 4.0, 6.0, 8.0)  # of the levels, TRACE to FATAL
ERRORS: Final = 5.0  # urgency from which on a kind is one of errors
WARNINGS: Final = 2.5
_SAID_BY_LEVEL: Final = 0.5  # factor of words where the level says that all is well
_WARN: Final = BANDS.index("WARN")

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class KindTable:
    """One row for each kind: `KIND`, ``template`` (its text), ``urgency``; its counts, and first and last record ids.

    ``counts``, ``first`` and ``last`` have one column for each run, the bad run last; -1 where there is no record.
    """

    kinds: pl.DataFrame
    counts: Counts
    first: Counts
    last: Counts

    @property
    def good(self) -> Counts:
        """Counts in the good runs."""
        return self.counts[:, :-1]

    @property
    def bad(self) -> Counts:
        """Counts in the bad run."""
        return self.counts[:, -1]

    @property
    def urgency(self) -> npt.NDArray[np.float64]:
        """How much a kind matters to a person if it is new: by its level, and by its words."""
        return self.kinds["urgency"].to_numpy()

    @classmethod
    def of(cls, rows: pl.DataFrame, templates: dict[int, str], runs: int) -> KindTable:
        """From the counts of kinds of all runs, in an order that depends on neither runs nor batches."""
        texts = pl.col("template_id").replace_strict(templates, return_dtype=pl.String)
        kinds = rows.select(KIND).unique().with_columns(template=texts).sort("template", "band", "trace")
        kinds = kinds.with_columns(urgency=_urgency(kinds)).with_row_index("kind")
        placed = rows.join(kinds.select("kind", *KIND), on=list(KIND), nulls_equal=True)
        row, run = placed["kind"].to_numpy(), placed["run"].to_numpy()

        def matrix(name: str, empty: int) -> Counts:
            values: npt.NDArray[Any] = np.full((len(kinds), runs), empty, np.int64)
            values[row, run] = placed[name].to_numpy()
            return values

        return cls(kinds, matrix("count", 0), matrix("first", -1), matrix("last", -1))


def _urgency(kinds: pl.DataFrame) -> pl.Series:
    words = pl.max_horizontal(weights(kinds["template"]), pl.when(kinds["trace"] != "").then(STRONG).otherwise(0.0))
    level = pl.col("band").replace_strict(dict(enumerate(URGENCY)), default=1.0, return_dtype=pl.Float64)
    by_words = pl.when(pl.col("band") < 0).then(words).when(pl.col("band") < _WARN).then(words * _SAID_BY_LEVEL)
    return kinds.select(pl.max_horizontal(level, by_words.otherwise(0.0)).alias("urgency")).to_series()
