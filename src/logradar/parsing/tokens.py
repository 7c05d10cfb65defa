"""Tokens of a line: its parts between white space, which is defined as in Python's ``str.split``."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from logradar.parsing.interning import Ints, Texts


def split(texts: Texts) -> tuple[Ints, Texts]:
    """The number of tokens of each text, and all tokens in order."""
    counts = np.zeros(len(texts), np.int64)
    _split(texts.data, texts.starts, texts.ends, counts, np.empty(0, np.int64), np.empty(0, np.int64))
    starts, ends = np.empty((2, int(counts.sum())), np.int64)
    _split(texts.data, texts.starts, texts.ends, counts, starts, ends)
    return counts, Texts(texts.data, starts, ends)


def numeric(texts: Texts) -> npt.NDArray[np.uint8]:
    """1 for each text that contains a digit of any script (``str.isdigit``), else 0."""
    flags = np.zeros(len(texts), np.uint8)
    _numeric(texts.data, texts.starts, texts.ends, flags)
    foreign = np.flatnonzero(flags == 2)
    if len(foreign):
        flags[foreign] = [any(map(str.isdigit, text)) for text in texts[foreign].to_series()]
    return flags


@numba.njit(cache=True, nogil=True)
def _blank(data, i, end):  # type: ignore[no-untyped-def]
    """Length in bytes of the white space character at byte ``i``, 0 if there is none."""
    byte = data[i]
    if byte < 0x80:
        return 1 if byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31 else 0
    if byte == 0xC2 and i + 1 < end:
        return 2 if data[i + 1] == 0x85 or data[i + 1] == 0xA0 else 0
    if 0xE1 <= byte <= 0xE3 and i + 2 < end:
        low = data[i + 1], data[i + 2]
        if byte == 0xE1:
            return 3 if low == (0x9A, 0x80) else 0
        if byte == 0xE3:
            return 3 if low == (0x80, 0x80) else 0
        if low[0] == 0x80:
            return 3 if low[1] <= 0x8A or low[1] == 0xA8 or low[1] == 0xA9 or low[1] == 0xAF else 0
        return 3 if low == (0x81, 0x9F) else 0
    return 0


@numba.njit(cache=True, nogil=True)
def _split(data, starts, ends, counts, token_starts, token_ends):  # type: ignore[no-untyped-def]
    fill, token = len(token_starts) > 0, 0
    for row in range(len(starts)):
        first, begin, i = token, -1, starts[row]
        while i <= ends[row]:
            width = _blank(data, i, ends[row]) if i < ends[row] else 1
            if width and begin >= 0:
                if fill:
                    token_starts[token], token_ends[token] = begin, i
                token += 1
                begin = -1
            elif not width and begin < 0:
                begin = i
            i += max(width, 1)
        counts[row] = token - first


@numba.njit(cache=True, nogil=True)
def _numeric(data, starts, ends, flags):  # type: ignore[no-untyped-def]
    for row in range(len(starts)):
        for i in range(starts[row], ends[row]):
            if 48 <= data[i] <= 57:
                flags[row] = 1
                break
            if data[i] >= 0x80:
                flags[row] = 2


def first_lines(texts: Texts) -> Texts:
    """The first line of each text that is not blank; a text of one line is unchanged."""
    if not (texts.data == 10).any():
        return texts
    starts, ends = texts.starts.copy(), texts.ends.copy()
    _first_lines(texts.data, starts, ends)
    return Texts(texts.data, starts, ends)


@numba.njit(cache=True, nogil=True)
def _first_lines(data, starts, ends):  # type: ignore[no-untyped-def]
    for row in range(len(starts)):
        begin, blank = starts[row], True
        for i in range(starts[row], ends[row]):
            if data[i] == 10:
                if not blank:
                    ends[row] = i
                    break
                begin = i + 1
            elif data[i] > 32:
                blank = False
        starts[row] = begin
