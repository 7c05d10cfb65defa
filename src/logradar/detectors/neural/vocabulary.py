"""Template ids as a network reads them: dense tokens, with one token for all ids that training did not have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Sequences
from logradar.core.tables import FIRST_TEMPLATE, UNKNOWN

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The template ids of the training sessions, sorted; token ``FIRST_TEMPLATE + i`` is ``ids[i]``.

    Tokens below that keep their meaning from `logradar.core.tables`: 0 is outside the session,
    1 is every other id, 2 is the mask. ``whole`` says whether all ids of training are in ``ids``.

    >>> v = Vocabulary.of(np.array([7, 3, 7], np.int32))
    >>> len(v), v.tokens(np.array([3, 7, 99], np.int32)).tolist()
    (5, [3, 4, 1])
    """

    ids: Ids
    whole: bool = True

    @classmethod
    def of(cls, values: Ids) -> Vocabulary:
        """The distinct template ids among ``values``."""
        ids = np.unique(values)
        return cls(ids[ids >= FIRST_TEMPLATE].astype(np.int32))

    @classmethod
    def most_frequent(cls, parts: Iterable[Sequences], most: int, known: Ids) -> Vocabulary:
        """At most ``most`` of the template ids in ``parts``, those that occur most often; of equal ones the smaller.

        The ids ``known`` are kept, also where they are more. A sequence counts as often as it occurs.
        """
        ids: npt.NDArray[np.int64] = np.empty(0, np.int64)
        counts: npt.NDArray[np.float64] = np.empty(0, np.float64)
        for part in parts:
            weights = np.concatenate([counts, np.repeat(part.counts, part.lengths)])
            every = np.concatenate([ids, part.values.astype(np.int64)])
            ids, inverse = np.unique(every, return_inverse=True)
            counts = np.bincount(inverse, weights, len(ids)).astype(np.float64)
        new = (ids >= FIRST_TEMPLATE) & ~np.isin(ids, known)
        ids, counts = ids[new], counts[new]
        kept = ids[np.lexsort((ids, -counts))[: max(most - len(known), 0)]]
        return cls(np.union1d(known, kept).astype(np.int32), len(kept) == len(ids))

    def __len__(self) -> int:
        return FIRST_TEMPLATE + len(self.ids)

    def tokens(self, values: Ids) -> Ids:
        """The token of each template id; ``UNKNOWN`` for ids that training did not have."""
        if not len(self.ids):
            return np.full(len(values), UNKNOWN, np.int32)
        place = np.minimum(np.searchsorted(self.ids, values), len(self.ids) - 1)
        return np.where(self.ids[place] == values, place + FIRST_TEMPLATE, UNKNOWN).astype(np.int32)

    def template(self, token: int) -> int:
        """The template id of a token."""
        return int(self.ids[token - FIRST_TEMPLATE]) if token >= FIRST_TEMPLATE else token
