"""Worker: a thread that reads the write-ahead log, and writes what it finds into the store, tick by tick."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import polars as pl
import pyarrow as pa

from logradar.core.errors import LogRadarError
from logradar.core.memory import give_back
from logradar.core.progress import say
from logradar.retrieval.alert_links import AlertLinks
from logradar.scoring.stream import Step
from logradar.serving.detection import results
from logradar.serving.detection.lines import LineStore
from logradar.serving.detection.route import ACTIVE, Route, RoutePlan
from logradar.serving.detection.routes import Routes
from logradar.serving.detection.snapshots import Snapshots
from logradar.serving.intake.intake import Intake
from logradar.serving.store.outbox import Notification
from logradar.serving.store.store import Store
from logradar.serving.wal.frames import LINES, TICK, Frame
from logradar.serving.wal.log import Log
from logradar.sources.opening.opening import InputSettings

ROUTE, REMOVE, CLOSE = "route", "remove", "close"  # what a control frame asks for
POISON: Final = "poison"  # what the store remembers: positions whose arrivals are left out
POSITION: Final = "position"  # what the store remembers: up to here everything is counted
SHELF: Final = "bundles"  # folder of the copies
TRIES: Final = 3  # after so many faults at one place its arrivals are left out
PAUSE: Final = 2.0  # seconds after a fault
READ: Final = 4 << 20  # bytes of the log that are read at once
Plan = Callable[[Sequence[dict[str, Any]], str], Sequence[Notification]]


@dataclass(frozen=True)
class WorkerSettings:
    """``lateness`` is in ticks, ``every`` in seconds, ``most`` in bytes of the log between two snapshots.

    ``most_open`` is how many records the open sessions of a bundle may hold.
    """

    lateness: int = 4
    every: float = 60.0
    most: int = 256 << 20
    expected: str | None = None  # format of lines
    most_open: int | None = None


class Worker:
    """Detection as a thread; a context manager. ``home`` is the folder of its state and of the lines.

    ``plan`` gives the notifications of incidents of a bundle that are new or changed. ``links`` name the code that
    wrote a line.
    """

    def __init__(
        self,
        log: Log,
        store: Store,
        home: Path,
        *,
        settings: WorkerSettings = WorkerSettings(),
        plan: Plan = lambda incidents, bundle: (),
        links: AlertLinks | None = None,
    ) -> None:
        self._log, self._store, self._settings, self._plan = log, store, settings, plan
        self._links = links
        self._home, self._snapshots = home, Snapshots(home / "state")
        self.lines = LineStore(home / "lines")
        self.intake = Intake(InputSettings(), settings.expected, settings.lateness)
        self.routes = Routes(settings.most_open)
        self._position = self._saved = log.segments.start
        self._applied = 0
        self._saved_at = time.monotonic()
        self._arrived: list[tuple[int, pa.Table]] = []
        self._controls: list[dict[str, Any]] = []
        self._at = 0  # the end of the frame that is being read
        self._failed_at = 0  # where detection stopped last
        self._faults: Counter[int] = Counter()
        self._poison: set[int] = set()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="detection", daemon=True)
        self.records = 0
        self.last_time = 0  # microseconds: when the last frame was written that has been read
        self.problem = ""
        self._restore()
        log.segments.skip_to(max(self._position, self._applied))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._log.wake()
        self._thread.join()

    @property
    def position(self) -> int:
        """The position in the log up to which everything is read and stored."""
        return self._position

    @property
    def alive(self) -> bool:
        """Whether detection goes on."""
        return self._thread.is_alive() and not self.problem

    def wait(self, position: int, seconds: float) -> bool:
        """Wait until everything before a position is stored; False where it takes longer."""
        until = time.monotonic() + seconds
        while self._position < position and not self.problem and time.monotonic() < until:
            time.sleep(0.01)
        return self._position >= position

    def _mine(self, what: str) -> str:
        """The key of a position in this log: a store may be of another one, or of several."""
        return f"{what} {self._log.segments.identity}"

    def _at_home(self, plan: dict[str, Any]) -> dict[str, Any]:
        """A plan whose bundle is the copy in this home, which may have been elsewhere when the plan was written."""
        here = self._home / SHELF / Path(plan["bundle"]).name
        return {**plan, "bundle": str(here)} if here.is_dir() else plan

    def _restore(self) -> None:
        self._applied = int(self._store.meta(self._mine(POSITION)) or 0)
        self._poison = set(self._store.meta(self._mine(POISON)) or ())
        found = self._snapshots.load()
        if found is None:
            self.lines.begin(0) if self._log.segments.start == 0 else self.lines.keep()
            return
        position, values, tables = found
        self.intake.restore(values["intake"], tables)
        self.routes.restore([self._at_home(value) for value in values["routes"]], tables)
        self.records = int(values["records"])
        self.lines.begin(int(values["part"]))
        self._position = self._saved = position

    def _run(self) -> None:
        place = self._position
        while not self._ending.is_set():
            try:
                frames, place = self._log.read(place, READ, 0.5)
                for frame in frames:
                    self._frame(frame)
                    if self._ending.is_set():
                        break
                self._maybe_save()
            except (LogRadarError, OSError) as error:  # a full disk or a locked store: go on once it is over
                place = self._failed(f"Detection waits: {error}")
            except Exception as error:  # a fault of ours must not stop detection of what comes after
                place = self._failed(f"Detection fails at position {self._at:,} ({type(error).__name__}: {error}).")
                self._faults[self._at] += 1
                if self._faults[self._at] >= TRIES:
                    self._leave_out(self._at)
        if not self.problem:
            self._save()

    def _failed(self, sentence: str) -> int:
        if sentence != self.problem:
            say(sentence)
        self.problem, self._failed_at = sentence, self._at
        self._ending.wait(PAUSE)
        return self._again()

    def _again(self) -> int:
        """Begin anew at the last snapshot: the state in memory may be ahead of the store."""
        self.intake = Intake(InputSettings(), self._settings.expected, self._settings.lateness)
        self.routes, self._arrived, self._controls = Routes(self._settings.most_open), [], []
        self._position = self._log.segments.start
        try:
            self._restore()
        except LogRadarError as error:
            self.problem = str(error)
        return self._position

    def _leave_out(self, end: int) -> None:
        """The arrivals before the tick that ends here are left out from now on; the log keeps them for a while."""
        self._poison.add(end)
        say(f"The arrivals before position {end:,} of the log are left out: detection failed {TRIES} times on them.")
        try:
            with self._store.writing() as writing:
                writing.meta(self._mine(POISON), sorted(self._poison))
        except LogRadarError as error:
            self.problem = str(error)

    @property
    def left_out(self) -> int:
        """How many stretches of the log were left out, because detection failed on them again and again."""
        return len(self._poison)

    def _frame(self, frame: Frame) -> None:
        self.last_time, self._at = frame.time, frame.end
        if frame.kind == LINES:
            self._arrived.append((frame.time, frame.arrivals()))
        elif frame.kind == TICK:
            self._tick(frame.end)
        else:
            self._controls.append(frame.control())

    def _tick(self, end: int) -> None:
        """All that arrived since the tick before becomes rows of the store, in one transaction."""
        arrived, self._arrived = self._arrived, []
        rows = self.intake.push([] if end in self._poison else arrived)
        found: list[tuple[Route, pl.DataFrame, Step]] = []
        for control in self._controls:
            if control.get("do") == CLOSE:
                rows = pl.concat([rows, self.intake.close()])
                found += self.routes.take(rows, self.intake.ticks)
                found += ((route, rows.clear(), step) for route, step in self.routes.close())
            else:
                self._obey(control)
        if not any(control.get("do") == CLOSE for control in self._controls):
            found += self.routes.take(rows, self.intake.ticks)
        self._controls = []
        if self._links is not None:
            found = [(route, mine, results.linked(step, self._links)) for route, mine, step in found]
        if end > self._applied and (len(rows) or found):
            self._write(rows, found, end)
        self.lines.add(_with_keys(rows, found))
        self.records += len(rows)
        self._position = end
        if end >= self._failed_at:  # what lies before it was read well once
            self.problem = ""

    def _obey(self, control: dict[str, Any]) -> None:
        """Change the routes; what cannot be done is said, and the others go on."""
        try:
            if control.get("do") == ROUTE:
                self.routes.put(RoutePlan.of(self._at_home(control)), self.intake.ticks)
            elif control.get("do") == REMOVE:
                self.routes.remove(control["name"], control["role"], self.intake.ticks)
        except (LogRadarError, KeyError) as error:
            say(f"A change of the bundles was not made: {error}")

    def _write(self, rows: pl.DataFrame, found: Sequence[tuple[Route, pl.DataFrame, Step]], end: int) -> None:
        changed: dict[str, list[dict[str, Any]]] = {}  # incidents by bundle: planned together, as one may come twice
        with self._store.writing() as writing:
            for route, mine, step in found:
                role, name = route.plan.role, route.plan.name
                writing.withdraw(list(step.withdrawn), role)
                writing.alerts(results.alert_rows(step), role, name)
                writing.rate_changes(results.change_rows(step), role, name)
                incidents = results.incident_rows(step)
                writing.incidents(incidents, role, name)
                if role == ACTIVE:
                    changed.setdefault(name, []).extend(incidents)
                    writing.templates(list(results.template_rows(route, mine, step.events)))
                    writing.template_counts(results.template_counts(route, mine, step.events))
            for name, incidents in changed.items():
                writing.notify(list(self._plan(incidents, name)) if incidents else [])
            writing.counts(results.count_rows(rows))
            writing.meta(self._mine(POSITION), end)

    def _maybe_save(self) -> None:
        due = time.monotonic() - self._saved_at >= self._settings.every
        if self._position > self._saved and (due or self._position - self._saved >= self._settings.most):
            self._save()

    def _save(self) -> None:
        """Write a snapshot, and let go of what no restart needs."""
        if self._position <= self._saved:
            return
        self.lines.write()
        values, tables = self.intake.state()
        routes, more = self.routes.state()
        state = {"intake": values, "routes": routes, "records": self.records, "part": self.lines.next}
        oldest = self._snapshots.save(self._position, state, tables | more)
        self._saved, self._saved_at = self._position, time.monotonic()
        self._log.segments.forget(oldest)
        give_back()


def _with_keys(rows: pl.DataFrame, found: Sequence[tuple[Route, pl.DataFrame, Step]]) -> pl.DataFrame:
    """Rows with the key of their session, where a bundle at work finds one."""
    keys = [mine.select("seq", key="trace") for route, mine, _ in found if route.plan.role == ACTIVE and len(mine)]
    if not keys:
        return rows.with_columns(key=pl.lit(None, pl.String))
    return rows.join(pl.concat(keys).unique("seq"), on="seq", how="left", maintain_order="left")
