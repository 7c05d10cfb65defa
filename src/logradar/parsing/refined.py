"""Refined templates of a log, with their ids: what the refinement found, and what a bundle keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from logradar.core.columns import HIGHEST_ID, MOST, Columns
from logradar.core.tables import FIRST_TEMPLATE
from logradar.parsing.drain import WILDCARD_TEXT, Drain
from logradar.parsing.interning import Ids, Interner, Ints, Texts, ranges
from logradar.parsing.lists import outside_lists
from logradar.parsing.patterns import PatternMatcher
from logradar.parsing.refinement import RefinementSettings, Rows, refine
from logradar.parsing.tokens import split
from logradar.parsing.words import Words, shapes_of

REFINED: Final = "refined.parquet"
SHAPES: Final = "shapes.parquet"
_TYPES: Final[dict[str, pl.DataType]] = {
    "template_id": pl.Int32(),
    "template": pl.String(),
    "words": pl.List(pl.String()),
    "count": pl.Int64(),
}
_COLUMNS = pl.Schema(_TYPES)
_SHAPES_COLUMNS = pl.Schema({"shape": pl.String})


class RefinedTemplates:
    """``template_id, template, words, count`` in ``table``; ``shapes`` are words whose digits are values.

    ``words`` are what lines are compared with; ``template`` is what people read, with the masks as they were. ``left``
    counts templates that were left out because there were too many.
    """

    def __init__(self, table: pl.DataFrame | None = None, shapes: frozenset[str] = frozenset(), left: int = 0) -> None:
        self.table = _COLUMNS.to_frame() if table is None else table
        self.shapes, self.left = shapes, left

    def __len__(self) -> int:
        return len(self.table)

    def matcher(self, drain: Drain) -> PatternMatcher:
        """What finds these templates in the lines of a drain's cache."""
        return PatternMatcher(drain, Words(self.shapes), self.table)

    def with_lines(
        self, examples: pl.DataFrame, settings: RefinementSettings, most: int | None, counts: Mapping[int, int]
    ) -> RefinedTemplates:
        """These templates, and those of `examples`, the most frequent ``most`` of these.

        Templates keep their ids and what they match; new ones count on from them. ``counts`` are bodies that these
        templates got since, by id.
        """
        table = self.table
        if counts:
            since = pl.col("template_id").replace_strict(dict(counts), default=0, return_dtype=pl.Int64)
            table = table.with_columns(pl.col("count") + since)
        if not len(examples):
            return RefinedTemplates(table, self.shapes, self.left)
        lines = _Lines.of(examples["line"])
        shapes = self.shapes | shapes_of(lines.words)
        words = Words(shapes)
        ids = words.ids(lines.words)
        kept = outside_lists(ids[lines.tokens], lines.starts, words.bare, words.masked)
        starts = np.concatenate([[0], np.cumsum(kept)])[lines.starts]
        tokens = ids[lines.tokens[kept]]
        clusters = examples["cluster"].to_numpy().astype(np.int64)
        found, template = refine(Rows(tokens, starts, examples["count"].to_numpy(), clusters), words, settings)
        new = pl.DataFrame(
            {
                "template": _lists(lines.shown(kept, starts, found, template, words.texts()), found.starts),
                "words": _lists(pl.Series(words.texts(), dtype=pl.String).gather(found.tokens), found.starts),
                "count": found.counts,
            }
        ).with_columns(pl.col("template").list.join(" "))
        known = _again(table, words)
        if len(known):
            more = known.join(new.select("words", more="count"), on="words", how="left", maintain_order="left")["more"]
            known = known.with_columns(pl.col("count") + more.fill_null(0))
            new = new.join(known.select("words"), on="words", how="anti", maintain_order="left")
        room = len(new) if most is None else max(most - len(known), 0)
        left = self.left + max(len(new) - room, 0)
        if len(new) > room:
            new = new.with_row_index("place").sort("count", "place", descending=[True, False])
            new = new.head(room).sort("place").drop("place")
        first = int(known["template_id"].to_numpy().max(initial=FIRST_TEMPLATE - 1)) + 1
        numbers = pl.Series("template_id", np.arange(first, first + len(new)), pl.Int32)
        new = new.with_columns(numbers).select(_COLUMNS.names()).cast(_COLUMNS)
        return RefinedTemplates(pl.concat([known, new]), shapes, left)

    def save(self, folder: Path) -> None:
        """Write all as Parquet into ``folder``."""
        self.table.write_parquet(folder / REFINED)
        pl.DataFrame({"shape": sorted(self.shapes)}, _SHAPES_COLUMNS).write_parquet(folder / SHAPES)

    @classmethod
    def load(cls, folder: Path, left: int) -> RefinedTemplates:
        """What `save` wrote; `ValueError` where it is something else."""
        saved = Columns(folder / REFINED, ["template"]).only(*_COLUMNS.names())
        table = pl.DataFrame(
            {
                "template_id": saved.numbers("template_id", np.int32, (FIRST_TEMPLATE, HIGHEST_ID), "strictly"),
                "template": pl.Series(pl.from_arrow(saved.texts("template"))),
                "words": pl.Series(pl.from_arrow(saved.text_lists("words"))),
                "count": saved.numbers("count", np.int64, (0, MOST)),
            }
        ).cast(_COLUMNS)
        shapes = Columns(folder / SHAPES, ["shape"]).only("shape").texts("shape").to_pylist()
        return cls(table, frozenset(shapes), left)


