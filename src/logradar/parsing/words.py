"""Words of masked lines, as the refinement of templates compares them.

What a mask is called may depend on chance: ``042673424B`` looks like a size, ``12E4567890`` like a number and
``0a2673424b`` like a hexadecimal number, and all three are ids of one kind. So the masks of scalars are one mask here.
Words that differ only in digits (``eth0``, ``eth1``) are one word, where a log has at least two of them; a version
(``v4``) stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.parsing.drain import WILDCARD_TEXT
from logradar.parsing.interning import Ids, Interner, Texts, grown

SCALAR: Final = "<NUM>"
WORD, DOTTED, VALUE = range(
    3
)  # how likely a word is a value: a plain word, `a.b.c` or `a+b`, something with a mask or path
WILD: Final = 0  # the id of <*>
_VARIANTS: Final = 2  # words that differ only in digits, from which on the digits are values
_ONE: Final = "<(?:NUM|SIZE|HEX|DURATION|ID|KEY)>"
_SCALARS: Final = f"{_ONE}(?:[.,]{_ONE})*"  # 90.0123456789 is one number, 90.b2c3dedcb3 is two masks
_DIGITS: Final = r"(^|[^vV0-9])[0-9]+"
_IN_WORD: Final = f"[A-Za-z0-9_\x80-{chr(0x10FFFF)}]"  # as Rust and Python both read it
_KEY: Final = (
    rf"""(?s)^([\[({{<"']*[A-Za-z_](?:{_IN_WORD}|[.-])*[\]"']?=).""",  # user=bob
    rf"""(?s)^([\[({{<"']*[A-Za-z_](?:{_IN_WORD}|-)*:)[^/<:0-9]""",  # action:start, but no host:80 and no url
)
_VALUE: Final = r"<[A-Z*]+>|[/@\\]|[0-9]{4}|^\(\),?$"
_DOTTED: Final = rf"{_IN_WORD}[.+]{_IN_WORD}"
_MASK: Final = "<[A-Z]+>"
_LONGEST: Final = 1_000  # characters of a word that are looked at
_FEW: Final = 64  # up to this number of words Python is faster
_FACTS: Final = np.dtype(
    [("opened", "i4"), ("bare", "i4"), ("kind", "i1"), ("masked", np.bool_), ("constant", np.bool_)]
)


def shapes_of(words: pl.Series) -> frozenset[str]:
    """Of words that differ only in digits their common form, with a mask instead of the digits.

    >>> shapes_of(pl.Series(["eth0", "eth1", "sha256", "ipv4", "ipv6"]))
    frozenset({'eth<NUM>'})
    """
    word = pl.DataFrame({"word": words}).lazy().select(pl.col("word").str.replace_all(_SCALARS, SCALAR).unique())
    forms = word.with_columns(form=pl.col("word").str.replace_all(_DIGITS, "${1}" + SCALAR))
    forms = forms.filter(pl.col("form") != pl.col("word")).group_by("form").len()
    return frozenset(forms.filter(pl.col("len") >= _VARIANTS).collect()["form"].to_list())


class Words:
    """Gives words ids by their common form; ``shapes`` are those of `shapes_of`. The id of ``<*>`` is `WILD`."""

    def __init__(self, shapes: frozenset[str] = frozenset()) -> None:
        self._forms = shapes
        self._shapes = pl.Series("shape", sorted(shapes), pl.String)
        self._interner = Interner()
        self._facts: npt.NDArray[Any] = np.zeros(1 << 8, _FACTS)
        self.known(pl.Series([WILDCARD_TEXT]))

    def __len__(self) -> int:
        return len(self._interner)

    def canonical(self, words: pl.Series) -> pl.Series:
        """The common form of each word."""
        if len(words) <= _FEW:
            return pl.Series(words.name, [self._canonical(word) for word in words], pl.String)
        word = pl.col("word").str.replace_all(_SCALARS, SCALAR)
        if self._forms:
            form = word.str.replace_all(_DIGITS, "${1}" + SCALAR)
            word = pl.when(form.is_in(self._shapes.implode())).then(form).otherwise(word)
        return pl.DataFrame({"word": words}).select(word)["word"]

    def _canonical(self, word: str) -> str:
        word = _python(_SCALARS).sub(SCALAR, word) if "<" in word else word
        form = _python(_DIGITS).sub(rf"\1{SCALAR}", word) if self._forms else word
        return form if form in self._forms else word

    def ids(self, words: pl.Series) -> Ids:
        """The id of each word, int32; new ones are added."""
        return self.known(self.canonical(words))

    def known(self, words: pl.Series) -> Ids:
        """As `ids`, of words that `canonical` has written."""
        known = len(self)
        ids = self._interner.ids(Texts.of(words))
        if len(self) > known:
            self._learn(known)
        return ids

    def _learn(self, known: int) -> None:
        """Find out what words with ids from ``known`` on are."""
        words = self._interner.strings(known)
        facts = _about_few(words.to_list()) if len(words) <= _FEW else _about(words)
        count = len(self)
        opened, bare = (self._interner.ids(Texts.of(facts[name])) for name in ("opened", "bare"))
        self._facts = grown(self._facts, count)
        new = self._facts[known:count]
        new["opened"], new["masked"] = opened, facts["masked"].to_numpy()
        new["bare"] = np.where(bare == WILD, -1, bare)
        new["kind"], new["constant"] = facts["kind"].to_numpy(), facts["constant"].to_numpy()
        if len(self) > count:  # words with any value, and words without a comma behind them
            self._learn(count)

    def texts(self) -> list[str]:
        """The words, by id."""
        return self._interner.strings().to_list()

    @property
    def opened(self) -> Ids:
        """By id: the id of the word with ``<*>`` instead of its value."""
        return self._facts["opened"][: len(self)].copy()

    @property
    def bare(self) -> Ids:
        """By id: the id of what makes it equal to others in a list; -1 for the wildcard, which is in no list."""
        return self._facts["bare"][: len(self)].copy()

    @property
    def masked(self) -> npt.NDArray[np.bool_]:
        """By id: whether the word has a mask."""
        return self._facts["masked"][: len(self)].copy()

    @property
    def kinds(self) -> Ids:
        """By id: `WORD`, `DOTTED` or `VALUE`."""
        return self._facts["kind"][: len(self)].astype(np.int32)

    @property
    def constants(self) -> npt.NDArray[np.bool_]:
        """By id: whether the word has a letter that is not part of a mask."""
        return self._facts["constant"][: len(self)].copy()


def _about(words: pl.Series) -> pl.DataFrame:
    word, start = pl.col("word"), pl.col("word").str.slice(0, _LONGEST)
    ended = word.str.ends_with(WILDCARD_TEXT)
    named = pl.coalesce(*(start.str.extract(regex, 1) for regex in _KEY)).fill_null("")
    key = pl.when(ended).then(word.str.strip_suffix(WILDCARD_TEXT)).otherwise(named)
    rest = pl.col("rest")
    form = word.str.replace_all(_SCALARS, SCALAR).str.replace_all(_DIGITS, "${1}" + SCALAR)
    value = (rest == WILDCARD_TEXT) | rest.str.contains(_VALUE)
    frame = pl.DataFrame({"word": words}).lazy().with_columns(key.alias("key"))
    frame = frame.with_columns(start.str.slice(pl.col("key").str.len_chars()).alias("rest"))
    return frame.select(
        opened=pl.col("key") + WILDCARD_TEXT,
        bare=form.str.strip_chars_end(",;"),
        masked=form.str.contains(_MASK),
        kind=pl.when(value).then(VALUE).when(rest.str.contains(_DOTTED)).then(DOTTED).otherwise(WORD),
        constant=start.str.replace_all(_MASK, "").str.contains(r"\pL"),
    ).collect()


@lru_cache(maxsize=1 << 16)
def in_list(word: str) -> tuple[str, bool]:
    """What makes words equal in a list: without their digits and a comma behind; and whether the word has a value."""
    form = _python(_DIGITS).sub(rf"\1{SCALAR}", _python(_SCALARS).sub(SCALAR, word))
    return form.rstrip(",;"), _python(_MASK).search(form) is not None


def _about_few(words: Sequence[str]) -> pl.DataFrame:
    """As `_about`, in Python."""
    rows = []
    for word in words:
        start = word[:_LONGEST]
        if word.endswith(WILDCARD_TEXT):
            key = word.removesuffix(WILDCARD_TEXT)
        else:
            named = _python(_KEY[0]).search(start) or _python(_KEY[1]).search(start)
            key = named[1] if named else ""
        rest = start[len(key) :]
        value = rest == WILDCARD_TEXT or _python(_VALUE).search(rest)
        kind = VALUE if value else DOTTED if _python(_DOTTED).search(rest) else WORD
        constant = any(map(str.isalpha, _python(_MASK).sub("", start)))
        rows.append((key + WILDCARD_TEXT, *in_list(word), kind, constant))
    return pl.DataFrame(rows, _ABOUT, orient="row")


_ABOUT: Final = pl.Schema(
    {"opened": pl.String, "bare": pl.String, "masked": pl.Boolean, "kind": pl.Int32, "constant": pl.Boolean}
)


@cache
def _python(regex: str) -> re.Pattern[str]:
    """One of the patterns for Python; not made where no word is looked at."""
    return re.compile(regex)
