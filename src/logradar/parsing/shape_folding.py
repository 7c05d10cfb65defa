"""Folding replaces characters that make no difference to the masks, so that many lines get the same shape.

Every digit becomes 1, except the 0 of ``0x``. If `MaskingSettings.hex_blind` holds, the letters and digits of
UUIDs, of numbers after ``0x`` and of long hexadecimal numbers become ``a``, because each of them is always
masked completely. The length of a text does not change.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np

from logradar.parsing.interning import Texts

_LONG: Final = 8  # least length of a hexadecimal number that is masked (rule ``longhex``)
_OTHER, _DIGIT, _HEX, _LETTER = range(4)
_KINDS: Final = np.zeros(256, np.uint8)
_KINDS[[*range(65, 91), *range(97, 123)]] = _LETTER
_KINDS[[*range(65, 71), *range(97, 103)]] = _HEX
_KINDS[48:58] = _DIGIT


def fold(texts: Texts, hexadecimal: bool = False) -> Texts:
    """The texts with every digit as 1 and, if ``hexadecimal``, with hexadecimal numbers as ``a…``.

    >>> fold(Texts.of(["7 of 0x1f is 12345678-9abc-def0-1234-56789abcdef0"]), True).to_series().item()
    '1 of 0xaa is aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa'
    """
    folded = np.zeros_like(texts.data)
    marks = _fold_digits(texts.data, folded)
    if hexadecimal:
        if marks:
            _fold_marked(texts.data, texts.starts, texts.ends, folded)
        _fold_long(texts.data, texts.starts, texts.ends, folded)
    return Texts(folded, texts.starts, texts.ends)


@numba.njit(cache=True, nogil=True)
def _fold_digits(data, out):  # type: ignore[no-untyped-def]
    """Fold all digits; returns the number of ``0x``."""
    marks = 0
    for i in range(len(data) - 1):
        byte = data[i]
        mark = byte == 48 and (data[i + 1] | 32) == 120
        marks += mark
        out[i] = 49 if 48 <= byte <= 57 and not mark else byte
    return marks


@numba.njit(cache=True, nogil=True, inline="always")
def _hexadecimal(byte):  # type: ignore[no-untyped-def]
    return 0 < _KINDS[byte] < _LETTER


@numba.njit(cache=True, nogil=True)
def _uuid(data, start, end):  # type: ignore[no-untyped-def]
    """Whether a UUID begins at ``start`` and ends at the end of a word."""
    if start + 36 > end or (start + 36 < end and _KINDS[data[start + 36]] != _OTHER):
        return False
    for i in range(36):
        if i == 8 or i == 13 or i == 18 or i == 23:
            if data[start + i] != 45:
                return False
        elif not _hexadecimal(data[start + i]):
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _fold_long(data, starts, ends, out):  # type: ignore[no-untyped-def]
    """Fold UUIDs and hexadecimal words of eight or more characters.

    Of any eight positions in a row such a word covers at least one, so only every eighth position is checked.
    """
    for row in range(len(starts)):
        start, end = starts[row], ends[row]
        i = start + _LONG - 1
        while i < end:
            if not _hexadecimal(data[i]):
                i += _LONG
                continue
            first, last = i, i + 1
            while first > start and _hexadecimal(data[first - 1]):
                first -= 1
            while last < end and _hexadecimal(data[last]):
                last += 1
            i = last + _LONG
            if (
                last - first < _LONG
                or (first > start and _KINDS[data[first - 1]] == _LETTER)
                or (last < end and _KINDS[data[last]] == _LETTER)
            ):
                continue
            if last - first == _LONG and last < end and data[last] == 45 and _uuid(data, first, end):
                for k in range(first, first + 36):
                    out[k] = 45 if data[k] == 45 else 97
                i = first + 36 + _LONG
                continue
            letters = 0
            for k in range(first, last):
                letters += _KINDS[data[k]] == _HEX
            if letters >= 2:
                for k in range(first, last):
                    out[k] = 97


@numba.njit(cache=True, nogil=True)
def _fold_marked(data, starts, ends, out):  # type: ignore[no-untyped-def]
    """Fold the words that consist of ``0x`` and a hexadecimal number."""
    for row in range(len(starts)):
        start, end = starts[row], ends[row]
        i = start
        while i < end - 2:
            if data[i] != 48 or (data[i + 1] | 32) != 120 or (i > start and _KINDS[data[i - 1]] != _OTHER):
                i += 1
                continue
            last = i + 2
            while last < end and _hexadecimal(data[last]):
                last += 1
            if last == end or _KINDS[data[last]] == _OTHER:
                for k in range(i + 2, last):
                    out[k] = 97
            i = last
