"""Walks through a top-level array from object to object, also if parts of it are damaged.

After damage the walk continues at the next *mark*: ``{``, white space, a known key in plain quotes, white space, ``:``.
Inside a string every quote is preceded by a backslash, so a mark occurs only at the beginning of an object. In a
valid object no mark is searched for.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from logradar.sources.radar.columns import UNKNOWN_KEY, Columns
from logradar.sources.radar.decode import key_of, session
from logradar.sources.radar.grammar import DEEP, OK, TYPE, value
from logradar.sources.radar.vectors import braces, first, kernel

# Statuses in addition to those of `decode`:
CUT: Final = 9  # the data ends inside an object
HUGE: Final = 10  # an object is larger than the limit
ENDLESS: Final = 17  # an object does not end before another begins
ELEMENT: Final = 11  # an element of the array is not an object
BETWEEN: Final = 12  # there is something other than a comma between objects
COMMA: Final = 13  # a comma is missing, or there is one too many
BEHIND: Final = 14  # there is something after the end of the array
HEAD: Final = 15  # there is no array
OPEN: Final = 16  # the data ends before the array ends

START, FIRST, AFTER, NEXT, SEARCH, DONE = range(6)  # the position of the walk in the array
MORE, FULL = 0, 1  # why the walk paused: no data left, no space left for faults

ROOM: Final = 1024
_GAP: Final = 4096  # longest white space in a mark


class Trail(NamedTuple):
    """The state of a walk, and the faults that it has found."""

    at: npt.NDArray[np.int64]  # state, number of faults
    faults: npt.NDArray[np.int64]  # ROOM x (status, key, begin, end, first invalid byte)
    scratch: npt.NDArray[np.uint8]


def begin() -> Trail:
    """A walk before the first byte."""
    return Trail(np.zeros(2, np.int64), np.zeros((ROOM, 5), np.int64), np.zeros(128, np.uint8))


@kernel
def _fault(trail, base, status, key, begin, end, place):  # type: ignore[no-untyped-def]
    row = trail.faults[trail.at[1]]
    row[0], row[1], row[2], row[3], row[4] = status, key, base + begin, base + end, base + place
    trail.at[1] += 1


@kernel
def _blank(data, p, end):  # type: ignore[no-untyped-def]
    while p < end and (data[p] == 32 or 9 <= data[p] <= 10 or data[p] == 13):
        p += 1
    return p


@kernel
def _mark(data, p, end):  # type: ignore[no-untyped-def]
    """The position of the next mark from ``p`` on, and whether there is one; if not, bytes before it can be skipped."""
    while p < end:
        k = first(braces(data, p))
        p += k
        if k == 64:
            continue
        if p >= end:
            break
        q = _blank(data, p + 1, min(end, p + _GAP))
        if q == end:
            return p, False
        if data[q] == 34:
            name = q + 1
            q = name
            while q < min(end, name + 16) and data[q] != 34:
                q += 1
            if q == end:
                return p, False
            if data[q] == 34 and key_of(data, name, q) != UNKNOWN_KEY:
                q = _blank(data, q + 1, min(end, q + _GAP))
                if q == end:
                    return p, False
                if data[q] == 58:
                    return p, True
        p += 1
    return end, False


@kernel
def _walk(data, p, end, base, final, trail, out):  # type: ignore[no-untyped-def]
    while trail.at[1] < ROOM - 2:
        state = trail.at[0]
        if state == SEARCH:
            p, is_mark = _mark(data, p, end)
            if not is_mark:
                return (end if final else p), MORE
            trail.at[0] = NEXT
            continue
        p = _blank(data, p, end)
        if p == end:
            if final and state != DONE:
                _fault(trail, base, HEAD if state == START else OPEN, UNKNOWN_KEY, p, p, p)
                trail.at[0] = DONE
            return p, MORE
        byte = data[p]
        if state in (START, DONE):
            if byte == 0xEF and state == START:  # a byte order mark
                if p + 3 > end and not final:
                    return p, MORE
                if data[p + 1] == 0xBB and data[p + 2] == 0xBF:
                    p += 3
                    continue
            if byte == 91 and state == START:
                p += 1
                trail.at[0] = FIRST
                continue
            _fault(trail, base, HEAD if state == START else BEHIND, UNKNOWN_KEY, p, end, p)
            trail.at[0] = SEARCH
        elif byte == 93:
            if state == NEXT:
                _fault(trail, base, COMMA, UNKNOWN_KEY, p, p + 1, p)
            p += 1
            trail.at[0] = DONE
        elif byte == 44:
            if state != AFTER:
                _fault(trail, base, COMMA, UNKNOWN_KEY, p, p + 1, p)
            p += 1
            trail.at[0] = NEXT
        elif state == AFTER:
            comma = byte == 123
            _fault(trail, base, COMMA if comma else BETWEEN, UNKNOWN_KEY, p, p if comma else end, p)
            trail.at[0] = NEXT if comma else SEARCH
        else:
            status, place, key = OK, p, UNKNOWN_KEY
            if byte == 123:
                status, place, key = session(data, p, base, out)
                if status == TYPE and _mark(data, place, min(end, place + _GAP)) == (place, True):
                    _fault(trail, base, ENDLESS, UNKNOWN_KEY, p, end, place)
                    p += 1
                    trail.at[0] = SEARCH
                    continue
            if byte != 123 or status > DEEP:  # perhaps valid JSON, but not a session: find its end
                sound, behind = value(data, p, trail.scratch)
                if sound == OK and byte != 123:
                    status = ELEMENT
                    after = _blank(data, behind, end)
                    if after == end and not final:
                        return p, MORE
                    if (after < end and data[after] != 44 and data[after] != 93) or _mark(data, p, behind)[1]:
                        sound, behind = BETWEEN, p  # a wrong quote or bracket: there may be sessions inside
                if sound == OK:
                    _fault(trail, base, status, key, p, behind, behind)
                    p = behind
                    trail.at[0] = AFTER
                    continue
                status, place, key = sound, behind, UNKNOWN_KEY
            if status == OK:
                p = place
                trail.at[0] = AFTER
                continue
            if place >= end:
                if not final:
                    return p, MORE
                status, key = (ENDLESS if _mark(data, p + 1, end)[1] else CUT), UNKNOWN_KEY
            _fault(trail, base, status, key, p, end, place)
            p += 1
            trail.at[0] = SEARCH
    return p, FULL


def _kernels(version: str) -> tuple[Any, Any]:
    """The two kernels that Python calls, compiled once and cached on disk.

    To decide whether the cache is valid, numba checks only one source file and the values that a function captures.
    ``version`` therefore changes with every file that the kernels consist of.
    """

    @numba.njit(cache=True, nogil=True)
    def walk(data, p, end, base, final, trail, out):  # type: ignore[no-untyped-def]
        _ = version
        return _walk(data, p, end, base, final, trail, out)

    @numba.njit(cache=True, nogil=True)
    def mark(data, p, end):  # type: ignore[no-untyped-def]
        _ = version
        return _mark(data, p, end)

    return walk, mark


def _version() -> str:
    """A hash of the files that the kernels consist of."""
    digest = hashlib.sha256()
    for name in ("vectors.py", "grammar.py", "columns.py", "decode.py", "walk.py"):
        file = Path(__file__).with_name(name)
        digest.update(file.read_bytes() if file.exists() else b"")
    return digest.hexdigest()


_COMPILED: Final = _kernels(_version())


def walk(
    data: npt.NDArray[np.uint8], p: int, end: int, base: int, final: bool, trail: Trail, out: Columns
) -> tuple[int, int]:
    """Read what ``data[p:end]`` holds into ``out``; ``final`` says that this is the end of the file.

    ``base`` is the offset of byte 0 of ``data``. Returns the position up to which all is done, and `MORE` or `FULL`.
    """
    place, why = _COMPILED[0](data, p, end, base, final, trail, out)
    return int(place), int(why)


def mark(data: npt.NDArray[np.uint8], p: int, end: int) -> tuple[int, bool]:
    """The position of the next mark in ``data[p:end]``, and whether there is one."""
    place, is_mark = _COMPILED[1](data, p, end)
    return int(place), bool(is_mark)
