"""Episodes of faults: when each fault is active, spread over the days, more likely at times of high load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from logradar.simulation.faults import FAULTS
from logradar.simulation.journal import ServiceClock
from logradar.simulation.scheduler import Scheduler, Steps
from logradar.simulation.settings import ShopSettings
from logradar.simulation.trace import NORMAL, Fault, Trace
from logradar.simulation.world import Pool

DAY: Final = 24 * 3_600_000
MINUTE: Final = 60_000


@dataclass(frozen=True)
class Episode:
    """One fault that is active from ``begin`` to ``end``, in ms since the beginning of the simulation."""

    fault: Fault
    begin: int
    end: int


def plan(settings: ShopSettings, load_at: Callable[[int], float]) -> list[Episode]:
    """The episodes of a simulation: each fault once in each equal part of each day."""
    rng = Random(f"{settings.seed}/episodes")
    total, part = int(settings.days * DAY), DAY // settings.episodes_per_day
    episodes = []
    for name in settings.faults:
        for first in range(0, max(total, 1), part):
            fault = FAULTS[name](Random(f"{settings.seed}/{name}/{first}"))
            length = int(settings.episode_minutes * MINUTE * fault.stretch)
            room = max(min(part, total - first) - length, 1)
            tries = [first + int(rng.random() * room) for _ in range(24)]
            begin = rng.choices(tries, [load_at(when) ** 2 for when in tries])[0]
            episodes.append(Episode(fault, begin, begin + length))
    return sorted(episodes, key=lambda episode: (episode.begin, episode.fault.name))


class Episodes:
    """Begins and ends episodes on the virtual clock and chooses the requests that they affect."""

    def __init__(
        self, planned: list[Episode], scheduler: Scheduler, pools: Mapping[str, Pool], files: Mapping[str, ServiceClock]
    ) -> None:
        self.active: list[Fault] = []
        self._scheduler, self._pools, self._files = scheduler, pools, files
        for episode in planned:
            self.add(episode)

    def add(self, episode: Episode) -> None:
        """Begin an episode when its time comes."""
        self._scheduler.start(self._run(episode), Trace("", "episode"))

    def victim_of(self, kind: str) -> Fault:
        """The fault that affects a request of this kind if it begins now; `NORMAL` for none."""
        for fault in self.active:
            if kind in fault.kinds and fault.rng.random() < fault.share:
                return fault
        return NORMAL

    def _run(self, episode: Episode) -> Steps[None]:
        fault = episode.fault
        yield episode.begin - self._scheduler.now
        self.active.append(fault)
        service, skew = fault.skews
        if fault.seizes:
            self._pools[fault.seizes].seized_by = fault.name
        if skew:
            self._files[service].skew += skew
        yield episode.end - episode.begin
        self.active.remove(fault)
        if fault.seizes:
            self._pools[fault.seizes].seized_by = ""
        if skew:
            self._files[service].skew -= skew
