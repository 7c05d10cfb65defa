"""Sessions: what belongs together, and how the events of a session become one row of SESSIONS.

Records that carry a key (block, trace, request, …) form one session for each key. Records without one form
windows of count or time for each service, so that nothing is lost. `logradar.parsing.sessionizer` decides
which event goes where; here are the settings and the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from logradar.core.config import Config
from logradar.core.tables import NAME, SESSIONS, TIMESTAMP, check, microseconds
from logradar.parsing.event_clock import SECOND, UNKNOWN_TIME, Moments

Ints = npt.NDArray[np.int64]
NO_VALUE: Final = -1  # of a service, level or label that is not known
UNKNOWN_TIMESTAMP: Final = UNKNOWN_TIME


class SessionSettings(Config):
    """What a session is, and what ends it."""

    by: Literal["auto", "key", "count", "time"] = Field(
        "auto", description="session key, or windows of count or time; auto: key where any record has one, else count"
    )
    size: int = Field(50, ge=1, le=10**9, description="events of a window of count")
    step: int | None = Field(None, ge=1, description="events between starts of windows; less than size: they overlap")
    seconds: float = Field(60.0, ge=1e-3, le=1e9, description="length of a window of time")
    step_seconds: float | None = Field(None, ge=1e-3, description="seconds between starts of windows")
    unkeyed: Literal["windows", "drop"] = Field(
        "windows", description="records without a key while others have one: windows of count by service, or none"
    )
    min_length: int = Field(1, ge=1, le=10**9, description="sessions with fewer events are dropped")
    max_length: int = Field(10_000, ge=2, le=10**9, description="sessions with more events are cut into parts")
    idle_seconds: float | None = Field(
        None,
        ge=1e-3,
        le=1e9,
        description="a session ends when the clock of the log is so many seconds past its last event; "
        "learnt from the gaps inside training sessions unless given",
    )
    lateness: float = Field(
        60.0, ge=0, le=1e9, description="seconds that a window of time waits for records that arrive late"
    )

    @model_validator(mode="after")
    def _no_gaps(self) -> SessionSettings:
        for step, size, name in ((self.step, self.size, "size"), (self.step_seconds, self.seconds, "seconds")):
            if step is not None and step > size:
                raise ValueError(f"a step of {step} is longer than '{name}' ({size}), records between would be lost")
        return self

    def resolved(self, any_key: bool) -> SessionSettings:
        """The same without ``auto``: by key if any record of the training input has one, else by count."""
        return self if self.by != "auto" else self.model_copy(update={"by": "key" if any_key else "count"})


@dataclass(frozen=True)
class EventColumns:
    """Events as arrays, one entry for each event; what SESSIONS are made of.

    ``timestamp`` and ``time`` are microseconds: as written (`UNKNOWN_TIMESTAMP` where there is none), and filled
    up by the `logradar.parsing.event_clock.EventClock`, which also gives ``clock``, ``shift`` and ``source``.
    ``service`` is an index into a list of names; it, ``level``
    and ``label`` (0 or 1) are `NO_VALUE` where they are not known.
    """

    record_id: Ints
    timestamp: Ints
    time: Ints
    clock: Ints
    shift: Ints
    source: npt.NDArray[np.int32]
    service: npt.NDArray[np.int32]
    level: npt.NDArray[np.int8]
    template_id: npt.NDArray[np.int32]
    label: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.record_id)

    @property
    def seen(self) -> Ints:
        """When each event was seen: the clock, or its own time where that is later (the first event after a pause)."""
        return np.maximum(self.clock, self.time)

    def take(self, places: Ints) -> EventColumns:
        """The events at ``places``, in that order."""
        return EventColumns(*(getattr(self, name)[places] for name in COLUMNS))

    @classmethod
    def of(cls, events: pa.Table, moments: Moments, services: dict[str | None, int]) -> EventColumns:
        """From EVENTS and their moments; names of services that are new are added to ``services``."""
        return cls(
            events["record_id"].to_numpy(),
            _plain(microseconds(events["timestamp"]), UNKNOWN_TIMESTAMP, np.int64),
            *moments,
            _codes(events["service"], services),
            _plain(events["level"], NO_VALUE, np.int8),
            events["template_id"].to_numpy(),
            _plain(events["label"], NO_VALUE, np.int8),
        )


COLUMNS: Final = tuple(EventColumns.__dataclass_fields__)


def sessions_table(ids: list[str], events: EventColumns, offsets: Ints, services: list[str | None]) -> pa.Table:
    """SESSIONS named ``ids``; the events of session ``i`` are ``offsets[i]`` to ``offsets[i + 1]``, none is empty.

    Inside a session, events are in order of time, then of record; those of one file in the order of the file where
    its clock went back (see `logradar.parsing.event_clock`). The service of a session is that of most
    of its events; of equals the one that comes first.
    """
    if not ids:
        return SESSIONS.empty_table()
    lengths = np.diff(offsets)
    session = np.repeat(np.arange(len(ids)), lengths)
    moment = _in_file_order(session, offsets, events)
    order = np.lexsort((events.record_id, moment, session))
    events, moment, starts = events.take(order), moment[order], offsets[:-1]
    gaps = np.diff(moment, prepend=moment[:1])
    gaps[starts] = 0
    gaps[np.concatenate([[False], events.time[:-1] == UNKNOWN_TIME])] = 0
    written = events.timestamp != UNKNOWN_TIMESTAMP
    first = np.minimum.reduceat(np.where(written, events.timestamp, np.iinfo(np.int64).max), starts)
    last = np.maximum.reduceat(events.timestamp, starts)
    nowhere = last == UNKNOWN_TIMESTAMP
    level, label = np.maximum.reduceat(events.level, starts), np.maximum.reduceat(events.label, starts)
    lists = pa.array(offsets.astype(np.int32))
    columns = {
        "session_id": pa.array(ids, pa.string()),
        "service": _most_frequent(session, events.service, services),
        "start": pa.array(first, pa.int64(), mask=nowhere).view(TIMESTAMP),
        "end": pa.array(last, pa.int64(), mask=nowhere).view(TIMESTAMP),
        "record_ids": pa.ListArray.from_arrays(lists, pa.array(events.record_id, pa.int64())),
        "template_ids": pa.ListArray.from_arrays(lists, pa.array(events.template_id, pa.int32())),
        "gaps": pa.ListArray.from_arrays(lists, pa.array((gaps / SECOND).astype(np.float32))),
        "max_level": pa.array(level, pa.int8(), mask=level == NO_VALUE),
        "label": pa.array(label == 1, pa.bool_(), mask=label == NO_VALUE),
        "parameters": pa.nulls(len(ids), SESSIONS.field("parameters").type),
        "texts": pa.nulls(len(ids), SESSIONS.field("texts").type),
    }
    return check(pa.table(columns, schema=SESSIONS), SESSIONS)


def _in_file_order(session: Ints, offsets: Ints, events: EventColumns) -> Ints:
    """The times of events, moved on by the steps back that the clock of their source made inside their session."""
    if (events.shift == events.shift[0]).all():
        return events.time
    order = np.lexsort((events.source, session))
    shift, same = events.shift[order], (np.diff(events.source[order]) == 0) & (np.diff(session) == 0)
    stepped = np.unique(session[1:][same & (np.diff(shift) != 0)])
    moments = events.time.copy()
    for number in stepped.tolist():  # few: the sessions that were open when a clock went back
        own = slice(int(offsets[number]), int(offsets[number + 1]))
        moments[own] += _moved(events.shift[own], events.source[own])
    return moments


def _moved(shift: Ints, source: npt.NDArray[np.int32]) -> Ints:
    """By how much the events of one session are moved on, of which some source has several shifts.

    A source whose events all come after a step that others have made as well is moved as those are.
    """
    _, code = np.unique(source, return_inverse=True)
    least, most = np.full(code.max() + 1, np.iinfo(np.int64).max), np.full(code.max() + 1, -1)
    np.minimum.at(least, code, shift)
    np.maximum.at(most, code, shift)
    steps = np.unique(shift[(least < most)[code]])
    place = np.clip(np.searchsorted(steps, least), 0, len(steps) - 1)
    alike = (least == most) & (np.abs(steps[place] - least) <= SECOND)
    return np.maximum(shift - np.where(alike, steps[0], least)[code], 0)


def _most_frequent(session: Ints, service: npt.NDArray[np.int32], names: list[str | None]) -> pa.DictionaryArray:
    if (service == service[0]).all():
        of_all, count = int(service[0]), int(session[-1]) + 1
        same = pa.array(np.zeros(count, np.int32), mask=np.full(count, of_all < 0))
        return pa.DictionaryArray.from_arrays(same, pa.array([names[of_all] if of_all >= 0 else ""], pa.string()))
    pairs = session * (len(names) + 1) + service + 1
    kinds, place, counts = np.unique(pairs, return_index=True, return_counts=True)
    of, code = np.divmod(kinds, len(names) + 1)
    counts[code == 0] = 0  # events without a service have no say, unless there are no others
    order = np.lexsort((place, -counts, of))
    best = order[np.concatenate([[True], np.diff(of[order]) > 0])]
    chosen = code[best] - 1
    codes = pa.array(chosen, pa.int32(), mask=chosen < 0)
    return pa.DictionaryArray.from_arrays(codes, pa.array(names or [""], pa.string())).cast(NAME)


def _plain(column: pa.Array | pa.ChunkedArray, nothing: int, kind: type[np.generic]) -> Any:
    if column.null_count == len(column):
        return np.full(len(column), nothing, kind)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return column.fill_null(nothing).to_numpy() if column.null_count else column.to_numpy()


def _codes(column: pa.ChunkedArray, services: dict[str | None, int]) -> npt.NDArray[np.int32]:
    coded = column.unify_dictionaries().combine_chunks()
    numbers = [services.setdefault(name, len(services)) for name in coded.dictionary.to_pylist()]
    places = _plain(coded.indices, len(numbers), np.int32)
    codes: npt.NDArray[np.int32] = np.array([*numbers, NO_VALUE], np.int32).take(places)
    return codes
