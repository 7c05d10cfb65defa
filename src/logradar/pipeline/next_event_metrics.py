"""Next events: how well every detector that predicts events does it, on normal data and with labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.session_set import SessionSet, SessionTable
from logradar.detectors.base import Detector
from logradar.detectors.neural.inference_api import PredictsEvents
from logradar.evaluation import next_event

Figures = dict[str, Any]


def when_trained(detectors: Mapping[str, Detector], valid: SessionSet) -> dict[str, Figures]:
    """Figures on the normal validation sessions, by detector; without those that predict nothing."""
    return {
        name: {
            **_accuracy(detector, valid),
            "scores": next_event.score_statistics(detector.validation_scores),
            "thresholds": next_event.recommended(detector.validation_scores),
        }
        for name, detector in detectors.items()
        if isinstance(detector, PredictsEvents) and len(valid)
    }


def when_evaluated(
    detectors: Mapping[str, Detector],
    validation: Mapping[str, npt.NDArray[np.float64]],
    sessions: pa.Table,
    scores: Mapping[str, pa.Table],
) -> dict[str, Figures]:
    """Figures on labelled sessions: predictions and scores of the normal ones, and what p90, p95 and p99 find.

    Thresholds come from the bundle's ``validation`` scores, never from these sessions.
    """
    labels = sessions["label"].to_numpy().astype(bool)
    found = {}
    for name, detector in detectors.items():
        if not isinstance(detector, PredictsEvents):
            continue
        values = scores[name]["score"].to_numpy()
        wanted = {name: at["threshold"] for name, at in next_event.recommended(validation[name]).items()}
        found[name] = {
            **_accuracy(detector, SessionTable(sessions.filter(pa.array(~labels)))),
            "scores": next_event.score_statistics(values[~labels]),
            "thresholds": next_event.measured(wanted, labels, values),
        }
    return found


def readable(figures: Mapping[str, Figures]) -> str:
    """The figures of all detectors as text for people."""
    return "".join(next_event.readable(name, one) for name, one in figures.items())


def _accuracy(detector: PredictsEvents, sessions: SessionSet) -> Figures:
    told = detector.predicted(sessions)
    return next_event.accuracy(told.ranks, told.losses, told.known, told.weights)
