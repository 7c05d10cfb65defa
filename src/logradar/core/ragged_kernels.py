"""numba kernels for ragged rows of integers: hash, group, select and sort rows; used by `logradar.core.sequences`.

numba is slow to import, so `sequences` imports this file only when it calls a kernel.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from logradar.core.kernels import inner, kernel, read_only

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
_FREE = -1
_SHORT = 64  # values up to which a row is sorted by insertion


@inner
def _mix(x):  # type: ignore[no-untyped-def]
    """The finaliser of splitmix64 (Steele et al., OOPSLA 2014): every input bit affects every output bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def hashed(values: npt.NDArray, offsets: Ints, multiplier: np.uint64) -> Hashes:
    """A hash of every row: the sum of mixed (value, position) pairs, so that order matters; 0 for empty rows.

    ``multiplier`` is a 64-bit constant whose lowest bit is set.
    """
    out = np.empty(len(offsets) - 1, np.uint64)
    _hash(read_only(values), read_only(offsets), multiplier, out)
    return out


@kernel
def _hash(values, offsets, multiplier, out):  # type: ignore[no-untyped-def]
    for row in range(len(out)):
        total, start = np.uint64(0), offsets[row]
        for i in range(start, offsets[row + 1]):
            place = _mix(np.uint64(i - start + 1) * multiplier)
            total += _mix((np.uint64(np.int64(values[i])) + np.uint64(1)) * multiplier ^ place)
        out[row] = total


def grouped(values: npt.NDArray, offsets: Ints, hashes: Hashes, counts: Ints) -> tuple[Ints, Ints, Ints]:
    """Groups of equal rows, in order of first appearance. Rows with equal hashes are compared value by value.

    Returns the index of the first row of every group, the sum of ``counts`` in every group, and the group of
    every row.
    """
    rows, bits = len(offsets) - 1, 4
    while (1 << bits) < 2 * rows:
        bits += 1
    table, shift = np.full(1 << bits, _FREE, np.int64), np.uint64(64 - bits)
    first, total, inverse = np.empty(rows, np.int64), np.zeros(rows, np.int64), np.empty(rows, np.int64)
    given = (read_only(values), read_only(offsets), read_only(hashes), read_only(counts))
    groups = _group(*given, table, shift, first, total, inverse)
    return first[:groups].copy(), total[:groups].copy(), inverse


@kernel
def _group(values, offsets, hashes, counts, table, shift, first, total, inverse):  # type: ignore[no-untyped-def]
    groups, below = 0, len(table) - 1
    for row in range(len(inverse)):
        start, length = offsets[row], offsets[row + 1] - offsets[row]
        slot = np.int64((hashes[row] * np.uint64(0x9E3779B97F4A7C15)) >> shift)
        while True:
            group = table[slot]
            if group == _FREE:
                group = groups
                groups += 1
                table[slot] = group
                first[group] = row
                break
            other = first[group]
            if hashes[other] == hashes[row] and offsets[other + 1] - offsets[other] == length:
                there, same = offsets[other], True
                for i in range(length):
                    if values[there + i] != values[start + i]:
                        same = False
                        break
                if same:
                    break
            slot = (slot + 1) & below
        inverse[row] = group
        total[group] += counts[row]
    return groups


def picked(values: npt.NDArray, offsets: Ints, rows: Ints) -> tuple[npt.NDArray, Ints]:
    """Values and offsets of the rows with these indices, in this order."""
    ends = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(offsets[rows + 1] - offsets[rows], out=ends[1:])
    if values.dtype != np.int32:  # rare; not worth a kernel of its own
        return values[np.arange(ends[-1]) + np.repeat(offsets[rows] - ends[:-1], np.diff(ends))], ends
    out = np.empty(ends[-1], values.dtype)
    _pick(read_only(values), read_only(offsets), read_only(rows), ends, out)
    return out, ends


@kernel
def _pick(values, offsets, rows, ends, out):  # type: ignore[no-untyped-def]
    for i in range(len(rows)):
        start = offsets[rows[i]]
        for j in range(ends[i + 1] - ends[i]):
            out[ends[i] + j] = values[start + j]


def ordered(values: npt.NDArray, offsets: Ints) -> Ints:
    """The places of the values that put each row in ascending order; equal values keep their order."""
    out = np.empty(len(values), np.int64)
    _order_short(read_only(values), offsets, out)
    for row in np.flatnonzero(np.diff(offsets) > _SHORT):
        start, stop = offsets[row], offsets[row + 1]
        out[start:stop] = start + np.argsort(values[start:stop], kind="stable")
    return out


@kernel
def _order_short(values, offsets, out):  # type: ignore[no-untyped-def]
    for row in range(len(offsets) - 1):
        start, stop = offsets[row], offsets[row + 1]
        if stop - start > _SHORT:
            continue
        for i in range(start, stop):
            j = i
            while j > start and values[out[j - 1]] > values[i]:
                out[j] = out[j - 1]
                j -= 1
            out[j] = i
