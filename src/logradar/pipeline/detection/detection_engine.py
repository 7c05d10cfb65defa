"""Detection engine: what does the work of a detection in place of this process, on other machines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from logradar.alerting.incident_groups import IncidentSettings
from logradar.alerting.threshold import Threshold
from logradar.model.bundle import Bundle
from logradar.pipeline.detection.detected import Detected
from logradar.scoring.scorer import OnScores
from logradar.scoring.stream import Step
from logradar.sources.opening.opening import Opened


class DetectionEngine(Protocol):
    """Finds what one machine finds, with the same ids; `logradar.pipeline.detect.detect_into` calls it."""

    def whole(
        self,
        bundle: Bundle,
        limit: Threshold,
        opened: Opened,
        home: Path,
        on_scores: OnScores | None,
        grouping: IncidentSettings,
    ) -> Detected:
        """The outcome for an opened input that is there as a whole; ``home`` is a folder for temporary files."""

    def follow(
        self,
        bundle: Bundle,
        limit: Threshold,
        path: Path,
        state: Path | None,
        grouping: IncidentSettings,
        on_step: Callable[[Step], object],
    ) -> Detected:
        """The outcome for what arrives at ``path`` until the user interrupts; what is open stays in ``state``."""
