"""Tokens of a line: its parts between white space, which is defined as in Python's ``str.split``."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.core.kernels import inner, kernel
from logradar.parsing.interning import Ints, Texts

_FOREIGN: Final = np.array(
    [0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
)  # blanks
_WIDTHS: Final = np.zeros(256, np.int64)  # per first byte: bytes of the character if it can be a blank, else 0
_WIDTHS[[i for i in range(128) if chr(i).isspace()]] = 1
_WIDTHS[[0xC2, 0xE1, 0xE2, 0xE3]] = 2, 3, 3, 3


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


@inner
def _blank(data, i, end):  # type: ignore[no-untyped-def]
    """Length in bytes of the white space character at byte ``i``, 0 if there is none."""
    width = _WIDTHS[data[i]]
    if width < 2:
        return width
    if i + width > end:
        return 0
    code = data[i + 1] & 63
    if width == 3:
        code = (data[i] & 15) << 12 | code << 6 | data[i + 2] & 63
    else:
        code |= 128
    for blank in _FOREIGN:
        if code == blank:
            return width
    return 0


@kernel
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


@kernel
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


@kernel
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
