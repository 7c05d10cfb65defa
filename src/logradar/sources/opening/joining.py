"""Joins rows that belong together: parts of a divided line, a message and its stack trace, two lines of one entry."""

from __future__ import annotations

import polars as pl

from logradar.sources.opening.header_table.java import FIRST_OF_TWO, SECOND_OF_TWO

NEAR = 200  # lines below a header that may belong to it

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


def paired(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in which an entry of two lines, as java.util.logging writes it, is one text with a line feed."""
    first = rows["text"].str.contains(FIRST_OF_TWO)
    if not first.any():
        return rows
    pair = first & rows["text"].shift(-1).str.contains(SECOND_OF_TWO).fill_null(False)
    whole = pl.concat_str("text", pl.col("text").shift(-1, fill_value=""), separator="\n")
    joined_ = rows.with_columns(text=pl.when(pair).then(whole).otherwise("text"))
    return joined_.filter(~pair.shift(1, fill_value=False))


def continued(rows: pl.DataFrame, every: bool) -> pl.DataFrame:
    """Rows without a header belong to the header before: ``every`` one, or those below a header without a message.

    What is more than `NEAR` lines below begins a record of its own.
    """
    bare = pl.col("start") & pl.col("bare")
    if not rows.select(bare.any()).item():
        return rows
    headed = pl.col("start") & ~pl.col("bare")
    place = pl.when(headed).then("line").forward_fill()
    without = pl.when(headed).then(pl.col("body").str.contains(r"^\s*$")).forward_fill()
    below = (pl.lit(every) | without) & (pl.col("line") - place <= NEAR)
    return rows.with_columns(start=pl.col("start") & ~(bare & below.fill_null(False)))
