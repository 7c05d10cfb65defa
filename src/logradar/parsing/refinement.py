"""Refinement: which lines of a log are one message, decided over all its different masked lines at once.

Drain compares each line with one template; this looks at whole columns of words:

1. Values (words with a mask, a path, an address) never tell two messages apart where the rest of their lines is equal,
   nor do three or more dotted names.
2. Where lines are equal but for one word, that word is a value if it has many variants, and a constant if it has
   few: a state, a verb, an outcome. Few is fewer than ``states``; up to ``vocabulary`` where no further variant is to
   be expected, judged by how many came once and how many twice (Chao, Scandinavian Journal of Statistics 1984).
3. In lines of one cluster of Drain two or more words may vary at once (who, what); they are values if each has
   twice ``vocabulary`` variants and half of the line stays.

Each step is repeated until nothing changes. It depends on the set of lines and their counts alone, not on their order.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.core.config import Config
from logradar.parsing.interning import Ids, Ints
from logradar.parsing.words import DOTTED, VALUE, WILD, WORD, Words

Hashes = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
_MIX: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class RefinementSettings(Config):
    """When a word that varies is a value, and when it is one of a few constants."""

    states: int = Field(5, ge=2, description="variants of a word from which on it may be a value")
    vocabulary: int = Field(12, ge=2, description="variants of a word from which on it is always a value")
    unseen: float = Field(
        1.0, ge=0, description="expected number of variants that did not come yet from which on a word is a value"
    )


class Rows(NamedTuple):
    """Lines as ids of words: line ``i`` has ``tokens[starts[i]:starts[i + 1]]``, came ``counts[i]`` times."""

    tokens: Ids
    starts: Ints
    counts: Ints
    clusters: Ints


def refine(rows: Rows, words: Words, settings: RefinementSettings) -> tuple[Rows, Ints]:
    """Templates as rows, in the order of their first line, and for each line the number of its template."""
    state = _Refining(rows, words, settings)
    state.settle()
    return state.rows, state.template


class _Refining:
    def __init__(self, rows: Rows, words: Words, settings: RefinementSettings) -> None:
        self.settings = settings
        self.opened, self.kinds, self.constants = words.opened, words.kinds, words.constants
        self.keyed = self.opened != WILD
        self.rows = rows
        self.template = np.arange(len(rows.counts))
        self._distinct()

    def settle(self) -> None:
        """Find values until nothing changes."""
        for kinds in ((VALUE,), (VALUE, DOTTED)):
            self._open(self._varying_values(kinds))
        self._open(self._varying_together())
        while self._open(self._varying_alone()):
            pass

    def _distinct(self) -> None:
        """Equal rows become one."""
        rows = self.rows
        lengths = np.diff(rows.starts)
        self.row = np.repeat(np.arange(len(lengths)), lengths)
        self.place = np.arange(len(rows.tokens)) - np.repeat(rows.starts[:-1], lengths)
        self.parts = _hash(rows.tokens, self.place)
        self.hashes = _sums(self.parts, self.row, len(lengths)) + _hash(lengths, np.array(-1))
        _, first, group = np.unique(self.hashes, return_index=True, return_inverse=True)
        if len(first) == len(lengths):
            return
        order = np.argsort(first)
        number = np.empty(len(first), np.int64)
        number[order] = np.arange(len(first))
        group, first = number[group], first[order]
        self.template = group[self.template]
        counts = np.bincount(group, rows.counts, len(first)).astype(np.int64)
        kept = np.zeros(len(lengths), bool)
        kept[first] = True
        starts = np.concatenate([[0], np.cumsum(lengths[first])])
        self.rows = Rows(rows.tokens[kept[self.row]], starts, counts, rows.clusters[first])
        self._distinct()

    def _open(self, chosen: Bools) -> bool:
        """Replace the chosen tokens by wildcards; returns whether there were any."""
        tokens = self.rows.tokens
        chosen &= self.opened[tokens] != tokens
        if not chosen.any():
            return False
        self.rows = self.rows._replace(tokens=np.where(chosen, self.opened[tokens], tokens).astype(np.int32))
        self._distinct()
        return True

    def _varying_values(self, kinds: tuple[int, ...]) -> Bools:
        """Tokens of these kinds that vary in lines which are equal but for such tokens."""
        tokens = self.rows.tokens
        soft = np.isin(self.kinds, kinds)[tokens]
        shown = np.where(soft, self.opened[tokens] + len(self.opened), tokens)
        skeletons = _sums(_hash(shown, self.place), self.row, len(self.hashes))
        skeletons += _hash(np.diff(self.rows.starts), np.array(-1))
        anchors = np.where(soft, self.keyed[tokens], self.constants[tokens])
        anchored = np.bincount(self.row, anchors, len(self.hashes)) > 0
        columns = skeletons[self.row] + _hash(self.place, np.array(-2))
        variants = _variants(columns, tokens)
        least = np.where(self.kinds[tokens] == DOTTED, 3, 2)
        return soft & (variants >= least) & anchored[self.row]

    def _varying_alone(self) -> Bools:
        """One token of each row that varies alone: where all others are equal, with the most variants."""
        tokens, counts = self.rows.tokens, self.rows.counts[self.row]
        contexts = self.hashes[self.row] - self.parts + _hash(self.opened[tokens], self.place + (1 << 32))
        _, group = np.unique(contexts, return_inverse=True)
        number = np.bincount(group)
        kinds = self.kinds[tokens]
        soft = np.bincount(group, kinds != WORD)
        valued = np.bincount(group, kinds == VALUE)
        values = (soft == number) & ((valued > 0) | (number >= 3))
        limits = self.settings
        more = _expected(np.bincount(group, counts == 1), np.bincount(group, counts == 2))
        many = (number >= limits.vocabulary) | ((number >= limits.states) & (more >= limits.unseen))
        alone = (np.diff(self.rows.starts) == 1)[self.row] & ~self.keyed[tokens]
        fit = ((number > 1) & (values | many))[group] & ~alone & (self.opened[tokens] != tokens)
        weight = np.where(fit, number[group] * (1 << 20) - np.minimum(self.place, (1 << 20) - 1), -1)
        best = np.full(len(self.hashes), -1, np.int64)
        np.maximum.at(best, self.row, weight)
        chosen: Bools = fit & (weight == best[self.row])
        return chosen

    def _varying_together(self) -> Bools:
        """Words with very many variants in the lines of one cluster, where half of the line stays."""
        tokens, lengths = self.rows.tokens, np.diff(self.rows.starts)
        both = _hash(self.rows.clusters, np.array(-3)) + _hash(lengths, np.array(-4))
        columns = both[self.row] + _hash(self.place, np.array(-5))
        variants = _variants(columns, tokens)
        common = self.constants[tokens] & (variants == 1)
        stays = np.bincount(self.row, common, len(lengths)) * 2 >= lengths
        return (variants >= 2 * self.settings.vocabulary) & stays[self.row]


def _variants(columns: Hashes, tokens: Ids) -> Ints:
    """For each token how many different tokens are in its column."""
    _, column = np.unique(columns, return_inverse=True)
    pairs = np.unique(column * (int(tokens.max(initial=0)) + 1) + tokens)
    return np.bincount(pairs // (int(tokens.max(initial=0)) + 1), minlength=int(column.max(initial=-1)) + 1)[column]


def _expected(once: npt.NDArray[Any], twice: npt.NDArray[Any]) -> Floats:
    """How many variants did not come yet, from how many came once and twice (bias-corrected Chao1)."""
    expected: Floats = once * (once - 1) / (2 * (twice + 1))
    return expected


def _hash(values: npt.NDArray[np.integer], places: npt.NDArray[np.integer]) -> Hashes:
    """A 64-bit hash of each value at its place (splitmix64)."""
    with np.errstate(over="ignore"):
        mixed = values.astype(np.uint64) * _MIX[0] + (places.astype(np.int64) + 7).astype(np.uint64) * _MIX[1]
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[1]
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[2]
        hashes: Hashes = mixed ^ (mixed >> np.uint64(31))
    return hashes


def _sums(parts: Hashes, row: Ints, rows: int) -> Hashes:
    """The sum of the hashes of each row, modulo 2**64."""
    sums = np.zeros(rows, np.uint64)
    np.add.at(sums, row, parts)
    return sums
