"""Log reader: segments of one write-ahead log become records with their clock, cut by session key.

It does what the service does before it scores: frames, senders, one order by the clocks of all. That is one sequence
for each log, so each log is one key of Spark; several services, each with a log of its own, are read side by side.
Their sessions do not mix: clocks and ends of one log say nothing of another one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
import pyarrow as pa

from logradar.core.tables import LOG_RECORDS
from logradar.engines.spark.messages import CHANGES, CLOCK, CLOSED, READ, RECORDS, Message, packed, said
from logradar.engines.spark.pieces import COLUMNS, cut
from logradar.model.bundle import Bundle
from logradar.parsing.event_clock import UNKNOWN_TIME, EventClock
from logradar.parsing.events import events
from logradar.parsing.templates import TemplateMiner
from logradar.scoring.rates.watch import RateWatch
from logradar.serving.intake.intake import Intake
from logradar.serving.intake.rows import log_records
from logradar.serving.wal.frames import LINES, TICK, Damage, Frame, scan
from logradar.sources.opening.opening import InputSettings

LATENESS: Final = 4  # ticks that a slow sender is waited for, as the service does
CLOSE: Final = "close"  # the end of the input, as a control frame of the service says it
_HELD: Final = 4  # segments that wait for the one before them
_BYTES: Final = pa.large_binary()
_CARRIED: Final = pa.schema([("time", pa.int64()), ("frame", _BYTES)])


class LogReader:
    """Reads the segments of one log in order; `state` is all that the next micro-batch needs."""

    def __init__(self, bundle: Bundle, parts: int) -> None:
        self._bundle, self._parts = bundle, parts
        self._intake = Intake(InputSettings(), bundle.settings.input.format, LATENESS)
        self._clock, self._now = EventClock(), UNKNOWN_TIME
        self._rates = RateWatch(bundle.rates, bundle.texts) if bundle.rates is not None else None
        self._arrived: list[Frame] = []
        self._held: dict[int, bytes] = {}
        self._closing = False
        self._position = self._records = self._seq = self._unit = 0
        self._faults: dict[str, int] = {}

    def read(self, segments: Iterable[tuple[str, bytes]], log: str = "") -> Iterator[Message]:
        """Messages of segments, each a name and its bytes; those that were read before are passed over."""
        self._unit = unit_of(log)
        before = dict(self._intake.quarantine.reasons)
        for name, content in segments:
            stem = PurePosixPath(name).stem
            if not stem.isdecimal():
                self._fault("file that is no segment")
            elif int(stem) < self._position:
                self._fault("segment that was read before")
            else:
                self._held[int(stem)] = content
        while (start := self._next()) is not None:
            yield from self._segment(self._held.pop(start), start)
        if self._now != UNKNOWN_TIME:
            yield from self._to_all(CLOCK, said(now=self._now))
        reasons = dict(self._intake.quarantine.reasons)
        new = {reason: count - before.get(reason, 0) for reason, count in reasons.items()}
        horizon = self._rates.horizon if self._rates is not None else None
        self._faults, faults = {}, self._faults
        facts = said(
            log=log,
            records=self._records,
            held=len(self._held),
            reasons={k: v for k, v in (new | faults).items() if v},
            horizon=horizon,
        )
        yield Message(-1, self._unit, self._seq, READ, facts)

    def _next(self) -> int | None:
        """The place of the segment to be read now; one that came before its predecessor is kept for a while."""
        start = min(self._held, default=None)
        if start is None or (start > self._position and self._position and len(self._held) <= _HELD):
            return None
        if start > self._position and self._position:
            self._fault("gap before a segment")
        return start

    def _segment(self, content: bytes, start: int) -> Iterator[Message]:
        rows: list[pa.Table] = []
        for found in scan(content, start):
            self._position = found.end
            if isinstance(found, Damage):
                self._fault("damaged bytes of a segment")
            elif found.kind == LINES:
                self._arrived.append(found)
            elif found.kind == TICK:
                rows.append(self._tick())
                if self._closing:
                    yield from self._pushed(rows)
                    yield from self._end()
                    rows, self._closing = [], False
            else:
                self._closing |= found.control().get("do") == CLOSE
        yield from self._pushed(rows)

    def _tick(self) -> pa.Table:
        """LOG_RECORDS that are due; with the end of the input, all."""
        arrived, self._arrived = self._arrived, []
        rows = self._intake.push([(frame.time, frame.arrivals()) for frame in arrived])
        tables = [log_records(rows, self._bundle.settings.input.session_key)]
        if self._closing:
            tables.append(log_records(self._intake.close(), self._bundle.settings.input.session_key))
        return pa.concat_tables(tables).unify_dictionaries()

    def _pushed(self, tables: Sequence[pa.Table]) -> Iterator[Message]:
        tables = [table for table in tables if len(table)]
        if not tables:
            return
        records = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
        ids = pa.array(np.arange(self._records, self._records + len(records)), pa.int64())
        records = records.set_column(0, LOG_RECORDS.field("record_id"), ids)
        self._records += len(records)
        moments = self._clock.read(records["source"], records["timestamp"])
        self._now = max(self._now, int(moments.clocks[-1]))
        miner = self._bundle.miner
        assert isinstance(miner, TemplateMiner)
        templates = np.zeros(len(records), np.int32)
        if self._rates is not None:
            templates = miner.match(miner.without_keys(records["body"], records["session_key"]))
            self._rates.push(moments, events(records, templates))
            yield from self._changes(records)
        columns = [moments.times, moments.clocks, moments.shifts, templates]
        placed = pa.Table.from_arrays([*records.columns, *map(pa.array, columns)], schema=COLUMNS)
        for part, own in cut(placed, self._bundle.settings.sessions.by, self._parts):
            yield Message(part, self._unit, self._seq, RECORDS, packed(own))
        self._seq += 1

    def _changes(self, records: pa.Table) -> Iterator[Message]:
        assert self._rates is not None
        found = self._rates.changes_in(records)
        if len(found):
            yield Message(-1, self._unit, self._seq, CHANGES, packed(found))

    def _end(self) -> Iterator[Message]:
        """The input is at its end: all sessions are over, and clocks and rates begin anew."""
        if self._rates is not None:
            self._rates.close()
            yield from self._changes(LOG_RECORDS.empty_table())
            self._rates = RateWatch(self._rates.profile, self._bundle.texts)
        yield from self._to_all(CLOSED, said())
        yield Message(-1, self._unit, self._seq, CLOSED, said())
        self._clock, self._now = EventClock(), UNKNOWN_TIME

    def _to_all(self, kind: int, payload: bytes) -> Iterator[Message]:
        for part in range(self._parts):
            yield Message(part, self._unit, self._seq, kind, payload)
        self._seq += 1

    def _fault(self, reason: str) -> None:
        self._faults[reason] = self._faults.get(reason, 0) + 1

    def state(self) -> tuple[dict[str, Any], dict[str, pa.Table]]:
        """The state: JSON values, and tables by name."""
        values, tables = self._intake.state()
        facts = {name: getattr(self, f"_{name}") for name in _FACTS}
        frames = {"time": [one.time for one in self._arrived], "frame": [one.payload for one in self._arrived]}
        rates = self._rates.tables() if self._rates is not None else {}
        carried = pa.table(frames, schema=_CARRIED)
        held = pa.table(
            {"start": pa.array(list(self._held), pa.int64()), "bytes": pa.array(self._held.values(), _BYTES)}
        )
        mine = {"clock": self._clock.table(), "carried": carried, "held": held}
        return {"intake": values, **facts}, {**tables, **rates, **mine}

    def restore(self, values: dict[str, Any], tables: dict[str, pa.Table]) -> None:
        """Take over what `state` gave, for the same bundle."""
        self._intake.restore(values["intake"], tables)
        self._clock = EventClock.restore(tables["clock"])
        for name in _FACTS:
            setattr(self, f"_{name}", values[name])
        if self._rates is not None:
            self._rates.restore(tables)
        self._held = {row["start"]: row["bytes"] for row in tables["held"].to_pylist()}
        self._arrived = [Frame(LINES, row["time"], row["frame"], 0, 0) for row in tables["carried"].to_pylist()]


_FACTS: Final = ("now", "closing", "position", "records", "seq")


def unit_of(log: str) -> int:
    """The number by which the messages of a log are told from those of others."""
    return zlib.crc32(log.encode())


def without_rates(bundle: Bundle) -> Bundle:
    """The bundle for a part of a log: rates are judged over the whole."""
    return replace(bundle, rates=None)
