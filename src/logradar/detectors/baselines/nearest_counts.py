"""Kernels over count vectors, held as sorted rows of template ids: [3, 3, 5] is twice 3 and once 5.

The L1 distance of two vectors is the number of events in both, less twice the number that they share. So only
templates that both have are compared: an index says which prototypes have a template.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
_SHORT = 64  # values up to which a row is sorted by insertion


@numba.njit(cache=True, nogil=True)
def ordered(values: Ids, offsets: Ints) -> Ints:
    """The places of the values that put each row in ascending order; equal values keep their order."""
    out = np.empty(len(values), np.int64)
    for row in range(len(offsets) - 1):
        start, stop = offsets[row], offsets[row + 1]
        if stop - start > _SHORT:
            out[start:stop] = start + np.argsort(values[start:stop], kind="mergesort")
            continue
        for i in range(start, stop):
            j = i
            while j > start and values[out[j - 1]] > values[i]:
                out[j] = out[j - 1]
                j -= 1
            out[j] = i
    return out


@numba.njit(cache=True, nogil=True)
def postings(values: Ids, offsets: Ints, templates: Ids) -> tuple[Ints, Ints, Ints]:
    """Index of sorted rows: where the entries of each of ``templates`` (sorted) begin, their rows and their counts."""
    begin = np.zeros(len(templates) + 1, np.int64)
    for row in range(len(offsets) - 1):
        for i in range(offsets[row], offsets[row + 1]):
            if i == offsets[row] or values[i] != values[i - 1]:
                begin[np.searchsorted(templates, values[i]) + 1] += 1
    begin = np.cumsum(begin)
    at, rows, counts = begin[:-1].copy(), np.empty(begin[-1], np.int64), np.zeros(begin[-1], np.int64)
    for row in range(len(offsets) - 1):
        entry = -1
        for i in range(offsets[row], offsets[row + 1]):
            if i == offsets[row] or values[i] != values[i - 1]:
                template = np.searchsorted(templates, values[i])
                entry = at[template]
                rows[entry] = row
                at[template] += 1
            counts[entry] += 1
    return begin, rows, counts


@numba.njit(cache=True, nogil=True)
def nearest(
    values: Ids, offsets: Ints, templates: Ids, begin: Ints, rows: Ints, counts: Ints, sizes: Ints
) -> tuple[Ints, Floats]:
    """For each sorted row the nearest prototype (the first of equally near ones) and its distance.

    The distance is the L1 distance divided by the number of events in the longer of the two.
    """
    chosen, distance = np.empty(len(offsets) - 1, np.int64), np.empty(len(offsets) - 1, np.float64)
    shared = np.zeros(len(sizes), np.int64)
    for row in range(len(chosen)):
        start, stop = offsets[row], offsets[row + 1]
        i = start
        while i < stop:
            last = i
            while last < stop and values[last] == values[i]:
                last += 1
            template = np.searchsorted(templates, values[i])
            if template < len(templates) and templates[template] == values[i]:
                for entry in range(begin[template], begin[template + 1]):
                    shared[rows[entry]] += min(counts[entry], last - i)
            i = last
        best, least = 0, np.inf
        for prototype in range(len(sizes)):
            size = stop - start
            apart = (size + sizes[prototype] - 2 * shared[prototype]) / max(size, sizes[prototype], 1)
            if apart < least:
                best, least = prototype, apart
            shared[prototype] = 0
        chosen[row], distance[row] = best, least
    return chosen, distance


@numba.njit(cache=True, nogil=True)
def surpluses(
    values: Ids, offsets: Ints, templates: Ids, chosen: Ints, others: Ids, bounds: Ints
) -> npt.NDArray[np.float32]:
    """For each value of a sorted row how many more of it the row has than its prototype ``chosen``.

    ``others`` and ``bounds`` are the prototypes as rows. Values that are not in ``templates`` count as one template.
    """
    out = np.zeros(len(values), np.float32)
    for row in range(len(offsets) - 1):
        i, stop = offsets[row], offsets[row + 1]
        place, end = bounds[chosen[row]], bounds[chosen[row] + 1]
        unknown = 0
        while i < stop:
            last = i
            while last < stop and values[last] == values[i]:
                last += 1
            template = np.searchsorted(templates, values[i])
            if template == len(templates) or templates[template] != values[i]:
                unknown += last - i
                out[i:last] = -1
                i = last
                continue
            while place < end and others[place] < values[i]:
                place += 1
            expected = 0
            while place < end and others[place] == values[i]:
                expected += 1
                place += 1
            out[i:last] = max(last - i - expected, 0)
            i = last
        if unknown:
            for i in range(offsets[row], stop):
                if out[i] < 0:
                    out[i] = unknown
    return out
