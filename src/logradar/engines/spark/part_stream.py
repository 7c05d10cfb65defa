"""Part stream: the step of a stream for the sessions of some keys, with a state that Spark keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from logradar.alerting.threshold import Threshold
from logradar.core.tables import LOG_RECORDS
from logradar.engines.spark.log_reader import without_rates
from logradar.engines.spark.messages import (
    ALERTED,
    CLOCK,
    CLOSED,
    RECORDS,
    SCORED,
    Message,
    document,
    packed,
    said,
    unpacked,
)
from logradar.engines.spark.pieces import hashes
from logradar.model.bundle import Bundle
from logradar.parsing.event_clock import Moments
from logradar.scoring.drift_monitor import DriftMonitor
from logradar.scoring.stream import Step, Stream


class PartStream:
    """Scores what comes for one part of the session keys of a log; its figures count all that came so far."""

    def __init__(self, bundle: Bundle, limit: Threshold, part: int, unit: int = 0) -> None:
        self._bundle, self._limit, self._part, self._unit = without_rates(bundle), limit, part, unit
        self._stream = Stream(self._bundle, limit, early=False)
        self._past = DriftMonitor(bundle, limit)  # of inputs that are over
        self._counts = {"sessions": 0, "suppressed": 0}

    def read(self, messages: Iterable[Message]) -> Iterator[Message]:
        """ALERTS of sessions that are over, and figures."""
        for one in sorted(messages, key=lambda one: (one.seq, one.kind)):
            yield from self._alerts(self._step(one))
        facts = {**self._figures(), "part": self._part, "oldest": self._stream.oldest}
        drift = DriftMonitor(self._bundle, self._limit)
        for table in (self._past.table(), self._stream.drift_table()):
            drift.merge(table)
        table = drift.table().replace_schema_metadata({"figures": said(**facts).decode()})
        yield Message(self._part, self._unit, 0, SCORED, packed(table))

    def _step(self, message: Message) -> Step:
        if message.kind == RECORDS:
            placed = unpacked(message.payload)
            times, clocks, shifts = (placed[name].to_numpy() for name in ("time", "clock", "shift"))
            sources = hashes(placed["source"], b"").astype(np.uint32).view(np.int32)
            return self._stream.step(placed.select(LOG_RECORDS.names), Moments(times, clocks, shifts, sources))
        if message.kind == CLOCK:
            return self._stream.pass_to(document(message.payload)["now"])
        if message.kind != CLOSED:
            return Step()
        step = self._stream.close()
        self._past.merge(self._stream.drift_table())
        self._counts = self._figures()
        self._stream = Stream(self._bundle, self._limit, early=False)
        return step

    def _alerts(self, step: Step) -> Iterator[Message]:
        if len(step.alerts):
            yield Message(self._part, self._unit, 0, ALERTED, packed(step.alerts))

    def _figures(self) -> dict[str, int]:
        stream = self._stream
        return {name: count + getattr(stream, name) for name, count in self._counts.items()}

    def state(self) -> tuple[dict[str, Any], dict[str, pa.Table]]:
        """The state: JSON values, and tables by name."""
        return dict(self._counts), {**self._stream.tables(), "past": self._past.table()}

    def restore(self, values: dict[str, Any], tables: dict[str, pa.Table]) -> None:
        """Take over what `state` gave, for the same bundle and threshold."""
        self._counts = values
        self._past.restore(tables["past"])
        self._stream.restore(tables)
