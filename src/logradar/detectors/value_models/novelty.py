"""Parameters with few distinct texts, and how likely it is that a text comes that never came before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.core.columns import Columns

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_NATS: Final = 100.0  # of a chance: no count of values is large enough for more
LONGEST: Final = 64  # characters of a text that are compared
_WARM: Final = 30  # texts of a key after which new ones are counted
_TRUST: Final = 50.0  # observations that the rate of all keys is worth for each key
_SHOWN: Final = 4  # frequent texts that a finding names
_SCHEMA: Final = pl.Schema({"key": pl.Int64, "text": pl.String, "count": pl.Int64, "first": pl.Int64})


class Texts:
    """Collects texts, in pieces of any size; counts the distinct texts of each key, up to ``limit`` of them."""

    def __init__(self, limit: int, most: int) -> None:
        self.limit, self.most = limit, most
        self._counted = pl.DataFrame(schema=_SCHEMA)
        self._open = np.empty(0, np.int64)  # keys with more distinct texts than that

    def add(self, keys: Ints, texts: pl.Series) -> None:
        """Add one text for each key."""
        frame = pl.DataFrame({"key": keys, "text": texts})
        if len(self._open):
            frame = frame.filter(~pl.Series(np.isin(keys, self._open)))
        before = self._counted.group_by("key").agg(pl.col("count").sum().alias("before"))
        frame = frame.join(before, on="key", how="left", maintain_order="left")
        place = pl.int_range(pl.len()).over("key") + pl.col("before").fill_null(0)
        new = frame.select("key", pl.col("text").str.slice(0, LONGEST), place.alias("first"))
        new = new.group_by("key", "text").agg(pl.len().cast(pl.Int64).alias("count"), pl.col("first").min())
        both = pl.concat([self._counted, new.select(_SCHEMA.names())]).group_by("key", "text")
        counted = both.agg(pl.col("count").sum(), pl.col("first").min())
        distinct = counted.group_by("key").len()
        beyond = distinct.filter(pl.col("len") > self.limit)["key"]
        self._open = np.union1d(self._open, beyond.to_numpy())
        if len(beyond):
            counted = counted.filter(~pl.col("key").is_in(beyond.implode()))
        if len(distinct) - len(beyond) > self.most:
            known = self._counted["key"].unique()
            counted = counted.filter(pl.col("key").is_in(known.implode()))
        self._counted = counted.sort("key", "first")

    def close(self) -> pl.DataFrame:
        """``key``, ``text``, ``count`` and ``first`` (the number of texts of its key before it) of counted texts."""
        return self._counted


@dataclass(frozen=True, eq=False)
class Novelty:
    """Keys with a closed set of ``texts``, and the ``nats`` of one that is not among them.

    New texts are counted after the first 30 texts of a key. Their rate is that of the key, drawn towards
    the rate of all keys of its kind (numbers, words): a key that never changed among many
    keys that never change is more certain than its own count says (empirical Bayes: Robbins, 1956).
    """

    texts: pl.DataFrame  # key, text; most frequent first
    keys: Ints
    nats: Floats

    @classmethod
    def fit(cls, counted: pl.DataFrame, numeric: Ints, least: int, few: int, constants: bool) -> Novelty:
        """From what `Texts` counted.

        A key is kept if it has ``least`` texts or more, ten times as many texts as distinct ones, and two
        distinct ones unless ``constants``; keys of numbers (``numeric``) only if they have at most ``few``.
        """
        late = pl.col("first") >= _WARM
        about = counted.group_by("key", maintain_order=True).agg(
            pl.col("count").sum(), pl.len().alias("distinct"), late.sum().alias("late")
        )
        about = about.with_columns(pl.Series("numeric", np.isin(about["key"].to_numpy(), numeric)))
        about = about.filter(
            (pl.col("count") >= max(least, 1))
            & (pl.col("distinct") >= (1 if constants else 2))
            & (pl.col("distinct") * 10 <= pl.col("count"))
            & (~pl.col("numeric") | (pl.col("distinct") <= few))
        )
        late_of, seen = about["late"].to_numpy(), np.maximum(about["count"].to_numpy() - _WARM, 0)
        kind = about["numeric"].to_numpy()
        rate = np.zeros(len(about))
        for of in (False, True):
            rate[kind == of] = (late_of[kind == of].sum() + 0.5) / (seen[kind == of].sum() + 1.0)
        chance = (late_of + _TRUST * rate) / (seen + _TRUST)
        keys = about["key"].to_numpy()
        texts = counted.filter(pl.Series(np.isin(counted["key"].to_numpy(), keys), dtype=pl.Boolean))
        texts = texts.sort("key", "count", descending=[False, True], maintain_order=True).select("key", "text")
        return cls(texts, keys, -np.log(np.minimum(chance, 1.0)))

    def find(self, keys: Ints) -> Ints:
        """The row of each key, -1 for a key that has none."""
        if not len(self.keys):
            return np.full(len(keys), -1, np.int64)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, place, -1)

    def known(self, keys: Ints, texts: pl.Series) -> npt.NDArray[np.bool_]:
        """For each key and text whether training had it."""
        asked = pl.DataFrame({"key": keys, "text": texts.str.slice(0, LONGEST)})
        seen = self.texts.with_columns(seen=pl.lit(True))
        found = asked.join(seen, on=["key", "text"], how="left", maintain_order="left")["seen"]
        return found.fill_null(False).to_numpy()

    def most_frequent(self, key: int) -> tuple[list[str], int]:
        """The most frequent texts of a key, a few of them, and how many there are."""
        texts = self.texts.filter(pl.col("key") == key)["text"]
        return texts.head(_SHOWN).to_list(), len(texts)

    def without(self, keys: Ints) -> Novelty:
        """The same without the named keys."""
        kept = ~np.isin(self.keys, keys)
        inside = pl.Series(np.isin(self.texts["key"].to_numpy(), self.keys[kept]), dtype=pl.Boolean)
        return Novelty(self.texts.filter(inside), self.keys[kept], self.nats[kept])

    def save(self, path: Path) -> None:
        """Write as Parquet."""
        nats = pl.DataFrame({"key": self.keys, "nats": self.nats})
        self.texts.join(nats, on="key", how="left", maintain_order="left").write_parquet(path)

    @classmethod
    def load(cls, path: Path) -> Novelty:
        """What `save` wrote; `ValueError` where it is something else."""
        saved = Columns(path, ["text"]).only("key", "text", "nats")
        keys = saved.numbers("key", np.int64, (0, None), "evenly")
        nats = saved.numbers("nats", np.float64, (0, MOST_NATS))
        distinct, first = np.unique(keys, return_index=True)
        texts = pl.DataFrame({"key": keys, "text": pl.Series(pl.from_arrow(saved.texts("text")))})
        return cls(texts, distinct, nats[first])
