"""Kernels over count vectors, held as sorted rows of template ids: [3, 3, 5] is twice 3 and once 5.

The L1 distance of two vectors is the number of events in both, less twice the number that they share. So only
templates that both have are compared: an index says which prototypes have a template.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from logradar.core.kernels import kernel, lower_bound, read_only

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


def postings(values: Ids, offsets: Ints, templates: Ids) -> tuple[Ints, Ints, Ints]:
    """Index of sorted rows: where the entries of each of ``templates`` (sorted) begin, their rows and their counts."""
    values, templates = read_only(values), read_only(templates)
    first = np.ones(len(values), bool)  # of its template in its row
    first[1:] = values[1:] != values[:-1]
    first[offsets[:-1][offsets[:-1] < len(values)]] = True
    sizes = np.bincount(np.searchsorted(templates, values[first]), minlength=len(templates))
    begin = np.append(0, np.cumsum(sizes))
    rows, counts = np.empty(begin[-1], np.int64), np.zeros(begin[-1], np.int64)
    _post(values, offsets, templates, begin[:-1].copy(), rows, counts)
    return begin, rows, counts


@kernel
def _post(values, offsets, templates, at, rows, counts):  # type: ignore[no-untyped-def]
    for row in range(len(offsets) - 1):
        entry = -1
        for i in range(offsets[row], offsets[row + 1]):
            if i == offsets[row] or values[i] != values[i - 1]:
                template = lower_bound(templates, values[i])
                entry = at[template]
                rows[entry] = row
                at[template] += 1
            counts[entry] += 1


def nearest(
    values: Ids, offsets: Ints, templates: Ids, begin: Ints, rows: Ints, counts: Ints, sizes: Ints
) -> tuple[Ints, Floats]:
    """For each sorted row the nearest prototype (the first of equally near ones) and its distance.

    The distance is the L1 distance divided by the number of events in the longer of the two.
    """
    chosen, distance = np.empty(len(offsets) - 1, np.int64), np.empty(len(offsets) - 1, np.float64)
    shared = np.zeros(len(sizes), np.int64)
    index = (begin, rows, counts, sizes)
    _nearest(read_only(values), offsets, read_only(templates), *index, shared, chosen, distance)
    return chosen, distance


@kernel
def _nearest(values, offsets, templates, begin, rows, counts, sizes, shared, chosen, distance):  # type: ignore[no-untyped-def]
    for row in range(len(chosen)):
        start, stop = offsets[row], offsets[row + 1]
        i = start
        while i < stop:
            last = i
            while last < stop and values[last] == values[i]:
                last += 1
            template = lower_bound(templates, values[i])
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


def surpluses(
    values: Ids, offsets: Ints, templates: Ids, chosen: Ints, others: Ids, bounds: Ints
) -> npt.NDArray[np.float32]:
    """For each value of a sorted row how many more of it the row has than its prototype ``chosen``.

    ``others`` and ``bounds`` are the prototypes as rows. Values that are not in ``templates`` count as one template.
    """
    out = np.zeros(len(values), np.float32)
    _surpluses(read_only(values), offsets, read_only(templates), chosen, read_only(others), bounds, out)
    return out


@kernel
def _surpluses(values, offsets, templates, chosen, others, bounds, out):  # type: ignore[no-untyped-def]
    for row in range(len(offsets) - 1):
        i, stop = offsets[row], offsets[row + 1]
        place, end = bounds[chosen[row]], bounds[chosen[row] + 1]
        unknown = 0
        while i < stop:
            last = i
            while last < stop and values[last] == values[i]:
                last += 1
            template = lower_bound(templates, values[i])
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
