"""numba kernels over bytes that read JSON strictly as RFC 8259 defines it.

A kernel that reads something at position ``p`` returns a status and the position after it. If the status is not `OK`,
the position is that of the first invalid byte. The data must be followed by at least `SLACK` zero bytes, which are not
valid anywhere in JSON; if the position is after the end of the data, the data is not damaged but incomplete.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from logradar.sources.radar.vectors import (
    above_space,
    copy_special,
    different,
    first,
    kernel,
    misfits,
    not_ascii,
    special,
)

SLACK: Final = 192  # zero bytes after the data
DEPTH: Final = 64  # limit of nesting

OK: Final = 0
SYNTAX: Final = 1  # not JSON
CONTROL: Final = 2  # a control character inside a string
ENCODING: Final = 3  # bytes that are not UTF-8
DEEP: Final = 4  # nested deeper than DEPTH
TYPE: Final = 5  # JSON, but not the expected kind of value
BIG: Final = 6  # an integer that is too large

_QUOTE: Final = ord('"')
_SLASH: Final = ord("\\")
_COMMA: Final = ord(",")
_COLON: Final = ord(":")
_OPEN: Final = ord("[")
_CLOSE: Final = ord("]")
_BEGIN: Final = ord("{")
_END: Final = ord("}")
_MINUS: Final = ord("-")
_PLUS: Final = ord("+")
_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_REPLACEMENT: Final = 0xFFFD
_ESCAPES: Final = np.zeros(256, np.uint8)  # the character for each letter after a backslash
_ESCAPES[np.frombuffer(b'"\\/bfnrt', np.uint8)] = np.frombuffer(b'"\\/\b\f\n\r\t', np.uint8)


@kernel
def space(data, p):  # type: ignore[no-untyped-def]
    """The position of the next byte that is not white space."""
    if data[p] > 32:
        return p
    if data[p] == 32 and data[p + 1] > 32:
        return p + 1
    return _space(data, p)


@kernel
def _space(data, p):  # type: ignore[no-untyped-def]
    while True:
        k = first(above_space(data, p))
        for i in range(k):
            byte = data[p + i]
            if byte != 32 and byte != 10 and byte != 13 and byte != 9:
                return p + i
        p += k
        if k < 64:
            return p


@kernel
def is_digit(byte):  # type: ignore[no-untyped-def]
    """Whether a byte is one of 0 to 9."""
    return np.uint8(byte - _ZERO) < 10


@kernel
def string(data, p, out, o):  # type: ignore[no-untyped-def]
    """Copy a string as UTF-8 to ``out`` from ``o`` on; ``p`` is the position after its opening quote.

    Returns the status, the position after the closing quote, the end in ``out`` and the number of lone surrogates (they
    cannot be written in UTF-8 and become U+FFFD). ``out`` must have 64 bytes more than the string.
    """
    lone = 0
    while True:
        mask = copy_special(data, p, out, o)
        k = first(mask)
        if not_ascii(data, p):
            status, k = _characters(data, p, k)
            if status != OK:
                return status, p + k, o, lone
        p += k
        o += k
        if mask == 0:
            continue
        if data[p] == _QUOTE:
            return OK, p + 1, o, lone
        if data[p] != _SLASH:
            return CONTROL, p, o, lone
        plain = _ESCAPES[data[p + 1]]
        if plain:  # the same as in `_escape`, but without a call for the common case
            out[o] = plain
            p += 2
            o += 1
            continue
        status, p, o, bad = _escape(data, p + 1, out, o)
        lone += bad
        if status != OK:
            return status, p, o, lone


@kernel
def _characters(data, p, k):  # type: ignore[no-untyped-def]
    """Check the UTF-8 of ``k`` bytes that are not all ASCII.

    Returns the status and the number of valid bytes: all, or if ``k`` is 64 those of the complete characters.
    """
    wrong = misfits(data, p)
    if k < 64:
        wrong &= (np.uint64(2) << np.uint64(k)) - np.uint64(1)
    if wrong:
        return ENCODING, first(wrong)
    if k == 64:
        for i in range(61, 64):
            if data[p + i] >= 0xC0 and i + 2 + (data[p + i] >= 0xE0) + (data[p + i] >= 0xF0) > 64:
                return OK, i
    return OK, k


@kernel
def _escape(data, p, out, o):  # type: ignore[no-untyped-def]
    """Read an escape sequence; ``p`` is the position after the backslash."""
    plain = _ESCAPES[data[p]]
    if plain:
        out[o] = plain
        return OK, p + 1, o + 1, 0
    if data[p] == ord("u"):
        return _unicode(data, p + 1, out, o)
    return SYNTAX, p, o, 0


@kernel
def _unicode(data, p, out, o):  # type: ignore[no-untyped-def]
    """Read the four hexadecimal digits of an escape sequence, or both sequences of a surrogate pair."""
    status, p, code = _hexadecimal(data, p)
    if status != OK:
        return status, p, o, 0
    lone = 0
    if 0xD800 <= code < 0xE000:
        paired = False
        if code < 0xDC00 and data[p] == _SLASH and data[p + 1] == ord("u"):
            status, behind, low = _hexadecimal(data, p + 2)
            if status == OK and 0xDC00 <= low < 0xE000:
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                p, paired = behind, True
        if not paired:
            code, lone = _REPLACEMENT, 1
    if code < 0x80:
        out[o] = code
        o += 1
    elif code < 0x800:
        out[o] = 0xC0 | code >> 6
        out[o + 1] = 0x80 | code & 0x3F
        o += 2
    elif code < 0x10000:
        out[o] = 0xE0 | code >> 12
        out[o + 1] = 0x80 | code >> 6 & 0x3F
        out[o + 2] = 0x80 | code & 0x3F
        o += 3
    else:
        out[o] = 0xF0 | code >> 18
        out[o + 1] = 0x80 | code >> 12 & 0x3F
        out[o + 2] = 0x80 | code >> 6 & 0x3F
        out[o + 3] = 0x80 | code & 0x3F
        o += 4
    return OK, p, o, lone


@kernel
def _hexadecimal(data, p):  # type: ignore[no-untyped-def]
    code = np.int64(0)
    for i in range(4):
        byte = data[p + i]
        if is_digit(data[p + i]):
            digit = np.int64(byte) - _ZERO
        elif ord("a") <= byte | 32 <= ord("f"):
            digit = np.int64(byte | 32) - ord("a") + 10
        else:
            return SYNTAX, p + i, code
        code = code << 4 | digit
    return OK, p + 4, code


@kernel
def skip_string(data, p, scratch):  # type: ignore[no-untyped-def]
    """Skip a string; ``scratch`` has at least 64 bytes. Returns the status and the position after it."""
    while True:
        mask = special(data, p)
        k = first(mask)
        if not_ascii(data, p):
            status, k = _characters(data, p, k)
            if status != OK:
                return status, p + k
        p += k
        if mask == 0:
            continue
        if data[p] == _QUOTE:
            return OK, p + 1
        if data[p] != _SLASH:
            return CONTROL, p
        status, p, _, _ = _escape(data, p + 1, scratch, 0)
        if status != OK:
            return status, p


@kernel
def integer(data, p, limit):  # type: ignore[no-untyped-def]
    """Read an integer from ``-limit - 1`` to ``limit``: status, position after it, value."""
    negative = data[p] == _MINUS
    q = p + 1 if negative else p
    if not is_digit(data[q]):
        return (SYNTAX if negative else TYPE), q, 0
    if data[q] == _ZERO and is_digit(data[q + 1]):
        return SYNTAX, q + 1, 0
    value = np.uint64(0)
    begin = q
    while is_digit(data[q]):
        if q - begin < 19:
            value = value * np.uint64(10) + np.uint64(data[q] - _ZERO)
        q += 1
    byte = data[q]
    if byte == _POINT or byte | 32 == ord("e"):
        return TYPE, q, 0
    most = np.uint64(limit) + np.uint64(1 if negative else 0)
    if q - begin > 19 or value > most:
        return BIG, p, 0
    return OK, q, (np.int64(~value + np.uint64(1)) if negative else np.int64(value))


@kernel
def number(data, p):  # type: ignore[no-untyped-def]
    """Skip a number of any kind: status, position after it."""
    if data[p] == _MINUS:
        p += 1
    if data[p] == _ZERO:
        p += 1
    elif is_digit(data[p]):
        while is_digit(data[p]):
            p += 1
    else:
        return SYNTAX, p
    if data[p] == _POINT:
        p += 1
        if not is_digit(data[p]):
            return SYNTAX, p
        while is_digit(data[p]):
            p += 1
    if data[p] | 32 == ord("e"):
        p += 1
        if data[p] == _PLUS or data[p] == _MINUS:
            p += 1
        if not is_digit(data[p]):
            return SYNTAX, p
        while is_digit(data[p]):
            p += 1
    return OK, p


@kernel
def literal(data, p):  # type: ignore[no-untyped-def]
    """Read ``false``, ``true`` or ``null``: status, position after it, and 0, 1 or 2."""
    byte = data[p]
    if byte == ord("f"):
        word, which = b"false", 0
    elif byte == ord("t"):
        word, which = b"true\0", 1
    elif byte == ord("n"):
        word, which = b"null\0", 2
    else:
        return TYPE, p, 0
    length = 5 if which == 0 else 4
    for i in range(1, length):
        if data[p + i] != word[i]:
            return SYNTAX, p + i, 0
    return OK, p + length, which


@kernel
def repeats(data, p, period):  # type: ignore[no-untyped-def]
    """Number of bytes from ``p`` on that are equal to the bytes ``period`` positions before them."""
    total = 0
    while True:
        k = first(different(data, p + total, p + total - period))
        total += k
        if k < 64:
            return total


@kernel
def equals(data, p, q, length):  # type: ignore[no-untyped-def]
    """Whether ``length`` bytes from ``p`` on are equal to those from ``q`` on."""
    i = 0
    while i < length:
        k = first(different(data, p + i, q + i))
        i += k
        if k < 64:
            break
    return i >= length


@kernel
def value(data, p, scratch):  # type: ignore[no-untyped-def]
    """Skip any value: status, place behind it (or of the byte that does not fit)."""
    kinds = np.uint64(0)  # a bit per open bracket: 1 for an object
    depth = 0
    while True:
        byte = data[p]  # here a value begins
        opened = False
        if byte == _QUOTE:
            status, p = skip_string(data, p + 1, scratch)
        elif byte in (_BEGIN, _OPEN):
            if depth == DEPTH:
                return DEEP, p
            kinds = kinds << np.uint64(1) | np.uint64(byte == _BEGIN)
            depth += 1
            p = space(data, p + 1)
            opened = data[p] != (_END if byte == _BEGIN else _CLOSE)
            status = OK
        elif byte == _MINUS or is_digit(byte):
            status, p = number(data, p)
        else:
            status, p, _ = literal(data, p)
            if status == TYPE:
                status = SYNTAX
        if status != OK:
            return status, p
        while not opened:  # behind a value, or at the end of an empty bracket
            if depth == 0:
                return OK, p
            p = space(data, p)
            in_object = kinds & np.uint64(1)
            if data[p] == _COMMA:
                p = space(data, p + 1)
                opened = True
            elif data[p] == (_END if in_object else _CLOSE):
                p += 1
                depth -= 1
                kinds >>= np.uint64(1)
            else:
                return SYNTAX, p
        if kinds & np.uint64(1):
            if data[p] != _QUOTE:
                return SYNTAX, p
            status, p = skip_string(data, p + 1, scratch)
            if status != OK:
                return status, p
            p = space(data, p)
            if data[p] != _COLON:
                return SYNTAX, p
            p = space(data, p + 1)
