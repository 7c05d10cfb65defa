"""numba kernel that reads one session object of a day file into one row of columns.

The object is checked strictly while it is read; nothing of an invalid object is kept. ``token_ids`` must be
``event_sequence`` padded with 0 or cut, and ``attention_mask`` must be 1 for each event and 0 for padding, so both are
only compared with ``event_sequence``, mostly 64 bytes at a time.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from logradar.sources.radar.columns import (
    ERROR,
    EVENTS,
    EXAMPLES,
    KEYS,
    MASK,
    NOTE_EXTRA,
    NOTE_LENGTHS,
    NOTE_LOGS,
    NOTE_MASK,
    NOTE_SURROGATE,
    NOTE_TOKENS,
    NOTES,
    REQUIRED,
    SERVICE,
    SESSION,
    TOKENS,
    UNKNOWN_KEY,
    WARN,
)
from logradar.sources.radar.grammar import (
    OK,
    SYNTAX,
    TYPE,
    equals,
    integer,
    literal,
    repeats,
    space,
    string,
    value,
)
from logradar.sources.radar.vectors import inlined, kernel

# Statuses in addition to those of `grammar`:
TWICE: Final = 7  # a key occurs twice
MISSING: Final = 8  # a required key is missing

_INT32: Final = 2**31 - 1
_INT64: Final = 2**63 - 1
_NAMES: Final = np.zeros((len(KEYS), 16), np.uint8)
_SIZES: Final = np.array([len(key) for key in KEYS])
for _row, _key in enumerate(KEYS):
    _NAMES[_row, : len(_key)] = np.frombuffer(_key.encode(), np.uint8)


@kernel
def key_of(text, begin, end):  # type: ignore[no-untyped-def]
    """The index in KEYS of the key in ``text[begin:end]``, or UNKNOWN_KEY."""
    for key in range(len(_SIZES)):
        if _SIZES[key] == end - begin:
            same = True
            for i in range(end - begin):
                if text[begin + i] != _NAMES[key, i]:
                    same = False
                    break
            if same:
                return key
    return UNKNOWN_KEY


@kernel
def session(data, p, base, out):  # type: ignore[no-untyped-def]
    """Read the object at ``p`` into the next row of ``out``; ``base`` is the offset of byte 0 of ``data``.

    Returns the status, a position (after the object, or of the first invalid byte) and the index of the key concerned.
    """
    row, lines = out.used[0], out.used[1]
    begin = p
    seen = 0
    notes = 0
    extra_at = p
    events_from, events_to = out.event_ends[row], out.event_ends[row]
    text_from = text_to = tokens_at = 0
    token_count = mask_count = -1
    ones = 0
    tokens_fit = mask_fits = True
    lone = 0
    out.errors[row] = out.warns[row] = 2
    out.has_service[row] = out.has_logs[row] = 0
    out.service_ends[row + 1] = out.service_ends[row]
    out.event_ends[row + 1] = events_from
    out.log_ends[row + 1] = lines
    p = space(data, p + 1)
    more = data[p] != ord("}")
    while more:
        if data[p] != ord('"'):
            return SYNTAX, p, UNKNOWN_KEY
        key_at = p
        free = out.text_ends[lines]
        status, p, end, _ = string(data, p + 1, out.text, free)
        if status != OK:
            return status, p, UNKNOWN_KEY
        key = key_of(out.text, free, end)
        p = space(data, p)
        if data[p] != ord(":"):
            return SYNTAX, p, key
        p = space(data, p + 1)
        if key == UNKNOWN_KEY:
            if not notes & 1 << NOTE_EXTRA:
                notes |= 1 << NOTE_EXTRA
                extra_at = key_at
            status, p = value(data, p, out.text[free : free + 64])
        elif seen & 1 << key:
            return TWICE, key_at, key
        elif data[p] == ord("n") and key >= REQUIRED:
            status, p, _ = literal(data, p)
            seen |= 1 << key
            notes |= 1 << key
        else:
            seen |= 1 << key
            if key == SESSION:
                status, p, out.session_ids[row] = integer(data, p, _INT64)
            elif key == EVENTS:
                status, p, events_to, text_from, text_to = _integers(data, p, out.events, events_from)
                out.event_ends[row + 1] = events_to
            elif key == TOKENS:
                tokens_at = p
                status, p, token_count, tokens_fit = _tokens(
                    data, p, out.events, events_from, events_to, text_from, text_to
                )
                if seen & 1 << EVENTS:
                    tokens_at = 0
            elif key == MASK:
                status, p, ones, mask_count, mask_fits = _mask(data, p)
            elif key == ERROR:
                status, p, out.errors[row] = _boolean(data, p)
            elif key == WARN:
                status, p, out.warns[row] = _boolean(data, p)
            elif key == SERVICE:
                out.has_service[row] = 1
                status, p, end, bad = _name(data, p, out.services, out.service_ends[row])
                out.service_ends[row + 1] = end
                lone += bad
            else:
                out.has_logs[row] = 1
                status, p, lines, bad = _strings(data, p, out, lines)
                out.log_ends[row + 1] = lines
                lone += bad
        if status != OK:
            return status, p, key
        p = space(data, p)
        if data[p] == ord(","):
            p = space(data, p + 1)
        elif data[p] == ord("}"):
            more = False
        else:
            return SYNTAX, p, UNKNOWN_KEY
    for key in range(len(_SIZES)):
        if not seen & 1 << key:
            if key < REQUIRED:
                return MISSING, p, key
            notes |= 1 << key
    count = events_to - events_from
    if tokens_at:  # they precede the events
        _, _, _, tokens_fit = _tokens(data, tokens_at, out.events, events_from, events_to, text_from, text_to)
    if token_count >= 0 and not tokens_fit:
        notes |= 1 << NOTE_TOKENS
    if mask_count >= 0 and not (mask_fits and ones == min(count, mask_count)):
        notes |= 1 << NOTE_MASK
    if token_count >= 0 and mask_count >= 0 and token_count != mask_count:
        notes |= 1 << NOTE_LENGTHS
    if out.has_logs[row] and lines - out.log_ends[row] != count:
        notes |= 1 << NOTE_LOGS
    if lone:
        notes |= 1 << NOTE_SURROGATE
    out.token_lengths[row] = token_count if token_count >= 0 else mask_count
    out.offsets[row] = base + begin
    out.ends[row] = base + p + 1
    for note in range(NOTES):
        if notes & 1 << note:
            _note(out.notes[note], base + (extra_at if note == NOTE_EXTRA else begin))
    out.used[0], out.used[1] = row + 1, lines
    return OK, p + 1, UNKNOWN_KEY


@kernel
def _note(note, at):  # type: ignore[no-untyped-def]
    note[0] += 1
    if note[0] <= EXAMPLES:
        note[note[0]] = at


@kernel
def _boolean(data, p):  # type: ignore[no-untyped-def]
    status, behind, which = literal(data, p)
    return status, behind, np.uint8(which)


@kernel
def _name(data, p, out, o):  # type: ignore[no-untyped-def]
    if data[p] != ord('"'):
        return TYPE, p, o, 0
    return string(data, p + 1, out, o)


@inlined
def _first_element(data, p):  # type: ignore[no-untyped-def]
    """Begin an array at ``p``: status, position of its first element or after its end, whether it has an element."""
    if data[p] != ord("["):
        return TYPE, p, False
    p = space(data, p + 1)
    if data[p] == ord("]"):
        return OK, p + 1, False
    return OK, p, True


@inlined
def _next_element(data, p):  # type: ignore[no-untyped-def]
    """Go on after an element: status, position of the next one or after the end of the array, whether there is one."""
    p = space(data, p)
    if data[p] == ord("]"):
        return OK, p + 1, False
    if data[p] != ord(","):
        return SYNTAX, p, False
    return OK, space(data, p + 1), True


@kernel
def _strings(data, p, out, lines):  # type: ignore[no-untyped-def]
    """Read an array of strings: status, position, number of lines after it, number of lone surrogates."""
    lone = 0
    status, p, more = _first_element(data, p)
    while more:
        if data[p] != ord('"'):
            return TYPE, p, lines, lone
        status, p, end, bad = string(data, p + 1, out.text, out.text_ends[lines])
        if status != OK:
            return status, p, lines, lone
        lines += 1
        out.text_ends[lines] = end
        lone += bad
        status, p, more = _next_element(data, p)
    return status, p, lines, lone


@kernel
def _integers(data, p, values, count):  # type: ignore[no-untyped-def]
    """Read an array of int32: status, position, count after it, begin and end of the text of its elements."""
    status, p, more = _first_element(data, p)
    begin = end = p
    while more:
        status, p, number = integer(data, p, _INT32)
        if status != OK:
            return status, p, count, begin, end
        values[count] = number
        count += 1
        end = p
        status, p, more = _next_element(data, p)
    return status, p, count, begin, end


@kernel
def _tokens(data, p, values, begin, end, text_from, text_to):  # type: ignore[no-untyped-def]
    """Compare an array with ``values[begin:end]`` padded with 0 or cut: status, position, length, whether it is equal.

    ``data[text_from:text_to]`` is the text of the values in ``event_sequence``.
    """
    count, fits, before = 0, True, -1
    status, p, more = _first_element(data, p)
    length = text_to - text_from
    at_value = True
    if more and length > 0 and equals(data, p, text_from, length):
        byte = data[p + length]
        if byte == ord(",") or byte == ord("]") or byte <= 32:
            p, count, at_value = p + length, end - begin, False
    while more:
        if at_value:
            status, behind, number = integer(data, p, _INT64)
            if status != OK:
                return status, behind, count, fits
            fits = fits and number == (values[begin + count] if count < end - begin else 0)
            count += 1
            padding = number == 0 and count > end - begin and behind == p + 1
            if padding and before >= 0:
                period = p - before
                times = repeats(data, p, period) // period
                if times:
                    p, count, before = p + times * period, count + times - 1, -1
                    continue
            before = p if padding else -1
            p = behind
        status, p, more = _next_element(data, p)
        at_value = True
    return status, p, count, fits


@kernel
def _mask(data, p):  # type: ignore[no-untyped-def]
    """Read an array that should be ones and then zeros: status, position, ones, length, whether it is so."""
    count = ones = 0
    fits, before, last = True, -1, 1
    status, p, more = _first_element(data, p)
    while more:
        status, behind, number = integer(data, p, _INT64)
        if status != OK:
            return status, behind, ones, count, fits
        fits = fits and (number == 0 or number == 1) and number <= last
        count += 1
        ones += number == 1
        short = behind == p + 1
        if short and before >= 0 and number == last:
            period = p - before
            times = repeats(data, p, period) // period
            if times:
                p, count, before = p + times * period, count + times - 1, -1
                ones += times - 1 if number == 1 else 0
                continue
        before = p if short else -1
        last = number
        status, p, more = _next_element(data, behind)
    return status, p, ones, count, fits
