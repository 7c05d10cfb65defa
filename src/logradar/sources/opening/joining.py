"""Rows that belong together become one: parts of a cut line, a stack trace below its message."""

from __future__ import annotations

from typing import Final

import polars as pl

# How the lines below a message begin where nothing else tells: stack traces and tracebacks.
BELOW: Final = (
    r"^(?:\s+(?:at |\.\.\. |File \x22|Suppressed:|Caused by:)|Caused by: |Traceback \(most recent call last\)"
    r"|\t+\S|    +\S)"
)
# Lines that say nothing about the format of the file when it is worked out.
NO_START: Final = (
    r"^(?:\s|Caused by:|Traceback \(|\.\.\. [0-9]|[\])}>]|</|[\w.$]+(?:Exception|Error|Throwable)\b|#+\s*$|[-=*]{5,})"
)


# How Python names the exception below the indented lines of its traceback.
NAMED: Final = r"^[A-Za-z_][\w.]*(?:: |:?$)"
DEEP: Final = r"^(?:\t|    )\s*\S"


Cut = list[tuple[int, int]]  # for each group that was cut: the line where it begins, how many rows were dropped


def joined(frame: pl.DataFrame, group: str, separator: str, limit: int) -> tuple[pl.DataFrame, Cut]:
    """Rows of equal ``group`` become one: their texts joined, of all else the first.

    Text beyond ``limit`` bytes per group is dropped, but never the first row. Returns the frame
    in order of first rows, and what was dropped.
    """
    kept, cut = bounded(frame, group, limit, len(separator))
    others = [pl.col(name).first() for name in frame.columns if name not in ("text", group)]
    together = kept.group_by(group, maintain_order=True).agg(pl.col("text").str.join(separator), *others)
    return together.select(frame.columns), cut


def bounded(frame: pl.DataFrame, group: str, limit: int, extra: int = 1) -> tuple[pl.DataFrame, Cut]:
    """The rows of each group as long as their texts are at most ``limit`` bytes, and what was dropped."""
    if frame.select(pl.col("text").str.len_bytes().sum() + extra * pl.len()).item() <= limit:
        return frame, []
    size = (pl.col("text").str.len_bytes().cast(pl.Int64) + extra).cum_sum().over(group)
    first = pl.int_range(pl.len()).over(group) == 0
    fits = frame.select(fits=(size <= limit) | first)["fits"]
    if fits.all():
        return frame, []
    counts = frame.with_columns(fits=fits).group_by(group, maintain_order=True)
    cut = counts.agg(pl.col("line").first(), dropped=(~pl.col("fits")).sum()).filter(pl.col("dropped") > 0)
    return frame.filter(fits), cut.select("line", "dropped").rows()
