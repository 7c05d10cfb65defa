"""Simulate: run the shop for some days and write its logs, labels and the true origins of the lines."""

from __future__ import annotations

from calendar import timegm
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from logradar.core.config import validated
from logradar.core.errors import InputError
from logradar.core.progress import Progress
from logradar.simulation.episodes import Episode, Episodes, plan
from logradar.simulation.folder import take, write_mark
from logradar.simulation.gateway import Gateway
from logradar.simulation.journal import Clock, Journal, Keeper
from logradar.simulation.manager import Manager
from logradar.simulation.research import Research
from logradar.simulation.scheduler import Scheduler, Steps
from logradar.simulation.settings import ShopSettings
from logradar.simulation.trace import Trace
from logradar.simulation.traffic import DAY, Traffic
from logradar.simulation.world import World
from logradar.sources.simulated import FILES

K = TypeVar("K", bound=Keeper)
BASE_LINES: Final = 500_000  # lines per day for which the sizes in the services' code were chosen


@dataclass(frozen=True)
class Simulation:
    """What a simulation wrote: its folder, lines per log file, sessions, and anomalous ones per fault."""

    folder: Path
    lines: dict[str, int]
    records: int
    sessions: int
    faults: dict[str, int]

    @property
    def anomalies(self) -> int:
        """Sessions that a fault really changed."""
        return sum(self.faults.values())

    def sentence(self) -> str:
        """The summary in words."""
        by_fault = ", ".join(f"{count} {name}" for name, count in self.faults.items()) or "no faults"
        return (
            f"Wrote {sum(self.lines.values()):,} lines of {len(self.lines)} services to '{self.folder}': "
            f"{self.sessions:,} sessions, {self.anomalies:,} of them anomalous ({by_fault})."
        )

    def to_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        return {
            "folder": str(self.folder),
            "lines": self.lines,
            "records": self.records,
            "sessions": self.sessions,
            "anomalies": self.anomalies,
            "faults": self.faults,
        }


def simulate(folder: Path, *, settings: ShopSettings | None = None, **given: Any) -> Simulation:
    """Write a simulated shop's logs to ``folder``; the same settings write the same bytes.

    ``gateway.log``, ``research.log``, ``manager.log``: what the services logged.
    ``labels.csv``: ``session_key,label,fault``, one row per trace, label 1 where a fault changed it.
    ``origins.parquet``: for every record ``source,line`` and the ``path,code_line`` of its log call.
    ``simulation.json``: settings, counts and episodes; ``complete`` is false until the end.

    ``given`` are settings by name (``days=2, faults="none"``); they replace those of ``settings``.

    Raises `ConfigError` for wrong settings, `InputError` when the folder cannot be written or
    has files of these names that no simulation wrote.
    """
    settings = validated(ShopSettings, {**(settings.model_dump() if settings else {}), **given})
    take(folder, settings)
    try:
        journal, episodes = live(settings, lambda start, clock: Journal(folder, FILES, start, clock))
    except OSError as error:
        raise InputError(f"The simulation stopped, '{folder}' cannot be written: {error.strerror}.") from None
    sessions = journal.sessions
    simulation = Simulation(
        folder,
        {file.path.name: file.line - 1 for file in journal.files.values()},
        journal.records,
        sessions.total(),
        {name: sessions[name] for name in sorted(sessions) if name},
    )
    write_mark(
        folder,
        settings,
        complete=True,
        **{name: fact for name, fact in simulation.to_json().items() if name != "folder"},
        episodes=[_as_json(episode, settings) for episode in episodes],
    )
    return simulation


def live(settings: ShopSettings, keeper_of: Callable[[int, Clock], K], shown: bool = True) -> tuple[K, list[Episode]]:
    """Run the shop; its records go to ``keeper_of(start in ms since 1970, clock)``.

    ``shown`` says whether there is a progress bar. Returns the keeper and the episodes of faults.
    """
    start, until = _milliseconds(settings.start), int(settings.days * DAY)
    scheduler = Scheduler(lambda trace: keeper.label(trace))
    world, traffic = shop_of(settings, scheduler)
    planned = plan(settings, traffic.load_at)
    total = int(settings.lines_per_day * settings.days)
    with keeper_of(start, scheduler) as keeper, Progress("simulating", total, "lines") as bar:
        traffic.victim_of = Episodes(planned, scheduler, world.pools, keeper.files).victim_of
        traffic.start(until)
        if shown:
            scheduler.start(_show_progress(bar, keeper, scheduler, until), Trace("", "progress"))
        scheduler.run()
    return keeper, planned


def shop_of(settings: ShopSettings, scheduler: Scheduler) -> tuple[World, Traffic]:
    """The services of the shop in their environment, and the traffic that has not started yet."""
    rate = settings.lines_per_day / BASE_LINES
    world = World(settings.seed, rate, scheduler)
    manager = Manager(world)
    research = Research(world, manager)
    gateway = Gateway(world, research, manager)
    midnight = settings.start.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = (_milliseconds(settings.start) - _milliseconds(midnight), settings.start.weekday())
    return world, Traffic(scheduler, (gateway, research, manager), settings.seed, rate, begins)


def _milliseconds(moment: datetime) -> int:
    """Since 1970; times of the shop have no zone."""
    return timegm(moment.timetuple()) * 1000 + moment.microsecond // 1000


def _show_progress(bar: Progress, keeper: Keeper, scheduler: Scheduler, until: int) -> Steps[None]:
    shown = 0
    while scheduler.now < until:
        yield 300_000
        bar.advance(keeper.records - shown)
        shown = keeper.records


def _as_json(episode: Episode, settings: ShopSettings) -> dict[str, str]:
    begin, end = (settings.start + timedelta(milliseconds=ms) for ms in (episode.begin, episode.end))
    return {
        "fault": episode.fault.name,
        "begin": begin.isoformat(timespec="milliseconds"),
        "end": end.isoformat(timespec="milliseconds"),
    }
