"""Drain: groups masked log lines into clusters, each with a template, online and in one pass.

He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017.
Cluster numbers and templates are equal to those of Drain3 0.9.11 with the same settings, line by line.
Only distinct lines cost time: a line is split into tokens once, and the tree is searched for it again only
after its leaf has changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from logradar.core.columns import HIGHEST_ID, MOST, Columns
from logradar.core.config import Config
from logradar.core.tables import FIRST_TEMPLATE
from logradar.parsing.interning import Ids, Interner, Ints, Texts, grown, ranges
from logradar.parsing.tokens import numeric, split
from logradar.parsing.tree import Tree
from logradar.parsing.tree_kernels import MEMO

WILDCARD_TEXT: Final = "<*>"
_CLUSTERS, _TREE = "clusters.parquet", "tree.parquet"
_NUMBERS: Final = HIGHEST_ID - FIRST_TEMPLATE  # clusters that were created, so that each has a template id


class DrainSettings(Config):
    """Parameters of Drain with the names and defaults of Drain3, except that the number of clusters is limited."""

    sim_th: float = Field(0.4, ge=0, le=1, description="a line joins a cluster if this share of its tokens is equal")
    depth: int = Field(
        4, ge=3, le=32, description="of the parse tree: the first depth - 3 tokens of a line decide its leaf"
    )
    max_children: int = Field(
        100, ge=2, description="children of a node in the parse tree; others share a wildcard child"
    )
    max_clusters: int | None = Field(
        10_000,
        ge=1,
        description="limit of clusters; the least recently used one is removed; null: no limit (Drain3)",
    )
    parametrize_numeric_tokens: bool = Field(True, description="tokens with digits get the wildcard child in the tree")
    extra_delimiters: tuple[str, ...] = Field((), description="texts that separate tokens, as white space does")

    @field_validator("extra_delimiters")
    @classmethod
    def _not_empty(cls, delimiters: tuple[str, ...]) -> tuple[str, ...]:
        if "" in delimiters:
            raise ValueError("a delimiter needs at least one character")
        return delimiters


class Drain:
    """Clusters of masked lines, numbered from 1 in order of creation.

    >>> Drain().add(Texts.of(["send 1 byte", "send 2 byte", "stop"])).tolist()
    [1, 1, 2]
    """

    def __init__(self, settings: DrainSettings | None = None) -> None:
        self.settings = s = settings or DrainSettings()
        self.tree = Tree(s.sim_th, (s.depth, s.max_children, s.max_clusters or -1, int(s.parametrize_numeric_tokens)))
        self.words = Interner()
        self.words.ids(Texts.of([WILDCARD_TEXT]))  # so that the wildcard has id 0
        self._clear_cache()

    @property
    def nbytes(self) -> int:
        """Bytes of memory that cached lines and words take."""
        return self.lines.nbytes + self.words.nbytes + int(self.starts[len(self.lines)]) * 4

    def add(self, texts: Texts) -> Ids:
        """Learn from masked lines in order; returns the cluster number of each, int32."""
        return self.scan(self.line_ids(texts))

    def line_ids(self, texts: Texts) -> Ids:
        """The id of every masked line in the cache, int32; equal lines have equal ids. Splits new lines into tokens."""
        first = len(self.lines)
        ids = self.lines.ids(texts)
        if len(self.lines) > first:
            self._split(first)
        return ids

    def scan(self, lines: Ids) -> Ids:
        """As `add`, for lines given by their ids from `line_ids`."""
        return self.tree.scan(lines, self.starts, self.tokens, self.numeric, self.memo)

    def forget(self, keep: Ints | None = None) -> None:
        """Remove all lines from the cache except those with the ids ``keep``, which become 0, 1, 2, … in their order.

        Clusters are not changed.
        """
        keep = np.empty(0, np.int64) if keep is None else keep
        texts, memo = self.lines.take(keep), self.memo[keep]
        counts = self.starts[keep + 1] - self.starts[keep]
        tokens = self.tokens[ranges(self.starts[keep], counts)]
        kept = np.union1d(self.tree.words(), tokens)
        words = self.words
        self.words = Interner()
        renamed = np.zeros(len(words), np.int32)
        renamed[kept] = self.words.ids(words.texts()[kept])
        self.tree.rename(renamed)
        self._clear_cache()
        self.lines.ids(texts)
        self._append(0, counts, renamed[tokens])
        self.memo[: len(keep)] = memo

    def _clear_cache(self) -> None:
        self.lines = Interner()
        self.starts = np.zeros(1 << 10, np.int64)  # line i has the tokens starts[i]:starts[i + 1]
        self.tokens = np.zeros(1 << 12, np.int32)
        self.memo = np.zeros(1 << 10, MEMO)
        self.numeric = numeric(self.words.texts())

    def _split(self, first: int) -> None:
        counts, parts = split(self.spaced(self.lines.texts(first)))
        known = len(self.words)
        ids = self.words.ids(parts)
        self.numeric = grown(self.numeric, len(self.words))
        self.numeric[known : len(self.words)] = numeric(self.words.texts(known))
        self._append(first, counts, ids)

    def _append(self, first: int, counts: Ints, ids: Ids) -> None:
        """Store the token counts and token ids of the lines from id ``first`` on."""
        count, used = len(self.lines), int(self.starts[first])
        self.starts = grown(self.starts, count + 1)
        self.starts[first + 1 : count + 1] = used + np.cumsum(counts)
        self.tokens = grown(self.tokens, used + len(ids))
        self.tokens[used : used + len(ids)] = ids
        self.memo = grown(self.memo, count)
        self.memo["cluster"][first:count] = -1

    def spaced(self, texts: Texts) -> Texts:
        """Lines with a blank for each of the extra delimiters."""
        if not self.settings.extra_delimiters:
            return texts
        text = pl.col("line")
        for delimiter in self.settings.extra_delimiters:
            text = text.str.replace_all(delimiter, " ", literal=True)
        return Texts.of(pl.DataFrame({"line": texts.to_series()}).select(text)["line"])

    def clusters(self) -> pl.DataFrame:
        """``number, template, size, node, used`` of every cluster, in order of creation.

        ``size`` is the number of its lines, ``node`` its leaf, ``used`` the number of the line that joined last.
        """
        alive = self.tree.alive
        words = self.words.strings()
        lengths = alive["length"].astype(np.int64)
        rows = np.repeat(np.arange(len(alive)), lengths)
        tokens = pl.DataFrame({"row": rows, "word": words.gather(self.tree.tokens[ranges(alive["start"], lengths)])})
        joined = tokens.group_by("row", maintain_order=True).agg(pl.col("word").str.join(" "))
        templates = pl.DataFrame({"row": np.arange(len(alive))}).join(
            joined, on="row", how="left", maintain_order="left"
        )
        columns = {name: alive[name].copy() for name in ("number", "size", "node", "used")}
        return pl.DataFrame({"template": templates["word"].fill_null(""), **columns})

    def save(self, folder: Path) -> None:
        """Write clusters and tree as Parquet into ``folder``; cached lines are not saved."""
        self.clusters().write_parquet(folder / _CLUSTERS)
        nodes = self.tree.branches[1:]
        words = self.words.strings().gather(np.where(nodes["parent"] == 0, 0, nodes["token"]))
        length = np.where(nodes["parent"] == 0, nodes["token"], -1)
        frame = {"parent": nodes["parent"].copy(), "length": length, "token": words}
        pl.DataFrame(frame).write_parquet(folder / _TREE)

    @classmethod
    def load(cls, folder: Path, settings: DrainSettings, created: int) -> Drain:
        """Load what `save` wrote; ``created`` is the number of clusters created so far, with removed ones.

        Raises `ValueError` when the files do not describe a valid tree.
        """
        drain = cls(settings)
        nodes = Columns(folder / _TREE, ["token"]).only("parent", "length", "token")
        kept = Columns(folder / _CLUSTERS, ["template"]).only("template", "number", "size", "node", "used")
        parents, lengths = (nodes.numbers(name, np.int32, (-1, HIGHEST_ID)) for name in ("parent", "length"))
        words = drain.words.ids(Texts.of(pl.Series(pl.from_arrow(nodes.texts("token")))))
        tokens = np.where(lengths >= 0, lengths, words).astype(np.int32)
        clusters = pl.DataFrame(
            {
                "template": pl.Series(pl.from_arrow(kept.texts("template"))),
                "number": kept.numbers("number", np.int32, (1, _NUMBERS), "strictly"),
                "size": kept.numbers("size", np.int64, (1, MOST)),
                "node": kept.numbers("node", np.int32, (1, len(nodes))),
                "used": kept.numbers("used", np.int64, (0, MOST)),
            }
        )
        counts, parts = split(Texts.of(clusters["template"]))
        drain.tree.restore(parents, tokens, clusters, counts, drain.words.ids(parts), created)
        drain._clear_cache()
        return drain

    @property
    def created(self) -> int:
        """Number of clusters created so far, including removed ones."""
        return self.tree.created
