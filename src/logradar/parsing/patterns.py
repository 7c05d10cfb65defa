"""Refined templates: rows of words, and which of them a masked line has.

A template has constants, words with any value (``user=<*>``) and wildcards. A line has the template whose places all
fit; of several the one with most constants. Templates whose wildcards are at the same places are one pattern: a line is
written with the wildcards of the pattern and looked up, so the work is the number of patterns, not of templates.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from logradar.core.kernels import inner, kernel, lower_bound
from logradar.core.tables import UNKNOWN
from logradar.parsing.drain import Drain
from logradar.parsing.interning import Ids, grown, ranges
from logradar.parsing.lists import shortened
from logradar.parsing.words import WILD, Words

_NEW: Final = 0  # not matched yet; template ids are never 0
_CONSTANT, _OPENED, _WILD = range(3)


class PatternMatcher:
    """Finds the ids of refined templates for the lines of a drain's cache.

    ``templates`` are their ``template_id`` and ``words``. Words that come with lines are added to ``words``, so give a
    matcher its own and make a new one when the cache of the drain was cleared.
    """

    def __init__(self, drain: Drain, words: Words, templates: pl.DataFrame) -> None:
        self._drain, self._words = drain, words
        lengths = templates["words"].list.len().to_numpy().astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        tokens = words.known(templates["words"].explode(empty_as_null=False))
        kinds = np.where(tokens == WILD, _WILD, np.where(words.opened[tokens] == tokens, _OPENED, _CONSTANT))
        kinds = kinds.astype(np.uint8)
        hashes = np.empty(len(lengths), np.uint64)
        _hashes_of(tokens, starts, hashes)
        patterns: dict[bytes, list[int]] = {}
        for row, (start, stop) in enumerate(zip(starts.tolist(), starts[1:].tolist(), strict=False)):
            patterns.setdefault(kinds[start:stop].tobytes(), []).append(row)
        order = sorted(patterns, key=lambda one: (len(one), -one.count(_CONSTANT), -one.count(_OPENED), one))
        self._kinds = np.frombuffer(b"".join(order), np.uint8)
        self._lengths = np.array([len(one) for one in order], np.int64)
        self._kind_starts = np.concatenate([[0], np.cumsum(self._lengths)])
        self._bounds = np.concatenate([[0], np.cumsum([len(patterns[one]) for one in order], dtype=np.int64)])
        numbers = templates["template_id"].to_numpy()
        pattern = np.repeat(np.arange(len(order)), np.diff(self._bounds))
        rows = np.array([row for one in order for row in patterns[one]], np.int64)
        rows = rows[np.lexsort((numbers[rows], hashes[rows], pattern))]  # by hash within a pattern
        self._hashes, self._numbers = hashes[rows], numbers[rows].astype(np.int32)
        self._rows = tokens[ranges(starts[rows], lengths[rows])]
        self._row_starts = np.concatenate([[0], np.cumsum(lengths[rows])])
        self._template_ids = np.full(1 << 10, _NEW, np.int32)
        self._word_ids = np.empty(0, np.int32)  # per word of the drain
        self._opened, self._bare, self._masked = words.opened, words.bare, words.masked

    def match(self, lines: Ids) -> Ids:
        """The template id of every line (given by its id in the drain), `UNKNOWN` where none matches."""
        drain = self._drain
        self._template_ids = grown(self._template_ids, len(drain.lines))
        new = np.unique(lines[self._template_ids[lines] == _NEW])
        if len(new):
            self._learn_words()
            _match(
                *(new, self._template_ids, drain.starts, drain.tokens, self._word_ids),
                *(self._opened, self._bare, self._masked),
                *(self._kinds, self._kind_starts, self._lengths, self._bounds),
                *(self._hashes, self._numbers, self._rows, self._row_starts),
            )
        return self._template_ids[lines]

    def _learn_words(self) -> None:
        known, count = len(self._word_ids), len(self._drain.words)
        if known == count:
            return
        ids = self._words.ids(self._drain.words.strings(known))
        self._word_ids = np.concatenate([self._word_ids, ids])
        self._opened, self._bare, self._masked = self._words.opened, self._words.bare, self._words.masked


@inner
def _hash_of(row):  # type: ignore[no-untyped-def]
    code = np.uint64(len(row))
    for word in row:
        code = (code ^ np.uint64(word)) * np.uint64(0x9E3779B97F4A7C15)
        code ^= code >> np.uint64(32)
    return code


@kernel
def _hashes_of(tokens, starts, out):  # type: ignore[no-untyped-def]
    for row in range(len(out)):
        out[row] = _hash_of(tokens[starts[row] : starts[row + 1]])


@kernel
def _match(  # type: ignore[no-untyped-def]
    lines, out, starts, tokens, word_ids, opened, bare, masked,
    kinds, kind_starts, lengths, bounds, hashes, numbers, rows, row_starts,
):  # fmt: skip
    longest = 0
    for line in lines:
        longest = max(longest, starts[line + 1] - starts[line])
    words, written, places = np.empty(longest, np.int32), np.empty(longest, np.int32), np.empty(longest, np.int64)
    for line in lines:
        length = 0
        for i in range(starts[line], starts[line + 1]):
            words[length] = word_ids[tokens[i]]
            length = shortened(words, places, length + 1, bare, masked)
        out[line] = UNKNOWN
        for pattern in range(lower_bound(lengths, length), lower_bound(lengths, length + 1)):
            first = kind_starts[pattern]
            for i in range(length):
                kind = kinds[first + i]
                if kind == _CONSTANT:
                    written[i] = words[i]
                elif kind == _OPENED:
                    written[i] = opened[words[i]]
                else:
                    written[i] = WILD
            code = _hash_of(written[:length])
            place = bounds[pattern] + lower_bound(hashes[bounds[pattern] : bounds[pattern + 1]], code)
            while place < bounds[pattern + 1] and hashes[place] == code:
                same = True
                for i in range(length):
                    same = same and rows[row_starts[place] + i] == written[i]
                if same:
                    break
                place += 1
            if place < bounds[pattern + 1] and hashes[place] == code:
                out[line] = numbers[place]
                break
