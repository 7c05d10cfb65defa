"""Windows: records without a key, a run of records of one service at a time, by count or by time.

A window of count holds ``size`` records of a service that arrived one after the other. A window of time holds
the records of a service within ``seconds``. Windows may overlap (``step`` smaller than the window); a window
whose records are all in the window before it says nothing new and is left out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from logradar.parsing.event_clock import SECOND, UNKNOWN_TIME
from logradar.parsing.sessions import EventColumns, Ints, SessionSettings

KEY, COUNT, TIME, TIMELESS = range(4)  # kinds of groups; TIMELESS: windows of time, records before the first time
Group = tuple[int, str | None, int]  # kind, key or service, number of the window
_FIRST: Final = np.iinfo(np.int64).max  # the place of a record in the first window of a service
_NO_SERVICE: Final = "log"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATE: Final = pa.schema(
    [
        pa.field("service", pa.string()),
        pa.field("place", pa.int64()),
        pa.field("first", pa.int64()),
        pa.field("clock", pa.int64()),
    ]
)


class Windows:
    """Numbers the windows of each service while records arrive.

    ``idle`` (microseconds, or None) ends a window of count: the next record of the service begins another.
    """

    def __init__(self, settings: SessionSettings, idle: int | None) -> None:
        self._by_time, self._idle = settings.by == "time", idle
        self._size, self._step = settings.size, settings.step or settings.size
        if self._by_time:
            self._size = round(settings.seconds * SECOND)
            self._step = round((settings.step_seconds or settings.seconds) * SECOND)
        self._lateness = round(settings.lateness * SECOND)
        self._services: dict[str | None, tuple[int, int, int]] = {}  # next place, first place, clock of the last record
        self._full: list[Group] = []
        self._ends: dict[Group, int] = {}  # of windows of time that are open

    def assign(self, events: EventColumns, rows: Ints, names: list[str | None]) -> tuple[list[Group], Ints, Ints, Ints]:
        """The windows of the events at ``rows``, which are in order of arrival.

        Returns groups, and for each membership the number of its group, its row, and the place of the event in
        the numbering of its service (see `repeats`). Where windows overlap, an event is in several.
        """
        parts: list[tuple[Group, Ints, Ints]] = []
        service = events.service[rows]
        for code in np.unique(service).tolist():
            own = rows[service == code]
            name = names[code] if code >= 0 else None
            parts += self._of_time(name, events, own) if self._by_time else self._of_count(name, events, own)
        groups = [group for group, _, _ in parts]
        codes = np.repeat(np.arange(len(parts)), [len(found) for _, found, _ in parts])
        return groups, codes, np.concatenate([p[1] for p in parts]), np.concatenate([p[2] for p in parts])

    def full(self) -> list[Group]:
        """Windows of count that the last events filled."""
        found, self._full = self._full, []
        return found

    def passed(self, now: int) -> list[Group]:
        """Windows of time that are over at clock ``now``, lateness included."""
        over = [group for group, end in self._ends.items() if end + self._lateness < now]
        for group in over:
            del self._ends[group]
        return over

    def repeats(self, group: Group, furthest: int) -> bool:
        """Whether all events of a window, the last of them at ``furthest``, are in the window before it."""
        kind, _, window = group
        return kind in (COUNT, TIME) and furthest < (window - 1) * self._step + self._size

    def _of_count(self, name: str | None, events: EventColumns, rows: Ints) -> list[tuple[Group, Ints, Ints]]:
        place, first, clock = self._services.get(name, (0, 0, UNKNOWN_TIME))
        seen = events.seen
        found: list[tuple[Group, Ints, Ints]] = []
        for run in np.split(rows, self._breaks(seen[rows], clock)):
            if not len(run):
                continue  # the run before the first event, which a pause has ended
            if clock != UNKNOWN_TIME and self._pause(clock, int(seen[run[0]])):
                place = first = -(-place // self._step) * self._step
            places = place + np.arange(len(run))
            found += self._memberships(COUNT, name, places, run, np.full(len(run), first))
            complete = range(
                max((place - self._size) // self._step + 1, first // self._step),
                (place + len(run) - self._size) // self._step + 1,
            )
            self._full += [(COUNT, name, window) for window in complete]
            place += len(run)
            clock = int(seen[run[-1]])
        self._services[name] = place, first, clock
        return found

    def _of_time(self, name: str | None, events: EventColumns, rows: Ints) -> list[tuple[Group, Ints, Ints]]:
        timed = events.time[rows] != UNKNOWN_TIME
        found: list[tuple[Group, Ints, Ints]] = []
        if not timed.all():
            early = rows[~timed]
            found.append(((TIMELESS, name, 0), early, np.full(len(early), _FIRST)))
        rows = rows[timed]
        if not len(rows):
            return found
        clocks = events.clock[rows]
        latest = np.where(clocks == UNKNOWN_TIME, UNKNOWN_TIME, clocks - self._lateness)
        places = np.maximum(events.time[rows], latest)
        _, first, _ = self._services.get(name, (0, _FIRST, UNKNOWN_TIME))
        firsts = np.minimum(np.minimum.accumulate(places), first)
        self._services[name] = 0, int(firsts[-1]), UNKNOWN_TIME
        windows = self._memberships(TIME, name, places, rows, firsts)
        for group, _, _ in windows:
            self._ends[group] = group[2] * self._step + self._size
        return found + windows

    def _memberships(
        self, kind: int, name: str | None, places: Ints, rows: Ints, first: Ints
    ) -> list[tuple[Group, Ints, Ints]]:
        """Each window of these events with their rows and places; a window begins no earlier than its service."""
        last = places // self._step
        begin = np.maximum((places - self._size) // self._step + 1, first // self._step)
        if self._step >= self._size:
            begin = last
        counts = last - begin + 1
        member = np.repeat(np.arange(len(rows)), counts)
        window = np.repeat(begin, counts) + np.arange(len(member)) - np.repeat(np.cumsum(counts) - counts, counts)
        furthest = np.where(window == (first // self._step)[member], _FIRST, places[member])
        order = np.argsort(window, kind="stable")
        window, member, furthest = window[order], member[order], furthest[order]
        bounds = np.flatnonzero(np.concatenate([[True], window[1:] != window[:-1], [True]]))
        return [
            ((kind, name, int(window[start])), rows[member[start:end]], furthest[start:end])
            for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
        ]

    def _breaks(self, seen: Ints, before: int) -> Ints:
        """Where a pause ends a window of count."""
        if self._idle is None:
            return np.empty(0, np.int64)
        earlier = np.concatenate([[before], seen[:-1]])
        known = (earlier != UNKNOWN_TIME) & (seen != UNKNOWN_TIME)
        return np.flatnonzero(known & (seen - earlier > self._idle))

    def _pause(self, before: int, now: int) -> bool:
        return self._idle is not None and now != UNKNOWN_TIME and now - before > self._idle

    @staticmethod
    def name(group: Group, settings: SessionSettings) -> str:
        """The session id of a group: its key, or its service with the number or the start of the window."""
        kind, key, window = group
        if kind == KEY:
            return key or ""
        if kind == COUNT:
            return f"{key or _NO_SERVICE}[{window}]"
        if kind == TIMELESS:
            return f"{key or _NO_SERVICE}[no time]"
        step = round((settings.step_seconds or settings.seconds) * SECOND)
        start = _EPOCH + timedelta(microseconds=window * step)
        return f"{key or _NO_SERVICE}[{start.strftime('%Y-%m-%dT%H:%M:%S')}.{start.microsecond // 1000:03}]"

    def table(self) -> pa.Table:
        """The state, one row a service."""
        columns = [list(self._services), *(list(part) for part in zip(*self._services.values(), strict=True))]
        columns = columns if self._services else [[] for _ in _STATE]
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, _STATE, strict=True)], schema=_STATE)

    def restore(self, table: pa.Table, open_groups: list[Group]) -> None:
        """Take over what `table` gave, and the windows of time among the open groups."""
        self._services = {row["service"]: (row["place"], row["first"], row["clock"]) for row in table.to_pylist()}
        self._ends = {g: g[2] * self._step + self._size for g in open_groups if g[0] == TIME}
