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

from typing import Final

import numba
import numpy as np
import polars as pl

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
        blind = self.digit_blind
        masked = Texts.of(mask(_probe(shapes, 0) if blind else shapes.to_series(), self.masking))
        counts = np.zeros(count, np.int64)
        if blind:
            _holes(masked.data, masked.starts, masked.ends, counts)
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
        self._find_places(shapes[holed], masked[holed], used)

    def _find_places(self, shapes: Texts, masked: Texts, used: int) -> None:
        values = np.zeros(int(self.holes[len(self.shapes)]) - used, np.int64)
        _read(masked.data, masked.starts, masked.ends, 1, values)
        level, most = 1, _most_digits(shapes.data, shapes.starts, shapes.ends)
        while _BASE**level < most:
            further = Texts.of(mask(_probe(shapes, level), self.masking))
            _read(further.data, further.starts, further.ends, _BASE**level, values)
            level += 1
        self.places = grown(self.places, used + len(values))
        located = _locate(
            *(shapes.data, shapes.starts, shapes.ends, most),
            *(masked.data, masked.starts, masked.ends, values, self.places[used:]),
        )
        if not located:  # a wrong position would give a wrong line, so this must not be ignored
            raise RuntimeError("A mask gives different results for lines that differ only in digits.")

    def _filled(self, texts: Texts, shapes: Ids) -> Texts:
        masked = self.masked.take(self.texts[shapes])
        lengths = masked.ends - masked.starts
        ends = np.cumsum(lengths)
        filled = Texts(blank(int(ends[-1])), ends - lengths, ends)
        _fill(
            *(masked.data, masked.starts, masked.ends, texts.data, texts.starts),
            *(shapes, self.holes, self.places, filled.data),
        )
        return filled


def _probe(shapes: Texts, level: int) -> pl.Series:
    """The shapes with every digit replaced by digit ``level`` of its number in the shape, in base nine."""
    lengths = shapes.ends - shapes.starts
    ends = np.cumsum(lengths)
    probes = Texts(blank(int(ends[-1])), ends - lengths, ends)
    _number(shapes.data, shapes.starts, shapes.ends, _BASE**level, probes.data)
    return probes.to_series()


@numba.njit(cache=True, nogil=True)
def _number(data, starts, ends, scale, out):  # type: ignore[no-untyped-def]
    place = 0
    for row in range(len(starts)):
        digit = 0
        for i in range(starts[row], ends[row]):
            out[place] = data[i]
            if data[i] == 49:
                out[place] = 49 + digit // scale % _BASE
                digit += 1
            place += 1


@numba.njit(cache=True, nogil=True)
def _holes(data, starts, ends, counts):  # type: ignore[no-untyped-def]
    for row in range(len(starts)):
        for i in range(starts[row], ends[row]):
            counts[row] += 49 <= data[i] <= 57


@numba.njit(cache=True, nogil=True)
def _most_digits(data, starts, ends):  # type: ignore[no-untyped-def]
    most = 0
    for row in range(len(starts)):
        digits = 0
        for i in range(starts[row], ends[row]):
            digits += data[i] == 49
        most = max(most, digits)
    return most


@numba.njit(cache=True, nogil=True)
def _read(data, starts, ends, scale, values):  # type: ignore[no-untyped-def]
    hole = 0
    for row in range(len(starts)):
        for i in range(starts[row], ends[row]):
            if 49 <= data[i] <= 57 and hole < len(values):
                values[hole] += (np.int64(data[i]) - 49) * scale
                hole += 1


@numba.njit(cache=True, nogil=True)
def _locate(data, starts, ends, most, masked, masked_starts, masked_ends, values, places):  # type: ignore[no-untyped-def]
    digits = np.empty(most, np.int64)
    hole = 0
    for row in range(len(starts)):
        count = 0
        for i in range(starts[row], ends[row]):
            if data[i] == 49:
                digits[count] = i - starts[row]
                count += 1
        for i in range(masked_starts[row], masked_ends[row]):
            if 49 <= masked[i] <= 57:
                if hole == len(values) or values[hole] >= count:
                    return False
                places[hole, 0], places[hole, 1] = i - masked_starts[row], digits[values[hole]]
                hole += 1
    return hole == len(values)


@numba.njit(cache=True, nogil=True)
def _fill(masked, masked_starts, masked_ends, data, starts, shapes, holes, places, out):  # type: ignore[no-untyped-def]
    begin = 0
    for row in range(len(starts)):
        place = begin
        for i in range(masked_starts[row], masked_ends[row]):
            out[place] = masked[i]
            place += 1
        for hole in range(holes[shapes[row]], holes[shapes[row] + 1]):
            out[begin + places[hole, 0]] = data[starts[row] + places[hole, 1]]
        begin = place
