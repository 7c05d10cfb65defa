"""Joins rows that belong together: parts of a divided line, or a message and its stack trace."""

from __future__ import annotations

from typing import Final

import polars as pl

# Beginnings of lines that belong to the message before, if nothing else shows it: stack traces and tracebacks.
BELOW: Final = (
    r"^(?:\s+(?:at |\.\.\. |File \x22|Suppressed:|Caused by:)|Caused by: |Traceback \(most recent call last\)"
    r"|\t+\S|    +\S)"
)
# Lines that do not help to detect the format of a file.
NO_START: Final = (
    r"^(?:\s|Caused by:|Traceback \(|\.\.\. [0-9]|[\])}>]|</|[\w.$]+(?:Exception|Error|Throwable)\b|#+\s*$|[-=*]{5,})"
)


# The exception that Python prints after the indented lines of its traceback.
NAMED: Final = r"^[A-Za-z_][\w.]*(?:: |:?$)"
DEEP: Final = r"^(?:\t|    )\s*\S"


Dropped = list[tuple[int, int]]  # for each group that was too long: its first line, number of rows that were dropped


def joined(frame: pl.DataFrame, group: str, separator: str, limit: int) -> tuple[pl.DataFrame, Dropped]:
    """Joins the rows with equal ``group`` into one: their texts are concatenated, other columns have the first value.

    Rows after the first ``limit`` bytes of a group are dropped, except its first row. Returns the frame in order of
    first rows, and what was dropped.
    """
    kept, dropped = bounded(frame, group, limit, len(separator))
    others = [pl.col(name).first() for name in frame.columns if name not in ("text", group)]
    together = kept.group_by(group, maintain_order=True).agg(pl.col("text").str.join(separator), *others)
    return together.select(frame.columns), dropped


def bounded(frame: pl.DataFrame, group: str, limit: int, extra: int = 1) -> tuple[pl.DataFrame, Dropped]:
    """The first rows of each group, with texts of at most ``limit`` bytes together, and what was dropped."""
    if frame.select(pl.col("text").str.len_bytes().sum() + extra * pl.len()).item() <= limit:
        return frame, []
    size = (pl.col("text").str.len_bytes().cast(pl.Int64) + extra).cum_sum().over(group)
    first = pl.int_range(pl.len()).over(group) == 0
    fits = frame.select(fits=(size <= limit) | first)["fits"]
    if fits.all():
        return frame, []
    counts = frame.with_columns(fits=fits).group_by(group, maintain_order=True)
    dropped = counts.agg(pl.col("line").first(), dropped=(~pl.col("fits")).sum()).filter(pl.col("dropped") > 0)
    return frame.filter(fits), dropped.select("line", "dropped").rows()
