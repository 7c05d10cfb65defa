"""Which kinds of training sessions a person should be asked about, and what follows from the answers.

A kind is all sessions with the same counts of events, given as a sorted row of template ids with its count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Ints, Sequences
from logradar.detectors.base import Floats
from logradar.detectors.baselines.count_tails import Rarity
from logradar.detectors.baselines.session_density import Prototypes

NEAR: Final = 4.0  # distance up to which an answer goes for another kind too: twice the bandwidth of `density`
_DECAY: Final = 2.0  # nats above the cut of the rules over which a question becomes less useful
_BELOW: Final = 0.5  # nats below it: the most common kinds are hardly ever asked about
_AGAIN: Final = 0.1  # usefulness of a question that a near answer has settled
_COMMON: Final = 0.03  # share of the sessions from which a kind is asked about last: nobody doubts that it is normal
_LAST: Final = 1e-6
_MOST: Final = 4000  # kinds that are compared with each other
Bools = npt.NDArray[np.bool_]


class Kinds:
    """Count vectors with the ``suspicion`` of each, in nats: above 0 the rules take it for anomalous.

    Distances are those of `baselines.session_density`. An answer goes for kinds up to ``near`` too, but not for those
    with the same counts: where two kinds have these, their order makes the difference.
    """

    def __init__(self, vectors: Sequences, suspicion: Floats, near: float = NEAR) -> None:
        self.vectors, self.suspicion, self._near = vectors, suspicion, near
        order = np.argsort(-vectors.counts, kind="stable")
        suspect = suspicion[order] > 0
        self._compared = np.sort(np.concatenate([order[suspect], order[~suspect]])[:_MOST])
        self._place = {int(kind): place for place, kind in enumerate(self._compared)}
        some = vectors.take(self._compared)
        self._some = Prototypes.of(some, Rarity.none().and_of(vectors))
        self._same = some.distinct().inverse  # the number of each count vector: two kinds may have the same one

    def __len__(self) -> int:
        return len(self.vectors)

    def order(self, answers: Mapping[int, bool]) -> Ints:
        """The kinds without an answer, the most useful question first; ``answers``: whether a kind is normal.

        A question is useful where it concerns many sessions (square root of the count) and may change what the rules
        decided: a kind close to their cut, or a suspect one that is unlike all known anomalies.
        """
        suspicion = self.suspicion[self._compared]
        change = np.exp(np.minimum(suspicion, 0.0) / _BELOW) / (1.0 + np.maximum(suspicion, 0.0) / _DECAY)
        useful = np.sqrt(self.vectors.counts[self._compared]) * change
        away = np.full(len(useful), np.inf)
        settled = np.zeros(len(useful), bool)
        for place, normal in self._said(answers):
            apart = self._apart(place)
            settled |= apart <= self._near
            away = away if normal else np.minimum(away, apart)
        useful = np.where(suspicion > 0, useful * np.minimum(away / NEAR, 1.0), useful)
        common = self.vectors.counts[self._compared] >= _COMMON * self.vectors.counts.sum()
        useful = np.where(settled, _AGAIN * useful, useful)
        useful = np.where(common, _LAST * useful, useful)
        ranked = self._compared[np.argsort(-useful, kind="stable")]
        return ranked[~np.isin(ranked, list(answers))]

    def answered(self, answers: Mapping[int, bool]) -> tuple[Bools, Bools]:
        """For each kind whether its answer, or that of the nearest kind within ``near``, is normal; and is anomaly."""
        nearest = np.full(len(self._compared), np.inf)
        word = np.zeros(len(self._compared), bool)
        for place, normal in self._said(answers):
            apart = self._apart(place)
            closer = (apart < nearest) & (apart <= self._near)
            nearest, word = np.where(closer, apart, nearest), np.where(closer, normal, word)
        good, bad = np.zeros(len(self), bool), np.zeros(len(self), bool)
        good[self._compared[np.isfinite(nearest) & word]] = True
        bad[self._compared[np.isfinite(nearest) & ~word]] = True
        for kind, normal in answers.items():  # an own answer goes before that of another kind
            good[kind], bad[kind] = normal, not normal
        return good, bad

    def _said(self, answers: Mapping[int, bool]) -> list[tuple[int, bool]]:
        return [(self._place[kind], normal) for kind, normal in answers.items() if kind in self._place]

    def _apart(self, place: int) -> Floats:
        """Distances from the compared kind ``place`` to all; infinite to another one with the same counts."""
        apart = self._some.distances(self._some.rows[place])
        apart[self._same == self._same[place]] = np.inf
        apart[place] = 0.0
        return apart
