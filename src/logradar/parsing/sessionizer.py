"""Sessionizer: events become sessions, in whatever batches they arrive.

Which session an event belongs to depends on the events before it and on nothing else: never on where a batch
ends. A session by key ends when the clock of the log is ``idle_seconds`` past its last event, or at the end of
the input; of more than ``max_length`` events it is cut into parts ``key``, ``key#2``, ``key#3``, … Windows of
count go by order of arrival inside a service. A window of time ends when the clock is ``lateness`` past its
end; what arrives later goes into the oldest window that is still open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from logradar.core.tables import SESSIONS
from logradar.parsing.event_clock import SECOND, UNKNOWN_TIME, Moments
from logradar.parsing.open_events import TYPES, OpenEvents
from logradar.parsing.sessions import COLUMNS, EventColumns, Ints, SessionSettings, sessions_table
from logradar.parsing.windows import KEY, TIME, Group, Windows

_SPARE: Final = 4096  # events of sessions that are over, which may be kept until it is worth to forget them
_STATE: Final = pa.schema(
    [
        pa.field("kind", pa.int8()),
        pa.field("key", pa.string()),
        pa.field("window", pa.int64()),
        pa.field("part", pa.int32()),
        pa.field("seen", pa.int64()),
        pa.field("furthest", pa.int64()),
        pa.field("places", pa.list_(pa.int64())),
    ]
)

MEMBERSHIPS: Final = pa.schema(  # an event in a session: columns of EventColumns, and the group that it belongs to
    [
        *(pa.field(name, pa.from_numpy_dtype(TYPES[name])) for name in COLUMNS),
        pa.field("key", pa.string()),
        pa.field("kind", pa.int8()),
        pa.field("window", pa.int64()),
        pa.field("furthest", pa.int64()),
    ]
)


@dataclass(slots=True)
class _Open:
    """A session that may still get events: where they are, and when and at what place the last one was seen."""

    part: int
    seen: int
    furthest: int  # largest place inside the numbering of windows; 0 for a key
    places: list[Ints] = field(default_factory=list)
    count: int = 0


class Sessionizer:
    """Takes events in order of arrival (`push`) and gives back the sessions that are over.

    ``settings.by`` must not be ``auto`` (see `SessionSettings.resolved`). ``records`` counts what was pushed,
    ``dropped`` the records that are in no session, ``windowed`` those that went into windows.
    """

    def __init__(self, settings: SessionSettings) -> None:
        self.settings = settings.resolved(any_key=True)
        self.records = self.dropped = self.windowed = 0
        self._idle = round(settings.idle_seconds * SECOND) if settings.idle_seconds else None
        self._events = OpenEvents()
        self._windows = Windows(self.settings, self._idle)
        self._open: dict[Group, _Open] = {}  # the one that was idle longest comes first
        self._services: dict[str | None, int] = {}
        self._touched: list[Group] = []
        self._live = 0  # memberships of events in open sessions

    def __len__(self) -> int:
        """How many sessions are open."""
        return len(self._open)

    @property
    def oldest(self) -> int | None:
        """The time (microseconds, of the clock) at which the session that is idle longest got its last event."""
        return next((one.seen for one in self._open.values()), None)

    @property
    def held(self) -> int:
        """How many events open sessions hold; one that is in several windows counts several times."""
        return self._live

    def push(self, events: pa.Table, moments: Moments) -> pa.Table:
        """SESSIONS that are over once ``events`` (EVENTS, in order of arrival) have come.

        ``moments`` are those of `logradar.parsing.event_clock.EventClock`, of shape (events,).
        """
        if not len(events):
            return self._table([])
        columns = EventColumns.of(events, moments, self._services)
        groups, code, rows, furthest = self._assign(events, columns)
        self._touched = groups
        closed = self._distribute(groups, code, rows, furthest, columns)
        return self._table(closed + self._over(int(moments.clocks[-1])))

    def pass_to(self, now: int) -> pa.Table:
        """SESSIONS that are over at clock ``now`` (microseconds) although no event came."""
        self._touched = []
        return self._table(self._over(now))

    def assign(self, events: pa.Table, moments: Moments) -> pa.Table:
        """MEMBERSHIPS of events, for inputs that are grouped as a whole (see `group`).

        The events are not kept: write the rows to as many partitions as there is need for, by their group.
        """
        columns = EventColumns.of(events, moments, self._services)
        groups, code, rows, furthest = self._assign(events, columns)
        taken = columns.take(rows)
        names = pa.array([key for _, key, _ in groups], pa.string()).take(pa.array(code))
        kinds, windows = (np.array([group[place] for group in groups], np.int64)[code] for place in (0, 2))
        arrays = [*(pa.array(getattr(taken, name)) for name in COLUMNS), names]
        return pa.table(
            [*arrays, pa.array(kinds, pa.int8()), pa.array(windows), pa.array(furthest)], schema=MEMBERSHIPS
        )

    def group(self, memberships: pa.Table) -> pa.Table:
        """SESSIONS of MEMBERSHIPS that hold all events of their groups; what is open before is not touched.

        Records of several sources are merged by their clocks, as if they had arrived in that order.
        """
        if not len(memberships):
            return SESSIONS.empty_table()
        fresh = Sessionizer(self.settings)
        fresh._services, fresh._windows = self._services, self._windows
        columns = EventColumns(**{name: memberships[name].to_numpy() for name in COLUMNS})
        groups, code = _coded(memberships)
        order = np.arange(len(columns))
        if (np.diff(columns.clock) < 0).any():
            keyed = memberships["kind"].to_numpy() == KEY
            order = np.lexsort((order, np.where(keyed, columns.clock, 0)))
        furthest = memberships["furthest"].to_numpy()[order]
        closed = fresh._distribute(groups, code[order], np.arange(len(order)), furthest, columns.take(order))
        table = fresh._table(closed + list(fresh._open.items()))
        self.dropped += fresh.dropped
        return table

    def shorten(self, most: int) -> pa.Table:
        """SESSIONS that are taken as over, those idle longest, so that open sessions hold at most ``most`` events."""
        over: list[tuple[Group, _Open]] = []
        left = self._live
        for group, session in self._open.items():
            if left <= most:
                break
            over.append((group, session))
            left -= session.count
        for group, _ in over:
            del self._open[group]
        return self._table(over)

    def close(self) -> pa.Table:
        """SESSIONS that are still open, at the end of the input."""
        rest = list(self._open.items())
        self._open = {}
        return self._table(rest)

    def open_keys(self) -> set[str]:
        """Those by which later events may still join what came before."""
        return {key for kind, key, _ in self._open if kind == KEY and key is not None}

    def unfinished(self) -> pa.Table:
        """SESSIONS that got events in the last `push` and are open still, as far as they have come."""
        return self._gathered([(group, self._open[group]) for group in self._touched if group in self._open])

    def open_records(self) -> Ints:
        """The record ids of all events in open sessions, ascending."""
        self._compact()
        return np.sort(self._events.columns.record_id)

    def _assign(self, events: pa.Table, columns: EventColumns) -> tuple[list[Group], Ints, Ints, Ints]:
        """The sessions that the events belong to: groups, and for each membership its group, row and place."""
        self.records += len(columns)
        groups: list[Group] = []
        code, rows = np.empty(0, np.int64), np.empty(0, np.int64)
        rest = np.arange(len(columns))
        if self.settings.by == "key":
            keys = events["session_key"].combine_chunks()
            has_key = keys.is_valid().to_numpy(zero_copy_only=False)
            rows, rest = np.flatnonzero(has_key), np.flatnonzero(~has_key)
            coded = (keys if not len(rest) else keys.drop_null()).dictionary_encode()
            groups = [(KEY, key, 0) for key in coded.dictionary.to_pylist()]
            code = coded.indices.to_numpy().astype(np.int64)
            if self.settings.unkeyed == "drop":
                self.dropped += len(rest)
                return groups, code, rows, np.zeros(len(rows), np.int64)
        self.windowed += len(rest)
        furthest = np.zeros(len(rows), np.int64)
        if len(rest):
            names = list(self._services)
            more, window_code, window_rows, places = self._windows.assign(columns, rest, names)
            code = np.concatenate([code, window_code + len(groups)])
            rows, furthest = np.concatenate([rows, window_rows]), np.concatenate([furthest, places])
            groups += more
        return groups, code, rows, furthest

    def _distribute(
        self, groups: list[Group], code: Ints, rows: Ints, furthest: Ints, columns: EventColumns
    ) -> list[tuple[Group, _Open]]:
        """Put events into their sessions; the sessions that these events end."""
        first = self._events.append(columns)
        if not len(code):
            return []
        closed: list[tuple[Group, _Open]] = []
        order = np.argsort(code, kind="stable")
        code, rows, furthest = code[order], rows[order], furthest[order]
        seen = columns.seen[rows]
        opens = np.concatenate([[True], code[1:] != code[:-1]])  # the first event of a group in this batch
        heads = np.flatnonzero(opens)
        before = [self._open.get(groups[number]) for number in code[heads].tolist()]
        earlier = np.concatenate([[UNKNOWN_TIME], seen[:-1]])
        earlier[heads] = [session.seen if session else UNKNOWN_TIME for session in before]
        known = (earlier != UNKNOWN_TIME) & (seen != UNKNOWN_TIME)
        if self._idle is None or self.settings.by == "time":  # a window of time ends by its own length
            idle = np.zeros(len(code), bool)
        else:
            idle = known & (seen - earlier > self._idle)
        carried = np.zeros(len(code), np.int64)  # events that the session had before this batch
        carried[heads] = [session.count if session else 0 for session in before]
        run = np.maximum.accumulate(np.where(opens | idle, np.arange(len(code)), 0))
        place = np.arange(len(code)) - run + np.where(idle[run], 0, carried[run])
        full = (place > 0) & (place % self.settings.max_length == 0) & ~idle
        self._live += len(code)
        bounds = np.flatnonzero(opens | idle | full)
        ends = np.append(bounds[1:], len(code))
        by_end = np.argsort(rows[ends - 1], kind="stable") if len(bounds) > 1 else np.zeros(1, np.int64)
        begins, ends, places = bounds[by_end], ends[by_end], rows + first
        runs = (
            begins, ends, code[begins], (idle | full)[begins], full[begins],
            seen[ends - 1], np.maximum.reduceat(furthest, bounds)[by_end],
        )  # fmt: skip
        for begin, end, number, anew, goes_on, latest, reached in zip(*(run.tolist() for run in runs), strict=True):
            group = groups[number]
            session = self._open.pop(group, None)
            if session is None or anew:
                part = session.part + 1 if session is not None and goes_on else 0
                if session is not None:
                    closed.append((group, session))
                session = _Open(part, 0, 0)
            session.places.append(places[begin:end])
            session.count += end - begin
            session.seen = latest
            session.furthest = max(session.furthest, reached)
            self._open[group] = session  # last, because it is the one that was idle shortest
        return closed

    def _over(self, now: int) -> list[tuple[Group, _Open]]:
        """Open sessions that no later event can join."""
        over = [group for group in self._windows.full() if group in self._open]
        over += [group for group in self._windows.passed(now) if group in self._open]
        if self._idle is not None and now != UNKNOWN_TIME:
            for group, session in self._open.items():
                if session.seen == UNKNOWN_TIME or session.seen > now or group[0] == TIME:
                    continue
                if now - session.seen <= self._idle:
                    break
                over.append(group)
        return [(group, self._open.pop(group)) for group in dict.fromkeys(over)]

    def _table(self, closed: list[tuple[Group, _Open]]) -> pa.Table:
        count = sum(session.count for _, session in closed)
        self._live -= count
        self.dropped += sum(s.count for _, s in closed if s.count < self.settings.min_length)
        table = self._gathered(closed)
        if len(self._events) > 2 * self._live + _SPARE:
            self._compact()
        return table

    def _gathered(self, chosen: list[tuple[Group, _Open]]) -> pa.Table:
        """SESSIONS of these, in order of their first record; those that say nothing new are left out."""
        kept = [
            (group, session)
            for group, session in chosen
            if session.count >= self.settings.min_length and not self._windows.repeats(group, session.furthest)
        ]
        if not kept:
            return SESSIONS.empty_table()
        places = [
            session.places[0] if len(session.places) == 1 else np.concatenate(session.places) for _, session in kept
        ]
        first = self._events.columns.record_id[[int(place[0]) for place in places]]
        order = np.argsort(first, kind="stable").tolist()
        offsets = np.concatenate([[0], np.cumsum([len(places[number]) for number in order])])
        events = self._events.columns.take(np.concatenate([places[number] for number in order]))
        ids = [session_id(kept[number][0], kept[number][1].part, self.settings) for number in order]
        return sessions_table(ids, events, offsets, list(self._services))

    def _compact(self) -> tuple[Ints, Ints]:
        """Forget the events of sessions that are over; the places of the others, and where each session begins."""
        counts = [session.count for session in self._open.values()]
        offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        parts = [part for session in self._open.values() for part in session.places]
        places = self._events.compact(np.concatenate(parts) if parts else np.empty(0, np.int64))
        for session, first, end in zip(self._open.values(), offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            session.places = [places[first:end]]
        return places, offsets

    def tables(self) -> dict[str, pa.Table]:
        """The state as Arrow tables: open sessions, their events, and the windows of each service."""
        places, offsets = self._compact()
        kinds, keys, windows = zip(*self._open, strict=True) if self._open else ((), (), ())
        rest = ([getattr(session, name) for session in self._open.values()] for name in ("part", "seen", "furthest"))
        columns = [pa.array(one, field.type) for one, field in zip((kinds, keys, windows, *rest), _STATE, strict=False)]
        columns.append(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(places)))
        sessions = pa.table(columns, schema=_STATE)
        names = [name or "" for name in self._services]
        services = pa.table({"service": pa.array(names, pa.string())})
        counts = pa.table({name: [getattr(self, name)] for name in ("records", "dropped", "windowed")})
        return {
            "open_sessions": sessions,
            "open_events": self._events.table(),
            "services": services,
            "windows": self._windows.table(),
            "counts": counts,
        }

    @classmethod
    def restore(cls, settings: SessionSettings, tables: dict[str, pa.Table]) -> Sessionizer:
        """The sessionizer that ``tables`` came from."""
        found = cls(settings)
        found._services = {name: code for code, name in enumerate(tables["services"]["service"].to_pylist())}
        found._events = OpenEvents.restore(tables["open_events"])
        for name in ("records", "dropped", "windowed"):
            setattr(found, name, tables["counts"][name][0].as_py())
        for row in tables["open_sessions"].to_pylist():
            places = np.array(row["places"], np.int64)
            session = _Open(row["part"], row["seen"], row["furthest"], [places], len(places))
            found._open[row["kind"], row["key"], row["window"]] = session
            found._live += len(places)
        found._windows.restore(tables["windows"], list(found._open))
        return found


def _coded(memberships: pa.Table) -> tuple[list[Group], Ints]:
    """The distinct groups of MEMBERSHIPS, and for each row the number of its group."""
    keys = memberships["key"].combine_chunks().dictionary_encode()
    names = keys.dictionary.to_pylist()
    code = keys.indices.fill_null(len(names)).to_numpy().astype(np.int64)
    kinds, windows = memberships["kind"].to_numpy().astype(np.int64), memberships["window"].to_numpy()
    if (kinds == KEY).all():
        return [(KEY, name, 0) for name in names], code
    present, place = np.unique(windows, return_inverse=True)
    every, found = np.unique((code * len(present) + place) * 4 + kinds, return_inverse=True)
    rest, kind = np.divmod(every, 4)
    key, window = np.divmod(rest, len(present))
    names = [*names, None]
    triples = zip(kind.tolist(), key.tolist(), present[window].tolist(), strict=True)
    return [(kind, names[key], window) for kind, key, window in triples], found.astype(np.int64)


def session_id(group: Group, part: int, settings: SessionSettings) -> str:
    """The name of a session: its key, ``service[3]`` or ``service[2026-01-31T10:00:00.000]``, ``#2`` behind parts."""
    return Windows.name(group, settings) + (f"#{part + 1}" if part else "")
