"""Detected: the outcome of a detection, however it was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from logradar.alerting.files import alert_json, change_json
from logradar.alerting.incident_files import incident_json
from logradar.alerting.incidents import NO_INCIDENTS
from logradar.scoring.rates.watch import NO_CHANGES


@dataclass
class Detected:
    """The outcome of a detection: ALERTS and INCIDENTS, most severe first, RATE_CHANGES in order of time, and figures.

    ``rate_notes`` are sentences on records whose rates could not be judged. ``keep`` writes the state
    of a stream; it is called once the alerts are safe.
    """

    alerts: pa.Table
    figures: dict[str, Any]
    keep: Callable[[], None] = lambda: None
    incidents: pa.Table = field(default_factory=lambda: NO_INCIDENTS)
    rate_changes: pa.Table = field(default_factory=lambda: NO_CHANGES)
    rate_notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The figures, the incidents and the rate changes as JSON values: all but the alerts, which may be many."""
        return {
            **self.figures,
            "incidents": [incident_json(row) for row in self.incidents.to_pylist()],
            "rate_changes": [change_json(row) for row in self.rate_changes.to_pylist()],
        }

    def to_json(self, most: int | None = None) -> dict[str, Any]:
        """The document of ``detect --json``; with ``most``, only so many of the alerts."""
        shown = self.alerts if most is None else self.alerts.slice(0, most)
        return {**self.document(), "alerts": [alert_json(row) for row in shown.to_pylist()]}
