"""Template ids as tokens."""

from __future__ import annotations

import numpy as np

from logradar.core.sequences import Sequences
from logradar.core.tables import MASK, PADDING, UNKNOWN
from logradar.detectors.neural.vocabulary import Vocabulary


def ids(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def test_known_ids_are_dense_and_all_others_unknown():
    vocabulary = Vocabulary.of(ids(9, 4, 9, 2**31 - 1, UNKNOWN))
    assert vocabulary.ids.tolist() == [4, 9, 2**31 - 1]
    assert len(vocabulary) == 6
    tokens = vocabulary.tokens(ids(4, 9, 2**31 - 1, 3, 5, 10, 2**31 - 2, PADDING, UNKNOWN, MASK))
    assert tokens.tolist() == [3, 4, 5] + [UNKNOWN] * 7
    assert [vocabulary.template(token) for token in (3, 4, 5, UNKNOWN)] == [4, 9, 2**31 - 1, UNKNOWN]


def test_no_ids_at_all():
    vocabulary = Vocabulary.of(ids())
    assert len(vocabulary) == 3
    assert vocabulary.tokens(ids(3, 4)).tolist() == [UNKNOWN, UNKNOWN]
    assert vocabulary.tokens(ids()).tolist() == []


def counted(rows: list[list[int]], counts: list[int]) -> Sequences:
    """Distinct rows with their counts."""
    offsets = np.cumsum([0, *map(len, rows)])
    return Sequences(ids(*(value for row in rows for value in row)), offsets, np.array(counts), None)


def test_an_upper_bound_keeps_the_most_frequent_ids():
    parts = [counted([[3, 4, 4], [5]], [10, 1]), counted([[5, 6, UNKNOWN], [7, 7]], [15, 8])]
    # 3: 10 times, 4: 20, 5: 16, 6: 15, 7: 16
    for most, kept in ((1, [4]), (2, [4, 5]), (3, [4, 5, 7]), (5, [3, 4, 5, 6, 7]), (9, [3, 4, 5, 6, 7])):
        bounded = Vocabulary.most_frequent(parts, most, ids())
        assert bounded.ids.tolist() == kept
        assert bounded.whole == (most >= 5)
    assert bounded.ids.dtype == np.int32


def test_an_upper_bound_leaves_known_ids_where_they_are():
    parts = [counted([[3, 4, 5]], [2])]
    assert Vocabulary.most_frequent(parts, 3, ids(8, 9)).ids.tolist() == [3, 8, 9]
    assert Vocabulary.most_frequent(parts, 1, ids(8, 9)).ids.tolist() == [8, 9]
    assert Vocabulary.most_frequent([], 4, ids()).ids.tolist() == []
