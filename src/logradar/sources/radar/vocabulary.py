"""The distinct event ids of day files, and the growth of their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
VOCABULARY: Final = 1 << 18  # limit of event ids that are distinguished, so that memory does not grow with the input
POINTS: Final = 60  # points of the growth curve: this number at even distances, and half of it at growing distances


def steps(count: int) -> Ints:
    """Positions from 1 to ``count`` of the points of a growth curve: evenly spaced, and denser at the beginning."""
    last = max(count, 1)
    places = np.concatenate([np.geomspace(1, last, POINTS // 2), np.linspace(1, last, POINTS)])
    return np.unique(places.round().astype(np.int64))


class Vocabulary:
    """The distinct event ids, and the session (from 0, over all files) in which each occurred first."""

    def __init__(self) -> None:
        self.first: dict[int, int] = {}
        self.full = False
        self._known = np.zeros(1 << 16, np.bool_)  # which small ids have occurred, to skip them fast

    def add(self, events: npt.NDArray[np.int32], rows: Callable[[Ints], Ints]) -> None:
        """Add events; ``rows`` returns the sessions of positions in ``events``."""
        small = (events >= 0) & (events < len(self._known))
        new = np.flatnonzero(~(small & self._known[np.where(small, events, 0)]))
        ids, places = np.unique(events[new], return_index=True)
        sessions = rows(new[places])
        for number, session in zip(ids.tolist(), sessions.tolist(), strict=True):
            self._add(number, session)

    def merge(self, other: Vocabulary, before: int) -> None:
        """Add the ids of another object, whose sessions come after ``before`` sessions."""
        for number, session in other.first.items():
            self._add(number, session + before)
        self.full |= other.full

    def _add(self, number: int, session: int) -> None:
        if number in self.first:
            return
        if len(self.first) >= VOCABULARY:
            self.full = True
            return
        self.first[number] = session
        if 0 <= number < len(self._known):
            self._known[number] = True

    def _first_sessions(self) -> Ints:
        return np.sort(np.fromiter(self.first.values(), np.int64, len(self.first)))

    def new(self, sessions: Iterable[int]) -> list[int]:
        """Number of new ids in each of several consecutive groups of sessions, given by their sizes."""
        ends = np.cumsum(np.fromiter(sessions, np.int64))
        known = np.searchsorted(self._first_sessions(), ends).tolist()
        return [after - before for before, after in zip([0, *known], known, strict=False)]

    def report(self, sessions: int) -> dict[str, Any]:
        """The figures for JSON; a point of ``growth`` is (sessions read, distinct ids in them)."""
        places = steps(sessions)
        counts = np.searchsorted(self._first_sessions(), places)
        return {
            "size": len(self.first),
            "full": self.full,
            "smallest": min(self.first, default=None),
            "largest": max(self.first, default=None),
            "growth": [[int(place), int(count)] for place, count in zip(places, counts, strict=True)],
        }
