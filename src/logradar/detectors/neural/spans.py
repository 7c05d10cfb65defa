"""Overlapping spans of rows that are too long for a network, so that memory is bounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Sequences

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spans:
    """Runs of values of several rows: ``sequences[i]`` are values of row ``row[i]`` from place ``start[i]`` on.

    The first ``known[i]`` values of a span are also in the span before it: they are there
    as context. Every value of every row is in exactly one span after those.
    """

    sequences: Sequences
    row: Ints
    start: Ints
    known: Ints


def spans(sequences: Sequences, longest: int, overlap: int) -> Spans:
    """Each row as spans of at most ``longest`` values that share ``overlap`` with the one before; with its count.

    >>> found = spans(Sequences.from_lists([[3, 4, 5, 6, 7], [8]]), longest=3, overlap=1)
    >>> [span.tolist() for span in found.sequences], found.known.tolist()
    ([[3, 4, 5], [5, 6, 7], [8]], [0, 1, 0])
    """
    lengths, step = sequences.lengths, longest - overlap
    parts = np.maximum(-(-(lengths - overlap) // step), 1)
    row = np.repeat(np.arange(len(sequences), dtype=np.int64), parts)
    start = step * (np.arange(len(row)) - np.repeat(np.cumsum(parts) - parts, parts))
    offsets = np.zeros(len(row) + 1, np.int64)
    np.cumsum(np.minimum(lengths[row] - start, longest), out=offsets[1:])
    if len(row) == len(sequences):  # no row is too long
        values = sequences.values
    else:
        shift = np.repeat(sequences.offsets[row] + start - offsets[:-1], np.diff(offsets))
        values = sequences.values[np.arange(offsets[-1]) + shift]
    cut = Sequences(values, offsets, sequences.counts[row], np.arange(len(row), dtype=np.int64))
    return Spans(cut, row, start, np.where(start > 0, overlap, 0))
