"""Distinct windows, against plain Python."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from logradar.core.distinct import count_distinct
from logradar.core.sequences import Sequences
from logradar.core.tables import PADDING
from logradar.detectors.neural import windows as module
from logradar.detectors.neural.windows import chunks, rows_of, windows, windows_of

ROWS = [[3, 4, 5, 4, 3], [], [3, 4, 5, 4, 3], [7], [4, 4, 4, 4], [3, 4]]


def plain(rows: list[list[int]], size: int, ends: bool) -> list[tuple[int, ...]]:
    """All windows with their target: first all events, then all ends."""
    places, last = [], []
    for row in rows:
        padded = [PADDING] * size + row
        places += [(*padded[i : i + size], row[i]) for i in range(len(row))]
        last += [(*padded[len(row) :], PADDING)]
    return places + last if ends else places


@pytest.mark.parametrize("size", [1, 3, 10])
@pytest.mark.parametrize("ends", [True, False])
def test_windows_are_those_of_a_plain_loop(size, ends):
    sequences = Sequences.from_lists(ROWS).distinct()
    distinct = [list(row) for row in sequences]
    distinct_windows = windows(sequences, size, ends)
    table = [
        (*history.tolist(), int(target))
        for history, target in zip(distinct_windows.history, distinct_windows.target, strict=True)
    ]
    assert len(set(table)) == len(table)
    assert [table[i] for i in distinct_windows.inverse] == plain(distinct, size, ends)
    assert dict(zip(table, distinct_windows.counts.tolist(), strict=True)) == Counter(plain(ROWS, size, ends))


@pytest.mark.parametrize("ends", [True, False])
def test_chunks_give_the_same_windows(monkeypatch, ends):
    monkeypatch.setattr(module, "CHUNK", 6)
    sequences = Sequences.from_lists(ROWS)
    parts = list(chunks(sequences))
    assert len(parts) > 2
    assert [row.tolist() for _, part in parts for row in part] == ROWS
    assert [row for rows, _ in parts for row in range(rows.start, rows.stop)] == list(range(len(ROWS)))
    distinct_windows = windows_of(count_distinct(rows_of(windows(part, 3, ends)) for _, part in parts).loaded(), 3)
    table = zip(
        distinct_windows.history.tolist(),
        distinct_windows.target.tolist(),
        distinct_windows.counts.tolist(),
        strict=True,
    )
    assert {(*history, target): count for history, target, count in table} == Counter(plain(ROWS, 3, ends))


def test_no_rows_no_chunks():
    assert list(chunks(Sequences.from_lists([]))) == []


def test_a_row_longer_than_a_chunk_stays_whole(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 2)
    sequences = Sequences.from_lists([[3], [3, 4, 5, 6], [7]])
    assert [part.lengths.tolist() for _, part in chunks(sequences)] == [[1], [4], [1]]
    assert np.concatenate([part.values for _, part in chunks(sequences)]).tolist() == [3, 3, 4, 5, 6, 7]
