"""Windows over sequences of tokens: the tokens before each event, and before the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Sequences
from logradar.core.tables import PADDING

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]

CHUNK: Final = 1 << 19  # events at a time, so that memory does not grow with the input


@dataclass(frozen=True, eq=False)
class Windows:
    """Distinct windows and the places where they occur.

    ``history[i]`` holds the tokens before, padded at the front, ``target[i]`` the token that
    came, ``counts[i]`` how often. ``inverse[j]`` is the window of place ``j``: first all events
    in the order of the sequences' values, then the ends of all rows when ends are wanted.
    """

    history: Ids
    target: Ids
    counts: Ints
    inverse: Ints


def windows(sequences: Sequences, size: int, ends: bool) -> Windows:
    """Distinct windows of ``size`` over ``sequences`` of tokens, weighted by the rows' counts."""
    closed = _closed(sequences) if ends else sequences
    history, target = closed.windows(size, pad=PADDING)
    table = np.column_stack([history, target])
    offsets = np.arange(len(table) + 1, dtype=np.int64) * (size + 1)
    places = np.arange(len(table), dtype=np.int64)
    flat = Sequences(table.ravel(), offsets, sequences.counts[closed.rows], places).distinct()
    table = flat.values.reshape(-1, size + 1)
    is_end = closed.positions == np.repeat(sequences.lengths, closed.lengths)
    inverse = np.concatenate([flat.inverse[~is_end], flat.inverse[is_end]])
    return Windows(table[:, :size], table[:, size], flat.counts, inverse)


def chunks(sequences: Sequences) -> Iterator[tuple[slice, Sequences]]:
    """Runs of whole rows with about ``CHUNK`` values each, with the slice of rows that they are."""
    return sequences.parts(CHUNK)


def rows_of(distinct: Windows) -> Sequences:
    """Windows as rows of integers: the tokens before, then the one that came; with their counts."""
    table = np.column_stack([distinct.history, distinct.target])
    flat = Sequences.of(table.ravel(), np.arange(len(table) + 1, dtype=np.int64) * table.shape[1])
    return Sequences(flat.values, flat.offsets, distinct.counts, flat.inverse)


def windows_of(rows: Sequences, size: int) -> Windows:
    """Undo `rows_of`; the places are gone."""
    table = rows.values.reshape(-1, size + 1)
    return Windows(table[:, :size], table[:, size], rows.counts, np.empty(0, np.int64))


def _closed(sequences: Sequences) -> Sequences:
    """Every row with one ``PADDING`` behind it, the token of the end."""
    offsets = sequences.offsets + np.arange(len(sequences) + 1)
    values = np.full(int(offsets[-1]), PADDING, np.int32)
    values[np.arange(len(sequences.values)) + sequences.rows] = sequences.values
    return Sequences.of(values, offsets)
