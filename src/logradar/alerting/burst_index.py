"""Burst index: the bursts that are known, found by their marks; a new one is put together with those next to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from logradar.alerting.burst import Burst


class BurstIndex:
    """Keeps bursts apart: no two of them have a mark at times that are at most ``gap`` microseconds apart.

    Spans of marks only grow, so which alerts are in one burst does not depend on the order in which they came.
    """

    def __init__(self, gap: int, bursts: Iterable[Burst] = ()) -> None:
        self._gap = gap
        self._bursts: dict[int, Burst] = {}
        self._places: dict[str, set[int]] = defaultdict(set)
        self._next = 0
        for burst in bursts:
            self._put(burst)

    def __len__(self) -> int:
        return len(self._bursts)

    def __iter__(self) -> Iterator[Burst]:
        return iter(self._bursts.values())

    def add(self, burst: Burst) -> None:
        """Take in a burst; it becomes one with all bursts that are next to it."""
        while near := self._near(burst, burst.marks):
            largest = max(near, key=lambda place: len(self._bursts[place].marks))
            for place in near:
                if place != largest:
                    burst = burst + self._take(place)
            grown = self._grow(largest, burst)
            if set(self._near(grown, burst.marks)) == {largest}:  # only spans of these marks may have grown
                return
            burst = self._take(largest)
        self._put(burst)

    def drop(self, bursts: Iterable[Burst]) -> None:
        """Forget these bursts."""
        gone = {id(burst) for burst in bursts}
        for place in [place for place, burst in self._bursts.items() if id(burst) in gone]:
            self._take(place)

    def is_near(self, burst: Burst) -> bool:
        """Whether there is a burst that this one would become one with."""
        return bool(self._near(burst, burst.marks))

    def _near(self, burst: Burst, marks: Iterable[str]) -> list[int]:
        """Places of the bursts that are next to this one by some of these of its marks."""
        found = set()
        for mark in marks:
            if mark not in burst.marks:
                continue
            start, last = burst.marks[mark]
            for place in self._places.get(mark, ()):
                begin, end = self._bursts[place].marks[mark]
                if begin - self._gap <= last and start <= end + self._gap:
                    found.add(place)
        return sorted(found)

    def _grow(self, place: int, by: Burst) -> Burst:
        """The burst at a place together with another one; what that costs is decided by the marks of the other one."""
        before = self._bursts.pop(place)
        grown = self._bursts[place] = before + by
        fresh = [mark for mark in by.marks if mark in grown.marks and mark not in before.marks]
        for mark in fresh:
            self._places[mark].add(place)
        if len(before.marks) + len(fresh) > len(grown.marks):  # there were too many
            self._forget(before.marks.keys() - grown.marks.keys(), place)
        return grown

    def _put(self, burst: Burst) -> None:
        self._bursts[self._next] = burst
        for mark in burst.marks:
            self._places[mark].add(self._next)
        self._next += 1

    def _take(self, place: int) -> Burst:
        burst = self._bursts.pop(place)
        self._forget(burst.marks, place)
        return burst

    def _forget(self, marks: Iterable[str], place: int) -> None:
        for mark in marks:
            self._places[mark].discard(place)
            if not self._places[mark]:
                del self._places[mark]