class _Lines(NamedTuple):
    """Masked lines as numbers of distinct ``words``; line ``i`` has ``tokens[starts[i]:starts[i + 1]]``."""

    words: pl.Series
    tokens: Ids
    starts: Ints

    @classmethod
    def of(cls, lines: pl.Series) -> _Lines:
        counts, parts = split(Texts.of(lines))
        interner = Interner()
        tokens = interner.ids(parts)
        return cls(interner.strings(), tokens, np.concatenate([[0], np.cumsum(counts)]))

    def shown(
        self, kept: npt.NDArray[np.bool_], starts: Ints, found: Rows, template: Ints, texts: list[str]
    ) -> pl.Series:
        """The words of all templates as people read them: with the mask of their lines where all have the same one."""
        tokens = self.tokens[kept]
        lengths = np.diff(starts)
        target = np.repeat(found.starts[template], lengths) + ranges(np.zeros(len(lengths), np.int64), lengths)
        least = np.full(len(found.tokens), len(self.words), np.int64)
        most = np.full(len(found.tokens), -1, np.int64)
        np.minimum.at(least, target, tokens)
        np.maximum.at(most, target, tokens)
        own = self.words.gather(np.where(least == most, least, 0))
        plain = pl.Series(texts, dtype=pl.String).gather(found.tokens)
        same = pl.Series(least == most) & ~plain.str.contains(WILDCARD_TEXT, literal=True)
        return pl.select(pl.when(same).then(own).otherwise(plain)).to_series()


def _lists(flat: pl.Series, starts: Ints) -> pl.Series:
    offsets = pa.array(starts.astype(np.int64))
    lists = pl.from_arrow(pa.LargeListArray.from_arrays(offsets, flat.to_arrow()))
    assert isinstance(lists, pl.Series)
    return lists


def _again(table: pl.DataFrame, words: Words) -> pl.DataFrame:
    """The templates with their words as ``words`` writes them now; of equal ones the first."""
    if not len(table):
        return table
    flat = words.canonical(table["words"].explode(empty_as_null=False))
    lengths = table["words"].list.len().to_numpy().astype(np.int64)
    again = _lists(flat, np.concatenate([[0], np.cumsum(lengths)]))
    return table.with_columns(again.alias("words")).unique("words", keep="first", maintain_order=True)
