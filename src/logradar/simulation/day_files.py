"""Simulate day files: the shop's sessions in RADAR's format, in files of any size."""

from __future__ import annotations

import csv
import logging
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from logradar.core.errors import InputError
from logradar.core.progress import Progress
from logradar.simulation.day_blocks import DayFile, SessionBlock, SessionPile
from logradar.simulation.folder import EVENTS, LABELS_APART, take, write_mark
from logradar.simulation.journal import PACKAGE, Clock, Keeper, ServiceClock
from logradar.simulation.settings import DaySettings, ShopSettings
from logradar.simulation.simulate import live
from logradar.simulation.sites import sites
from logradar.simulation.trace import Trace
from logradar.sources.radar.write import day_path
from logradar.sources.simulated import FILES

DISTINCT: Final = 32 << 20  # bytes of a day that are simulated; a larger day repeats its blocks
WEEK: Final = 7  # days that are simulated when a size is given; later days repeat them
LINE: Final = 120  # bytes of a line, measured
LINES: Final = 13.0  # lines in a session, measured
SHORT: Final = 0.85  # share of the size that is simulated, so that a busy day does not end before the evening
MS: Final = 86_400_000


@dataclass
class DaySimulation:
    """What was written: day files, their bytes and sessions, and the anomalous sessions per fault.

    ``distinct`` is the number of sessions that were simulated; the others repeat them.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    bytes: int = 0
    sessions: int = 0
    distinct: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def anomalies(self) -> int:
        """Sessions that a fault really changed."""
        return self.faults.total()

    def sentence(self) -> str:
        """The summary in words."""
        files = "1 day file" if len(self.files) == 1 else f"{len(self.files)} day files"
        return (
            f"Wrote {files} ({self.bytes / 1e6:,.1f} MB) to '{self.folder}': {self.sessions:,} "
            f"sessions ({self.distinct:,} distinct), {self.anomalies:,} of them anomalous; the labels are in "
            f"'{LABELS_APART}', for --labels."
        )

    def to_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        return {
            "folder": str(self.folder),
            "files": [file.name for file in self.files],
            "bytes": self.bytes,
            "sessions": self.sessions,
            "distinct": self.distinct,
            "anomalies": self.anomalies,
            "faults": dict(sorted(self.faults.items())),
        }


def simulate_days(folder: Path, *, settings: DaySettings | None = None) -> DaySimulation:
    """Write day files of a simulated shop to ``folder``; the same settings write the same bytes.

    There is one file per day and one session per trace: its records by time, with one event id for each log call of
    the services. The service of a session is that of most of its records, of equals the first, as for raw logs.
    ``session_labels.csv`` is ``session_key,label,fault`` with keys as the source ``radar_json`` gives them
    (``2026-03-02/100000000017``); ``events.csv`` has the log call of each event id. With a ``size``, at most a week
    is simulated and at most `DISTINCT` bytes a day; then whole sessions are repeated with their labels, but with
    other session ids, trace ids and dates.

    Raises `InputError` as `logradar.simulation.simulate.simulate` does.
    """
    settings = settings or DaySettings()
    count = math.ceil(settings.days)
    midnight = datetime.combine(settings.start.date(), time())
    take(folder, settings, (settings.size or 0) * count)
    result = DaySimulation(folder)
    try:
        with (folder / LABELS_APART).open("wb") as labels:
            labels.write(b"session_key,label,fault\n")
            shop = _shop_settings(settings, midnight, count)
            with Progress("writing day files", (settings.size or 0) * count, "B") as bar:
                writer = _DayFiles(folder, labels, settings, midnight, count, result, bar)
                live(shop, lambda start, clock: _Sessions(start, clock, writer), shown=not settings.size)
                writer.close()
        with (folder / EVENTS).open("w", encoding="utf-8", newline="") as file:
            _write_events(file)
    except OSError as error:
        raise InputError(f"The simulation stopped, '{folder}' cannot be written: {error.strerror}.") from None
    write_mark(folder, settings, complete=True, **{k: v for k, v in result.to_json().items() if k != "folder"})
    return result


def _shop_settings(settings: DaySettings, midnight: datetime, count: int) -> ShopSettings:
    """The settings of the simulation: all days, or with a size at most a week of small days."""
    update: dict[str, Any] = {"start": midnight}
    if settings.size:
        update["days"] = float(min(count, WEEK))
        if "lines_per_day" not in settings.model_fields_set:
            padding = settings.tokens * (24 if settings.pretty else 4)
            line = LINE + (padding + 220) / LINES
            update["lines_per_day"] = max(1_000, int(SHORT * min(settings.size, DISTINCT) / line))
    return settings.model_copy(update=update)


def _write_events(file: IO[str]) -> None:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["event_id", "level", "path", "code_line", "message"])
    for site in sites().values():
        path = Path(site.path).relative_to(PACKAGE).as_posix()
        rows.writerow([site.event, site.level, path, site.line, site.message])


class _Sessions(Keeper):
    """Collects the records of each trace and passes them on as a session when the trace has ended."""

    def __init__(self, start: int, clock: Clock, writer: _DayFiles) -> None:
        super().__init__(start, clock)
        self.files = {service: ServiceClock() for service in FILES}
        self._events = {place: site.event for place, site in sites().items()}
        self._open: dict[str, list[tuple[int, int, int, str, str]]] = {}
        self._writer = writer

    def write(self, service: str, record: logging.LogRecord) -> None:
        """Keep a record until its trace has ended."""
        stamp, text = self.stamped(self.files[service], record)
        event = self._events[record.pathname, record.lineno]
        self._open.setdefault(self._clock.trace.key, []).append((stamp, record.levelno, event, service, text))

    def label(self, trace: Trace) -> None:
        """A trace has ended: write it as a session, unless it has no record."""
        super().label(trace)
        records = self._open.pop(trace.key, None)
        if not records:
            return
        records.sort(key=itemgetter(0))  # by the clocks of the services, as a collector of their logs sees them
        session = {
            "event_sequence": [record[2] for record in records],
            "has_error": any(record[1] >= logging.ERROR for record in records),
            "has_warn": any(record[1] == logging.WARNING for record in records),
            "service_name": Counter(record[3] for record in records).most_common(1)[0][0],
            "original_logs": [record[4] for record in records],
        }
        self._writer.add(records[0][0] // MS, session, trace.struck)


@dataclass
class _Day:
    """A simulated day: its open file, the sessions that are not yet written, and the blocks to repeat."""

    number: int
    file: DayFile
    pile: SessionPile
    kept: list[SessionBlock] = field(default_factory=list)


class _DayFiles:
    """Sorts sessions into days and writes the files of each day and of the days that repeat it."""

    def __init__(
        self,
        folder: Path,
        labels: IO[bytes],
        settings: DaySettings,
        first: datetime,
        count: int,
        result: DaySimulation,
        bar: Progress,
    ) -> None:
        self._folder, self._labels, self._settings, self._result = folder, labels, settings, result
        self._first, self._count, self._bar = first, count, bar
        self._simulated = min(count, WEEK) if settings.size else count
        self._day0 = int(np.datetime64(first, "D").astype(np.int64))
        self._days: dict[int, _Day] = {}
        self._ended: set[int] = set()

    def add(self, day: int, session: dict[str, Any], fault: str) -> None:
        """Add a session that began on ``day`` (since 1970)."""
        number = min(max(day - self._day0, 0), self._simulated - 1)  # a wrong clock may give a day outside
        if number not in self._days:
            for early in [other for other in self._days if other < number - 1]:
                self._finish(self._days.pop(early))
            self._days[number] = self._begin(number)
        current = self._days[number]
        block = current.pile.add(session, fault)
        if block:
            self._put(current, block)

    def close(self) -> None:
        """End the files of all simulated days, and write the days that repeat them."""
        for number in range(self._simulated):  # a day without a session has a file too
            if number not in self._ended:
                self._finish(self._days.pop(number) if number in self._days else self._begin(number))
        self._result.files.sort()

    def _begin(self, number: int) -> _Day:
        pile = SessionPile(np.datetime64(self._day0 + number, "D"), self._settings.tokens, self._settings.pretty)
        return _Day(number, self._file(number), pile)

    def _file(self, number: int) -> DayFile:
        path = day_path(self._folder, (self._first + timedelta(days=number)).date())
        self._result.files.append(path)
        return DayFile(path, self._labels, self._settings.size, self._settings.pretty)

    def _put(self, day: _Day, block: SessionBlock) -> None:
        if self._settings.size:
            day.kept.append(block)
        if not day.file.full:
            before = day.file.sessions
            self._write(day.file, block, 0, 0)
            self._result.distinct += day.file.sessions - before

    def _finish(self, day: _Day) -> None:
        self._ended.add(day.number)
        if block := day.pile.block():
            self._put(day, block)
        if day.kept:
            self._fill(day.file, day.kept, 0, 1)
            for number in range(day.number + WEEK, self._count, WEEK):
                file = self._file(number)
                self._fill(file, day.kept, number - day.number, 0)
                self._end(file)
        self._end(day.file)

    def _fill(self, file: DayFile, blocks: list[SessionBlock], shift: int, turn: int) -> None:
        """Repeat blocks until the file is full, with ids that are computed from the day and the ``turn``."""
        while True:
            for block in blocks:
                if file.full:
                    return
                self._write(file, block, shift, (shift << 24) + turn)
            turn += 1

    def _write(self, file: DayFile, block: SessionBlock, shift: int, salt: int) -> None:
        before = file.bytes
        file.add(block, shift, salt)
        if self._settings.size:
            self._bar.advance(file.bytes - before)

    def _end(self, file: DayFile) -> None:
        file.close()
        self._result.bytes += file.bytes
        self._result.sessions += file.sessions
        self._result.faults.update({name: count for name, count in file.faults.items() if name})
