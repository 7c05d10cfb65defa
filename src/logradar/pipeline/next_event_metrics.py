"""Next-event metrics of a bundle: how well its detectors predict events, on normal data and with labels."""

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
    """Figures on the normal validation sessions, for each detector that predicts events, before it learnt these."""
    return {
        name: {
            **_accuracy(detector.before_validation or detector, valid),
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
    """Figures on labelled sessions, for each detector that predicts events.

    They are the predictions and scores of the normal sessions, and precision and recall at p90, p95 and p99. These
    thresholds come from the bundle's ``validation`` scores, never from these sessions. Without labels they are the
    predictions and scores of all sessions, and the share of them above each threshold.
    """
    labels = None if sessions["label"].null_count else sessions["label"].to_numpy().astype(bool)
    normal = slice(None) if labels is None else ~labels
    figures = {}
    for name, detector in detectors.items():
        if not isinstance(detector, PredictsEvents):
            continue
        values = scores[name]["score"].to_numpy()
        thresholds = {quantile: at["threshold"] for quantile, at in next_event.recommended(validation[name]).items()}
        rows = np.arange(len(sessions))[normal]
        figures[name] = {
            **_accuracy(detector, SessionTable(sessions.take(pa.array(rows)) if labels is not None else sessions)),
            "scores": next_event.score_statistics(values[normal]),
            "thresholds": next_event.shares_above(thresholds, values)
            if labels is None
            else next_event.measured(thresholds, labels, values),
        }
    return figures


def readable(figures: Mapping[str, Figures]) -> str:
    """The figures of all detectors as text for people."""
    return "".join(next_event.readable(name, of_detector) for name, of_detector in figures.items())


def _accuracy(detector: PredictsEvents, sessions: SessionSet) -> Figures:
    predictions = detector.predicted(sessions)
    figures = next_event.accuracy(predictions.ranks, predictions.losses, predictions.known, predictions.weights)
    return {**figures, "choices": detector.choices}
