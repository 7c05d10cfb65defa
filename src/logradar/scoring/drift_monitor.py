"""Drift monitor: what a detection sees of its input as a whole, to tell whether the threshold still holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.alerting.drift import Watched, check_drift
from logradar.alerting.threshold import Threshold
from logradar.core.sequences import Sequences
from logradar.core.tables import UNKNOWN
from logradar.model.bundle import Bundle


class DriftMonitor:
    """Takes in sessions and their scores, a piece at a time; keeps 8 bytes for each."""

    def __init__(self) -> None:
        self._scores: list[npt.NDArray[np.float64]] = [np.empty(0)]
        self._unseen = 0
        self._bounds: list[datetime] = []
        self.unknown = 0  # events with a message that training did not have

    def add(self, sessions: pa.Table, scores: pa.Table, silent: npt.NDArray[np.int64]) -> None:
        """SESSIONS with their SCORES; the rows ``silent`` are explained by feedback, so they are as good as normal."""
        events = Sequences.from_arrow(sessions["template_ids"])
        unknown = events.sums(events.values == UNKNOWN)
        self.unknown += int(unknown.sum())
        unknown[silent] = 0
        self._unseen += int((unknown > 0).sum())
        self._scores.append(np.delete(scores["score"].to_numpy(), silent))
        some = [pc.min(sessions["start"]).as_py(), pc.max(sessions["end"]).as_py()]
        self._bounds += [moment for moment in some if moment is not None]

    def drift(self, fitted: Bundle, threshold: Threshold) -> dict[str, Any] | None:
        """How the input differs from the validation part; None where either is too small to tell."""
        validation = fitted.validation[fitted.settings.detector]
        rate = fitted.facts.get("sessions_per_day")
        then = Watched(fitted.facts.get("valid_unseen"), len(validation) / rate if rate else None)
        days = (max(self._bounds) - min(self._bounds)).total_seconds() / 86_400 if self._bounds else None
        now = Watched(self._unseen, days)
        found = check_drift(validation, threshold, np.concatenate(self._scores), then, now, fitted.main.baseline_score)
        return found.to_json() if found else None
