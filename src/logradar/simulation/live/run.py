"""Run: the shop lives by the wall clock and sends what it logs, until its time is over or somebody ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from logradar.core.config import validated
from logradar.core.progress import say as say_progress
from logradar.simulation.episodes import Episodes
from logradar.simulation.live.keys import Keys
from logradar.simulation.live.outbox import Outbox
from logradar.simulation.live.pace import Over, Pace
from logradar.simulation.live.records import LiveKeeper, WallClock
from logradar.simulation.live.schedule import Planned, planned_of
from logradar.simulation.live.settings import LiveSettings
from logradar.simulation.live.targets import target_of
from logradar.simulation.scheduler import Scheduler
from logradar.simulation.simulate import shop_of
from logradar.simulation.trace import Trace
from logradar.simulation.traffic import DAY
from logradar.sources.simulated import FILES

_FOR_EVER: Final = 3660 * DAY


@dataclass(frozen=True)
class LiveSimulation:
    """What was sent where, and what became of it: ``sent`` is ``acknowledged`` plus ``refused``.

    ``sessions`` are those that ended; ``labels`` names the fault that changed each anomalous one, by trace id.
    ``began`` are the faults, with the seconds at which they began.
    """

    to: str
    seconds: float
    sent: int
    acknowledged: int
    refused: int
    retries: int
    sessions: int
    labels: dict[str, str]
    began: list[Planned]

    @property
    def faults(self) -> dict[str, int]:
        """Anomalous sessions per fault."""
        names = list(self.labels.values())
        return {name: names.count(name) for name in sorted(set(names))}

    def sentence(self) -> str:
        """The summary in words."""
        by_fault = ", ".join(f"{count} {name}" for name, count in self.faults.items()) or "no faults"
        return (
            f"Sent {self.sent:,} records to {self.to} in {self.seconds:.0f} s: {self.acknowledged:,} acknowledged, "
            f"{self.refused:,} refused. {self.sessions:,} sessions ended, {len(self.labels):,} of them anomalous "
            f"({by_fault})."
        )

    def to_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        began = [{"fault": one.name, "at": round(one.at, 3), "seconds": one.length} for one in self.began]
        names = ("to", "seconds", "sent", "acknowledged", "refused", "retries", "sessions", "faults", "labels")
        return {name: getattr(self, name) for name in names} | {"began": began}


def simulate_live(
    settings: LiveSettings | None = None, *, say: Callable[[str], object] = say_progress, **given: Any
) -> LiveSimulation:
    """Run the shop and send its records to ``settings.to``; returns what became of them.

    ``say`` gets sentences: when a fault begins and ends, which session it changed, what was sent so far. ``given`` are
    settings by name; they replace those of ``settings``. Raises `ConfigError` for wrong settings, before anything is
    sent; an address that nobody answers at is no error, its records are offered again and then count as refused.
    """
    settings = validated(LiveSettings, {**(settings.model_dump() if settings else {}), **given})
    planned = planned_of(settings.fault)
    outbox = Outbox(
        target_of(settings.to, settings.encoding),
        patience=settings.patience,
        on_problem=lambda problem: say(f"{settings.to}: {problem}; the records are offered again."),
    )
    labels: dict[str, str] = {}

    def struck(trace: str, fault: str) -> None:
        labels[trace] = fault
        say(f"{pace.now:.1f} s: session {trace} was changed by {fault}.")

    def state() -> str:
        return (
            f"{outbox.sent:,} records sent, {outbox.acknowledged:,} acknowledged, {outbox.refused:,} refused, "
            f"{outbox.waiting:,} waiting."
        )

    scheduler = Scheduler(lambda trace: keeper.label(trace))
    pace = Pace(scheduler, settings.speed, settings.seconds, planned, settings.seed, say, state)
    world, traffic = shop_of(settings, scheduler)
    keeper = LiveKeeper(int(time.time() * 1000), WallClock(scheduler, settings.speed), FILES, outbox.put, struck)
    with suppress(KeyboardInterrupt, Over), Keys() as keys, keeper:
        if keys.help:
            say(keys.help)
        episodes = Episodes([], scheduler, world.pools, keeper.files)
        traffic.victim_of = episodes.victim_of
        traffic.start(_FOR_EVER)
        scheduler.start(pace.steps(episodes, keys), Trace("", "pace"))
        scheduler.run()
    seconds = pace.now
    with suppress(KeyboardInterrupt):
        outbox.close()
    return LiveSimulation(
        settings.to,
        seconds,
        outbox.sent,
        outbox.acknowledged,
        outbox.refused,
        outbox.retries,
        keeper.sessions.total(),
        labels,
        pace.began,
    )
