"""Drift monitor: what a detection sees of its input as a whole, to tell whether the threshold still holds."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.alerting.drift import Watched, check_drift
from logradar.alerting.threshold import Threshold
from logradar.core.sequences import Sequences
from logradar.core.tables import TIMESTAMP, UNKNOWN
from logradar.model.bundle import Bundle

_STATE: Final = pa.schema(
    [
        pa.field("counts", pa.list_(pa.int64())),
        pa.field("unseen", pa.int64()),
        pa.field("unknown", pa.int64()),
        pa.field("first", TIMESTAMP),
        pa.field("last", TIMESTAMP),
    ]
)


class DriftMonitor:
    """Takes in sessions and their scores, a piece at a time; its size depends on the bundle alone.

    Scores are counted in bins whose edges are the scores of the validation sessions: each edge and each space
    between two of them has a count. That is all that a comparison of the two samples needs, so nothing is lost.
    """

    def __init__(self, bundle: Bundle, limit: Threshold) -> None:
        self._bundle, self._limit = bundle, limit
        self._counts: npt.NDArray[np.int64] | None = None
        self._unseen = 0  # sessions with a message that training did not have, without those that feedback explains
        self._first: datetime | None = None
        self._last: datetime | None = None
        self.unknown = 0  # events with a message that training did not have

    @cached_property
    def _edges(self) -> npt.NDArray[np.float64]:
        known = self._bundle.validation[self._bundle.settings.detector]
        return np.unique(np.concatenate([known, [self._limit.value, self._bundle.main.baseline_score]]))

    def add(self, sessions: pa.Table, scores: pa.Table, suppressed: npt.NDArray[np.int64]) -> None:
        """SESSIONS with their SCORES; the rows ``suppressed`` are explained by feedback and count as normal."""
        if not len(sessions):
            return
        events = Sequences.from_arrow(sessions["template_ids"])
        unknown = events.sums(events.values == UNKNOWN)
        self.unknown += int(unknown.sum())
        unknown[suppressed] = 0
        self._unseen += int((unknown > 0).sum())
        values = np.delete(scores["score"].to_numpy(), suppressed)
        below = np.searchsorted(self._edges, values, "left")
        on_edge = self._edges[np.minimum(below, len(self._edges) - 1)] == values
        if self._counts is None:
            self._counts = np.zeros(2 * len(self._edges) + 1, np.int64)
        np.add.at(self._counts, 2 * below + on_edge, 1)
        first, last = pc.min(sessions["start"]).as_py(), pc.max(sessions["end"]).as_py()
        self._first = min((moment for moment in (self._first, first) if moment), default=None)
        self._last = max((moment for moment in (self._last, last) if moment), default=None)

    def _sample(self) -> npt.NDArray[np.float64]:
        """A sample of scores with the same counts: an edge for each score on it, a value between for the others."""
        if self._counts is None:
            return np.empty(0)
        edges = self._edges
        between = np.concatenate([edges[:1] - 1.0, edges[:-1] / 2 + edges[1:] / 2, edges[-1:] + 1.0])
        values = np.empty(2 * len(edges) + 1)
        values[0::2], values[1::2] = between, edges
        return np.repeat(values, self._counts)

    def drift(self) -> dict[str, Any] | None:
        """How the input differs from the validation part; None where either is too small to tell."""
        validation = self._bundle.validation[self._bundle.settings.detector]
        rate = self._bundle.facts.get("sessions_per_day")
        then = Watched(self._bundle.facts.get("valid_unseen"), len(validation) / rate if rate else None)
        days = (self._last - self._first).total_seconds() / 86_400 if self._first and self._last else None
        now = Watched(self._unseen, days)
        baseline = self._bundle.main.baseline_score
        found = check_drift(validation, self._limit, self._sample(), then, now, baseline)
        return found.to_json() if found else None

    def table(self) -> pa.Table:
        """The state, as one row."""
        counts = self._counts if self._counts is not None else np.zeros(2 * len(self._edges) + 1, np.int64)
        values = [counts.tolist(), self._unseen, self.unknown, self._first, self._last]
        return pa.table([pa.array([v], f.type) for v, f in zip(values, _STATE, strict=True)], schema=_STATE)

    def restore(self, table: pa.Table) -> None:
        """Take over what `table` gave, for the same bundle and threshold."""
        row = table.to_pylist()[0]
        self._counts = np.array(row["counts"], np.int64)
        self._unseen, self.unknown = row["unseen"], row["unknown"]
        self._first, self._last = row["first"], row["last"]
