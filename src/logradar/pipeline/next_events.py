"""Next events: how well every detector that predicts events does it, on normal data and with labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.shards import Shards
from logradar.core.tables import SESSIONS, conform
from logradar.detectors.base import Detector
from logradar.detectors.neural.doors import Doors
from logradar.evaluation import next_event

Figures = dict[str, Any]
SAMPLE: Final = 1000  # validation sessions that a bundle keeps, to compare its networks on


def when_trained(detectors: Mapping[str, Detector], valid: pa.Table | Shards) -> dict[str, Figures]:
    """Figures on the normal validation sessions, by detector; without those that predict nothing."""
    return {
        name: {
            **_accuracy(detector, valid),
            "scores": next_event.score_statistics(detector.validation_scores),
            "thresholds": next_event.recommended(detector.validation_scores),
        }
        for name, detector in detectors.items()
        if isinstance(detector, Doors) and len(valid)
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
        if not isinstance(detector, Doors):
            continue
        values = scores[name]["score"].to_numpy()
        wanted = {name: at["threshold"] for name, at in next_event.recommended(validation[name]).items()}
        found[name] = {
            **_accuracy(detector, sessions.filter(pa.array(~labels))),
            "scores": next_event.score_statistics(values[~labels]),
            "thresholds": next_event.measured(wanted, labels, values),
        }
    return found


def readable(figures: Mapping[str, Figures]) -> str:
    """The figures of all detectors as text for people."""
    return "".join(next_event.readable(name, one) for name, one in figures.items())


def sample(valid: pa.Table | Shards) -> pa.Table:
    """Some validation sessions, evenly spread, without their names: what a change of a network is measured on."""
    if isinstance(valid, Shards):  # not all of these have gaps
        return of_sample(pa.concat_tables(valid.thinned(SAMPLE).tables(["template_ids"])))
    return of_sample(valid.take(np.arange(0, len(valid), max(-(-len(valid) // SAMPLE), 1))))


def of_sample(some: pa.Table) -> pa.Table:
    """SESSIONS of their events and gaps alone, as a bundle keeps them; a gap that is not known is 0."""
    lengths = pc.list_value_length(some["template_ids"]).to_numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    values = np.arange(int(lengths.sum()))
    nothing = pa.ListArray.from_arrays(offsets, pa.array(np.zeros(len(values), np.float32)))
    named = {
        "session_id": [str(row) for row in range(len(some))],
        "record_ids": pa.ListArray.from_arrays(offsets, pa.array(values)),
        "template_ids": some["template_ids"],
        "gaps": some["gaps"] if "gaps" in some.column_names else nothing,
    }
    return conform(pa.table(named), SESSIONS)


def _accuracy(detector: Doors, sessions: pa.Table | Shards) -> Figures:
    told = detector.predicted(sessions)
    return next_event.accuracy(told.ranks, told.losses, told.known, told.weights)
