"""Drift monitor: what a detection sees of its input as a whole, to tell whether the threshold still holds."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.alerting.drift import Watched, check_drift
from logradar.alerting.threshold import Threshold
from logradar.core.sequences import Sequences
from logradar.core.tables import UNKNOWN, microseconds
from logradar.model.bundle import Bundle

_GATHERED: Final = 64  # batches whose scores are counted together
_DAY: Final = 86_400 * 1_000_000  # microseconds
_STATE: Final = pa.schema(
    [
        pa.field("counts", pa.list_(pa.int64())),
        pa.field("unseen", pa.int64()),
        pa.field("unknown", pa.int64()),
        pa.field("first", pa.int64()),
        pa.field("last", pa.int64()),
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
        self._waiting: list[npt.NDArray[np.float64]] = []  # scores that are not counted yet
        self._unseen = 0  # sessions with a message that training did not have, without those that feedback explains
        self._first: int | None = None  # microseconds
        self._last: int | None = None
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
        strange = events.values == UNKNOWN
        if strange.any():
            unknown = events.sums(strange)
            self.unknown += int(unknown.sum())
            unknown[suppressed] = 0
            self._unseen += int((unknown > 0).sum())
        values = scores["score"].to_numpy()
        self._waiting.append(np.delete(values, suppressed) if len(suppressed) else values)
        if len(self._waiting) >= _GATHERED:
            self._count()
        for name, smallest in (("start", True), ("end", False)):
            self._widen(microseconds(sessions[name]).drop_null().to_numpy(), smallest)

    @property
    def reached(self) -> int | None:
        """The end of the latest session, in microseconds; None where no session has a time."""
        return self._last

    def _widen(self, moments: npt.NDArray[np.int64], smallest: bool) -> None:
        if len(moments) and smallest:
            self._first = min(int(moments.min()), self._first if self._first is not None else int(moments[0]))
        elif len(moments):
            self._last = max(int(moments.max()), self._last if self._last is not None else int(moments[0]))

    def _count(self) -> npt.NDArray[np.int64]:
        """The counts of all scores so far: in turn a space between edges and an edge, a space first."""
        if self._counts is None:
            self._counts = np.zeros(2 * len(self._edges) + 1, np.int64)
        values = np.concatenate([np.empty(0), *self._waiting])
        self._waiting = []
        below = np.searchsorted(self._edges, values, "left")
        on_edge = self._edges[np.minimum(below, len(self._edges) - 1)] == values
        np.add.at(self._counts, 2 * below + on_edge, 1)
        return self._counts

    def _sample(self) -> npt.NDArray[np.float64]:
        """A sample of scores with the same counts: an edge for each score on it, a value between for the others."""
        edges = self._edges
        between = np.concatenate([edges[:1] - 1.0, edges[:-1] / 2 + edges[1:] / 2, edges[-1:] + 1.0])
        values = np.empty(2 * len(edges) + 1)
        values[0::2], values[1::2] = between, edges
        return np.repeat(values, self._count())

    def drift(self) -> dict[str, Any] | None:
        """How the input differs from the validation part; None where either is too small to tell."""
        validation = self._bundle.validation[self._bundle.settings.detector]
        rate = self._bundle.facts.get("sessions_per_day")
        then = Watched(self._bundle.facts.get("valid_unseen"), len(validation) / rate if rate else None)
        days = (self._last - self._first) / _DAY if self._first is not None and self._last is not None else None
        now = Watched(self._unseen, days)
        baseline = self._bundle.main.baseline_score
        found = check_drift(validation, self._limit, self._sample(), then, now, baseline)
        return found.to_json() if found else None

    def merge(self, table: pa.Table) -> None:
        """Add what the `table` of another monitor holds, of the same bundle and threshold, which saw other sessions."""
        row = table.to_pylist()[0]
        self._counts = self._count() + np.array(row["counts"], np.int64)
        self._unseen += row["unseen"]
        self.unknown += row["unknown"]
        for moment, smallest in ((row["first"], True), (row["last"], False)):
            self._widen(np.array([] if moment is None else [moment], np.int64), smallest)

    def table(self) -> pa.Table:
        """The state, as one row."""
        values = [self._count().tolist(), self._unseen, self.unknown, self._first, self._last]
        return pa.table([pa.array([v], f.type) for v, f in zip(values, _STATE, strict=True)], schema=_STATE)

    def restore(self, table: pa.Table) -> None:
        """Take over what `table` gave, for the same bundle and threshold."""
        row = table.to_pylist()[0]
        self._counts = np.array(row["counts"], np.int64)
        self._unseen, self.unknown = row["unseen"], row["unknown"]
        self._first, self._last = row["first"], row["last"]
