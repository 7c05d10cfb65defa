"""Shapes: lines that differ only in digits are masked at the same positions, so only one of them is masked.

The shape of a line is the line after `shape_folding`: every digit is 1, and long hexadecimal numbers are equal
where no mask depends on them. Only new shapes are masked. If the masked text of a shape still contains digits
(*holes*), the position in the line that each digit came from is found as follows: the shape is masked again with
its digits replaced by their numbers, written in base nine, one digit at a time; the digits in the masked texts then
state the positions. From then on the masked text of a line with this shape is a copy with some bytes filled in,
and no regex is applied.

This is exact if no rule depends on the value of a digit (`MaskingSettings.digit_blind`). With other rules the shape
of a line is the line itself, and every distinct line is masked.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from logradar.core.kernels import kernel
from logradar.parsing.drain import Drain
from logradar.parsing.interning import Ids, Interner, Ints, Texts, blank, grown, ranges
from logradar.parsing.masking import MaskingSettings, mask
from logradar.parsing.shape_folding import fold

_HOLED: Final = -1  # in `Shapes.lines`: the masked text depends on the digits of the line
_BASE: Final = 9  # digits 1 to 9; a 0 in a masked probe is the 0 of 0x, which is not changed


class Shapes:
    """Masks lines and returns for each the id that ``drain`` has for its masked text; caches the results by shape."""

    def __init__(self, masking: MaskingSettings, drain: Drain) -> None:
        self.masking, self.drain = masking, drain
        self.time = 0  # number of batches so far
        self.digit_blind, self.hex_blind = masking.digit_blind, masking.hex_blind
        self._clear_cache()

    def _clear_cache(self) -> None:
        self.shapes = Interner()
        self.used = np.zeros(1 << 10, np.int64)  # per shape: the batch in which it occurred last
        self.lines_used = np.zeros(1 << 10, np.int64)  # the same per masked line
        self.lines = np.zeros(1 << 10, np.int32)  # per shape: id of its masked line, or _HOLED
        self.masked = Interner()  # masked texts of shapes with holes
        self.texts = np.zeros(1 << 10, np.int32)  # per shape: its masked text
        self.holes = np.zeros((1 << 10) + 1, np.int64)  # shape i has the holes holes[i]:holes[i + 1]
        self.places = np.zeros((1 << 10, 2), np.int64)  # per hole: position in the masked text, position in the line

    @property
    def nbytes(self) -> int:
        """Bytes of memory that cached shapes and lines take."""
        return self.shapes.nbytes + self.masked.nbytes + 16 * int(self.holes[len(self.shapes)]) + self.drain.nbytes

    def forget(self, limit: int = 0) -> None:
        """Remove the least recently used shapes and lines from the cache, so that about ``limit`` bytes are left.

        Clusters are not changed.
        """
        used = self.used[: len(self.shapes)], self.lines_used[: len(self.drain.lines)]
        since = self._since(limit, *used)
        kept, kept_lines = (np.flatnonzero(times >= since) for times in used)
        # A line is used whenever its shape is, so the line of a shape that is kept is kept too.
        renumbered = np.full(len(used[1]) + 1, _HOLED, np.int32)  # the last one is for shapes with holes
        renumbered[kept_lines] = np.arange(len(kept_lines))
        self.drain.forget(kept_lines)
        texts, masked = self.shapes.take(kept), self.masked.take(self.texts[kept])
        lines, counts = renumbered[self.lines[kept]], self.holes[kept + 1] - self.holes[kept]
        places = self.places[ranges(self.holes[kept], counts)]
        self._clear_cache()
        self.shapes.ids(texts)
        holed = np.flatnonzero(lines == _HOLED)
        self.lines, self.texts = grown(lines, 1), np.zeros(max(len(kept), 1), np.int32)
        self.texts[holed] = self.masked.ids(masked[holed])
        self.holes = np.concatenate([[0], np.cumsum(counts)])
        self.places = grown(places, 1)
        self.used, self.lines_used = grown(used[0][kept], 1), grown(used[1][kept_lines], 1)

    def _since(self, limit: int, shapes: Ints, lines: Ints) -> int:
        """The earliest time such that all entries used since then take about ``limit`` bytes."""
        drain = self.drain
        of_shapes = self.shapes.sizes + 16 * np.diff(self.holes[: len(shapes) + 1])
        of_lines = drain.lines.sizes + 4 * np.diff(drain.starts[: len(lines) + 1])
        ages = self.time - np.concatenate([shapes, lines])
        sizes = np.bincount(ages, np.concatenate([of_shapes, of_lines]))
        share = limit / max(self.nbytes, 1)  # words and masked texts are counted in proportion
        return int(self.time + 1 - np.searchsorted(np.cumsum(sizes), share * sizes.sum(), "right"))

    def line_ids(self, texts: Texts) -> Ids:
        """Mask lines; returns the ids that `Drain.line_ids` gives to the masked lines."""
        known = len(self.shapes)
        ids = self.shapes.ids(fold(texts, self.hex_blind) if self.digit_blind else texts)
        if len(self.shapes) > known:
            self._learn(known)
        lines = self.lines[ids]
        holed = np.flatnonzero(lines == _HOLED)
        if len(holed):
            lines[holed] = self.drain.line_ids(self._filled(texts[holed], ids[holed]))
        self.time += 1
        self.used, self.lines_used = grown(self.used, len(self.shapes)), grown(self.lines_used, len(self.drain.lines))
        self.used[ids] = self.lines_used[lines] = self.time
        return lines

    def _learn(self, known: int) -> None:
        shapes = self.shapes.texts(known)
        count, total = len(shapes), len(self.shapes)
        if self.digit_blind:
            shapes = _compact(shapes)
            digits = _marked(shapes, 49, 49)
            masked = Texts.of(mask(_probe(shapes, digits, 0), self.masking))
            holes = _marked(masked, 49, 57)
            counts = np.bincount(holes.rows, minlength=count)
        else:
            masked, counts = Texts.of(mask(shapes.to_series(), self.masking)), np.zeros(count, np.int64)
        self.lines, self.texts = grown(self.lines, total), grown(self.texts, total)
        self.holes = grown(self.holes, total + 1)
        used = int(self.holes[known])
        self.holes[known + 1 : total + 1] = used + np.cumsum(counts)
        whole, holed = np.flatnonzero(counts == 0), np.flatnonzero(counts)
        self.lines[known + whole] = self.drain.line_ids(masked[whole])
        if not len(holed):
            return
        self.lines[known + holed] = _HOLED
        self.texts[known + holed] = self.masked.ids(masked[holed])
        self.places = grown(self.places, used + len(holes.bytes))
        self.places[used : used + len(holes.bytes)] = self._places(
            *(shapes[holed], digits.within(holed, count), masked[holed], holes.within(holed, count))
        )

    def _places(self, shapes: Texts, digits: _Marked, masked: Texts, holes: _Marked) -> Ints:
        """For each hole its place in the masked text, and the place in the shape of the digit that it shows."""
        values = masked.data[holes.bytes].astype(np.int64) - 49
        level, sizes = 1, np.bincount(digits.rows, minlength=len(shapes))
        while _BASE**level < sizes.max(initial=0):
            further = Texts.of(mask(_probe(shapes, digits, level), self.masking))
            seen = _marked(further, 49, 57)
            _must(np.array_equal(seen.rows, holes.rows))
            values += (further.data[seen.bytes].astype(np.int64) - 49) * _BASE**level
            level += 1
        _must(bool((values < sizes[holes.rows]).all()))
        shown = digits.bytes[(np.cumsum(sizes) - sizes)[holes.rows] + values]
        return np.stack([holes.bytes - masked.starts[holes.rows], shown - shapes.starts[holes.rows]], axis=1)

    def _filled(self, texts: Texts, shapes: Ids) -> Texts:
        masked = self.masked.take(self.texts[shapes])
        lengths = masked.ends - masked.starts
        ends = np.cumsum(lengths)
        filled = Texts(blank(int(ends[-1])), ends - lengths, ends)
        masked.pack(filled.data)
        _fill(filled.starts, texts.data, texts.starts, shapes, self.holes, self.places, filled.data)
        return filled


class _Marked(NamedTuple):
    """Some bytes of texts: their places in ``data``, ascending, and the text that each belongs to."""

    bytes: Ints
    rows: Ints

    def within(self, kept: Ints, count: int) -> _Marked:
        """Those of the texts ``kept`` alone, numbered in that order; there were ``count`` texts."""
        number = np.full(count, -1, np.int64)
        number[kept] = np.arange(len(kept))
        rows = number[self.rows]
        return _Marked(self.bytes[rows >= 0], rows[rows >= 0])


def _marked(texts: Texts, low: int, high: int) -> _Marked:
    """The bytes from ``low`` to ``high``; the texts stand in ``data`` in order and with nothing of these between."""
    places = np.flatnonzero((texts.data >= low) & (texts.data <= high))
    return _Marked(places, np.searchsorted(texts.starts, places, "right") - 1)


def _compact(texts: Texts) -> Texts:
    """Texts of consecutive ids with nothing before them in ``data``."""
    first, last = int(texts.starts[0]), int(texts.ends[-1])
    data = blank(last - first)
    data[: last - first] = texts.data[first:last]
    return Texts(data, texts.starts - first, texts.ends - first)


def _probe(shapes: Texts, digits: _Marked, level: int) -> pl.Series:
    """The shapes with the number of each digit place as a digit: its ``level``-th one in base nine."""
    sizes = np.bincount(digits.rows, minlength=len(shapes))
    number = np.arange(len(digits.rows)) - (np.cumsum(sizes) - sizes)[digits.rows]
    data = shapes.data.copy()
    data[digits.bytes] = 49 + number // _BASE**level % _BASE
    return Texts(data, shapes.starts, shapes.ends).to_series()


def _must(same: bool) -> None:
    if not same:  # never guess: a wrong place would be a wrong line
        raise RuntimeError("A mask treats lines that differ in digits only in different ways.")


@kernel
def _fill(begins, data, starts, shapes, holes, places, out):  # type: ignore[no-untyped-def]
    for row in range(len(starts)):
        for hole in range(holes[shapes[row]], holes[shapes[row] + 1]):
            out[begins[row] + places[hole, 0]] = data[starts[row] + places[hole, 1]]
