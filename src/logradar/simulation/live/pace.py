"""Pace: holds the virtual clock of the shop back to the wall clock, and begins faults that are due."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Final

from logradar.simulation.episodes import Episode, Episodes
from logradar.simulation.faults import FAULTS
from logradar.simulation.live.keys import LETTERS, QUIT, Keys
from logradar.simulation.live.schedule import LENGTH, Planned
from logradar.simulation.scheduler import Scheduler, Steps

STEP: Final = 0.02  # seconds of the wall clock between two looks
_SHOWN: Final = 10.0  # seconds between two lines about the state


class Over(Exception):
    """The time is over, or somebody ended it; the scheduler stops where it is."""


class Pace:
    """A task of the scheduler that waits. ``began`` lists the faults that began, with their seconds.

    Nothing of the shop happens before its moment of the wall clock, and where the machine is too slow, it happens later
    but in its order. ``say`` gets sentences, ``state`` makes the one about what was sent.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        speed: float,
        seconds: float | None,
        planned: list[Planned],
        seed: int,
        say: Callable[[str], object],
        state: Callable[[], str],
    ) -> None:
        self.began: list[Planned] = []
        self._scheduler, self._speed, self._seconds = scheduler, speed, seconds
        self._planned, self._seed, self._say, self._state = list(planned), seed, say, state
        self._ends: list[Planned] = []
        self._zero = time.monotonic()
        self._shown = 0.0

    @property
    def now(self) -> float:
        """Seconds of the wall clock since the beginning."""
        return time.monotonic() - self._zero

    def steps(self, episodes: Episodes, keys: Keys) -> Steps[None]:
        """The task."""
        step = max(1, int(STEP * self._speed * 1000))
        self._zero = time.monotonic()
        while True:
            self._attend(episodes)
            due = (self._scheduler.now + step) / 1000 / self._speed  # what happens until then is not ahead of its time
            while (left := due - self.now) > 0:
                self._press(keys.wait(left), episodes)
            if self._seconds is not None and self.now >= self._seconds:
                raise Over
            yield step

    def _press(self, letter: str, episodes: Episodes) -> None:
        if letter == QUIT:
            raise Over
        if letter in LETTERS:
            self._begin(Planned(LETTERS[letter], self.now, LENGTH), episodes)

    def _attend(self, episodes: Episodes) -> None:
        now = self.now
        while self._planned and self._planned[0].at <= now:
            self._begin(self._planned.pop(0), episodes)
        for one in [one for one in self._ends if one.at + one.length <= now]:
            self._ends.remove(one)
            self._say(f"{now:.1f} s: fault {one.name} ends.")
        if now - self._shown >= _SHOWN:
            self._shown = now
            self._say(f"{now:.0f} s: {self._state()}")

    def _begin(self, planned: Planned, episodes: Episodes) -> None:
        fault = FAULTS[planned.name](Random(f"{self._seed}/{planned.name}/{len(self.began)}"))
        begin = self._scheduler.now
        episodes.add(Episode(fault, begin, begin + int(planned.length * self._speed * 1000)))
        self.began.append(planned)
        self._ends.append(planned)
        self._say(f"{self.now:.1f} s: fault {planned.name} begins, for {planned.length:g} s.")
