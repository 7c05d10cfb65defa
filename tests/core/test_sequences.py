"""Ragged sequences: distinct rows, windows and padding against plain Python."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from logradar.core.sequences import Sequences

Sequences.from_lists([[1]]).distinct()  # compiled before hypothesis looks at the clock
rows_of_ids = st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=30)


@given(rows_of_ids)
def test_distinct_keeps_order_counts_and_inverse(rows):
    distinct = Sequences.from_lists(rows).distinct()
    kept = [tuple(row.tolist()) for row in distinct]
    assert kept == list(dict.fromkeys(map(tuple, rows)))
    assert dict(zip(kept, distinct.counts.tolist(), strict=True)) == dict(Counter(map(tuple, rows)))
    assert [kept[i] for i in distinct.inverse] == list(map(tuple, rows))


@given(rows_of_ids)
def test_distinct_of_distinct_adds_up(rows):
    twice = Sequences.from_lists(rows).distinct().distinct()
    assert twice.counts.sum() == len(rows)
    assert len(twice.inverse) == len(rows)


@given(rows_of_ids, st.integers(1, 4))
def test_windows_hold_what_came_before(rows, size):
    history, target = Sequences.from_lists(rows).windows(size, pad=9)
    expected = [([9] * size + row)[i : i + size] for row in rows for i in range(len(row))]
    assert history.tolist() == expected
    assert target.tolist() == [value for row in rows for value in row]


@given(rows_of_ids)
def test_sums_and_maxima(rows):
    sequences = Sequences.from_lists(rows)
    assert sequences.sums(sequences.values).tolist() == [sum(row) for row in rows]
    assert sequences.maxima(sequences.values).tolist() == [max(row, default=0) for row in rows]


def test_zero_copy_from_arrow():
    column = pa.array([[3, 4], [], [5]], pa.list_(pa.int32()))
    sequences = Sequences.from_arrow(column)
    assert [row.tolist() for row in sequences] == [[3, 4], [], [5]]
    assert sequences.values.ctypes.data == column.values.buffers()[1].address


def test_from_a_sliced_and_a_chunked_column():
    column = pa.array([[3, 4], [6], [5]], pa.list_(pa.int32()))
    assert [row.tolist() for row in Sequences.from_arrow(column[1:])] == [[6], [5]]
    both = pa.chunked_array([column[:1], column[2:]])
    assert [row.tolist() for row in Sequences.from_arrow(both)] == [[3, 4], [5]]
    assert len(Sequences.from_arrow(pa.chunked_array([], pa.list_(pa.int32())))) == 0


def test_padded_to_the_longest_and_cut_to_a_length():
    sequences = Sequences.from_lists([[3, 4, 5], [6]])
    assert sequences.padded(np.array([1, 0])).tolist() == [[6, 0, 0], [3, 4, 5]]
    assert sequences.padded(np.array([0]), length=2).tolist() == [[3, 4]]


def test_order_and_place_change_the_fingerprint():
    prints = Sequences.from_lists([[3, 4], [4, 3], [3], [3, 3], []]).fingerprints()
    assert len(set(prints.tolist())) == 5
    assert prints[-1] == 0


def test_fingerprints_stay_what_bundles_hold():
    prints = Sequences.from_lists([[3, 4], [], [2**31 - 1, -1]]).fingerprints()
    assert prints.tolist() == [5560985616851461748, 0, 7526475665338600681]


def test_parts_are_whole_rows_with_their_counts():
    rows = Sequences.from_lists([[3], [4, 5, 6], [], [7], [7]]).distinct()
    parts = list(rows.parts(2))
    assert [part.tolist() for _, piece in parts for part in piece] == [[3], [4, 5, 6], [], [7]]
    assert [(piece.start, piece.stop) for piece, _ in parts] == [(0, 1), (1, 2), (2, 4)]
    assert parts[-1][1].counts.tolist() == [1, 2]
