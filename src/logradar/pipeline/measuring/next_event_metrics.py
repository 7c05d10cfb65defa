"""Next-event metrics of a bundle: how well its detectors predict events, on normal data and with labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from logradar.core.chosen_rows import ChosenRows
from logradar.core.session_set import SessionSet
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
    sessions: ChosenRows,
    labels: npt.NDArray[np.bool_] | None,
    scores: Mapping[str, npt.NDArray[np.float64]],
) -> dict[str, Figures]:
    """Figures on sessions with ``labels`` and, by detector, ``scores``, for each detector that predicts events.

    They are the predictions and scores of the normal sessions, and precision and recall at p90, p95 and p99. These
    thresholds come from the bundle's ``validation`` scores, never from these sessions. Without labels they are the
    predictions and scores of all sessions, and the share of them above each threshold.
    """
    normal = sessions if labels is None else sessions.those(~labels)
    figures = {}
    for name, detector in detectors.items():
        if not isinstance(detector, PredictsEvents):
            continue
        values = scores[name]
        thresholds = {quantile: at["threshold"] for quantile, at in next_event.recommended(validation[name]).items()}
        figures[name] = {
            **_accuracy(detector, normal),
            "scores": next_event.score_statistics(values if labels is None else values[~labels]),
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
