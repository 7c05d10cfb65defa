"""The distinct event ids of day files, and how their number grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
VOCABULARY: Final = 1 << 18  # event ids that are told apart; more would make the memory grow with the input
POINTS: Final = 60  # of the curve of growth: as many even steps, and half as many that grow


def steps(count: int) -> Ints:
    """Places from 1 to ``count`` at which a curve of growth is told: even, and close together at its beginning."""
    last = max(count, 1)
    places = np.concatenate([np.geomspace(1, last, POINTS // 2), np.linspace(1, last, POINTS)])
    return np.unique(places.round().astype(np.int64))


class Vocabulary:
    """The distinct event ids, and in which session (from 0, over all files) each was first met."""

    def __init__(self) -> None:
        self.first: dict[int, int] = {}
        self.full = False
        self._known = np.zeros(1 << 16, np.bool_)  # small ids that were met, to pass over them fast

    def add(self, events: npt.NDArray[np.int32], rows: Callable[[Ints], Ints]) -> None:
        """Meet events; ``rows`` tells the sessions of places in ``events``."""
        small = (events >= 0) & (events < len(self._known))
        new = np.flatnonzero(~(small & self._known[np.where(small, events, 0)]))
        ids, places = np.unique(events[new], return_index=True)
        sessions = rows(new[places])
        for number, session in zip(ids.tolist(), sessions.tolist(), strict=True):
            self._meet(number, session)

    def merge(self, other: Vocabulary, before: int) -> None:
        """Meet what another has met, after ``before`` sessions."""
        for number, session in other.first.items():
            self._meet(number, session + before)
        self.full |= other.full

    def _meet(self, number: int, session: int) -> None:
        if number in self.first:
            return
        if len(self.first) >= VOCABULARY:
            self.full = True
            return
        self.first[number] = session
        if 0 <= number < len(self._known):
            self._known[number] = True

    def _met(self) -> Ints:
        return np.sort(np.fromiter(self.first.values(), np.int64, len(self.first)))

    def new(self, sessions: Iterable[int]) -> list[int]:
        """How many ids are new in each of several stretches of sessions, given by their lengths."""
        ends = np.cumsum(np.fromiter(sessions, np.int64))
        known = np.searchsorted(self._met(), ends).tolist()
        return [after - before for before, after in zip([0, *known], known, strict=False)]

    def report(self, sessions: int) -> dict[str, Any]:
        """JSON-ready; a point of ``growth`` is (sessions read, distinct ids among them)."""
        places = steps(sessions)
        counts = np.searchsorted(self._met(), places)
        return {
            "size": len(self.first),
            "full": self.full,
            "smallest": min(self.first, default=None),
            "largest": max(self.first, default=None),
            "growth": [[int(place), int(count)] for place, count in zip(places, counts, strict=True)],
        }
