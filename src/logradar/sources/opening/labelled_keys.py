"""Labelled keys: which session keys are anomalous, in nine bytes for each key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Hashes = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelledKeys:
    """Session keys as rising 64-bit ``hashes``, and ``anomalous`` for each of them.

    A label file may name millions of keys, whose texts would need ten times the memory. Two keys share a hash with a
    chance of one in four million among three million keys. The hashes are good for one process only.

    >>> keys = LabelledKeys.of(pl.Series(["a", "b"]), np.array([True, False]))
    >>> keys.labels(pl.Series(["b", "c", "a"])).to_list()
    [False, None, True]
    """

    hashes: Hashes
    anomalous: Bools

    @classmethod
    def of(cls, keys: pl.Series, anomalous: Bools) -> LabelledKeys:
        """From texts; of a key that occurs more than once the first label counts."""
        return cls.first(hashed(keys), anomalous)

    @classmethod
    def first(cls, hashes: Hashes, anomalous: Bools) -> LabelledKeys:
        """From hashes in any order; of one that occurs more than once the first label counts."""
        order = np.argsort(hashes, kind="stable")
        hashes, anomalous = hashes[order], anomalous[order]
        fresh = np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)]
        return cls(hashes[fresh], anomalous[fresh])

    def __len__(self) -> int:
        return len(self.hashes)

    def labels(self, keys: pl.Series) -> pl.Series:
        """The label of each of ``keys``; null for a key that has none, and for null."""
        wanted = hashed(keys)
        place = np.minimum(np.searchsorted(self.hashes, wanted), max(len(self) - 1, 0))
        found = self.hashes[place] == wanted if len(self) else np.zeros(len(wanted), bool)
        truth = self.anomalous[place] if len(self) else found
        known = pl.Series(found) & keys.is_not_null()
        return pl.select(pl.when(known).then(pl.Series(truth))).to_series()


def contradictory(hashes: Hashes, anomalous: Bools) -> Hashes:
    """Those of ``hashes`` that occur with both labels."""
    order = np.argsort(hashes, kind="stable")
    hashes, anomalous = hashes[order], anomalous[order]
    return np.unique(hashes[1:][(hashes[1:] == hashes[:-1]) & (anomalous[1:] != anomalous[:-1])])


def hashed(keys: pl.Series) -> Hashes:
    """A 64-bit hash of each text; null has one of its own."""
    return keys.hash(0).to_numpy()
