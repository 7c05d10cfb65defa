"""Template ids as tokens."""

from __future__ import annotations

import numpy as np

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
