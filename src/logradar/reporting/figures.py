"""Figures of the report: the pictures that a run has the data for, each with a sentence on how to read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.core.formatting import real
from logradar.reporting import plots, time_plots
from logradar.reporting.curve_plots import DetectorCurves
from logradar.reporting.run_folder import SCORE, Run
from logradar.reporting.training_caption import training_caption

if TYPE_CHECKING:
    from markupsafe import Markup

_TIMELINE = {
    True: "Alerts are above the line: anomalies found and false alarms. Missed anomalies are below it.",
    False: "Anomalous sessions by their start time.",
}
ON_PR = (
    "Precision (up) against recall (right) over all thresholds. A ring is a threshold in use; the number is the area "
    "under the curve (average precision)."
)
ON_ROC = (
    "Anomalies found (up) against normal sessions with an alarm (right) over all thresholds. A ring is a threshold in "
    "use; the number is the area under the curve."
)
_SCORES = "Number of sessions by score, on a logarithmic axis. Scores to the right of the dashed line raise an alarm."
_CONFUSION = "The alarms against the labels."
_FAULTS = "Share of each kind of fault that was found, with its 95 % interval; the diamond is the best single detector."


@dataclass(frozen=True)
class Picture:
    """A plot on the page: its SVG, its caption, and its place: half a row, wide, or alone in its row."""

    svg: Markup
    caption: str
    place: str


def gallery(run: Run) -> list[Picture]:
    """All pictures that a run has the data for, in reading order."""
    return placed(_drawn(run))


def placed(pictures: Iterable[tuple[bytes | None, str, bool]]) -> list[Picture]:
    """Place pictures given as (SVG, caption, whether it is wide); pictures that are None are left out."""
    from markupsafe import Markup

    drawn = [(svg, caption, wide) for svg, caption, wide in pictures if svg is not None]
    halves = [place for place, (_, _, wide) in enumerate(drawn) if not wide]
    alone = halves[-1] if len(halves) % 2 else None
    return [
        Picture(Markup(svg.decode()), caption, "wide" if wide else "alone" if place == alone else "half")
        for place, (svg, caption, wide) in enumerate(drawn)
    ]


def _drawn(run: Run) -> Iterator[tuple[bytes | None, str, bool]]:
    yield from _drawn_of_scores(run)
    cells = [cell for key in ("tp", "fp", "tn", "fn") if real(cell := run.evaluation.get(key)) and cell >= 0]
    if len(cells) == 4:
        yield plots.confusion_matrix(*cells), _CONFUSION, False
    if kinds := run.faults:
        yield plots.fault_recall(kinds, run.main), _FAULTS, False
    for name, rows in run.history.items():
        yield time_plots.training_curve(rows, name=name), training_caption(rows), False


def _drawn_of_scores(run: Run) -> Iterator[tuple[bytes | None, str, bool]]:
    table = labelled(run.scores)
    scores = {name: table[f"{SCORE}{name}"].to_numpy() for name in run.scored} if table is not None else {}
    if table is None or not scores:
        return
    main = run.main if run.main in scores else next(iter(scores))
    threshold, weights = _threshold(run, main), table["weight"].to_numpy() if "weight" in table.columns else None
    labels = table["label"].to_numpy() if "label" in table.columns and table["label"].null_count() == 0 else None
    if (alarmed := alarmed_in(run, table, main)) is not None:
        starts = table["start"].to_numpy() if "start" in table.columns else np.zeros(len(table))
        yield time_plots.alert_timeline(starts, alarmed, labels), _TIMELINE[labels is not None], True
    if labels is not None:
        curves = DetectorCurves(labels, scores, main, threshold, weights=weights)
        yield curves.precision_recall(), ON_PR, False
        yield curves.roc(), ON_ROC, False
    yield plots.score_histogram(labels, scores[main], threshold, name=main), _SCORES, False


def labelled(table: pl.DataFrame | None) -> pl.DataFrame | None:
    """The sessions that have a label; all sessions where none has one."""
    if table is None or "label" not in table.columns or table["label"].null_count() == len(table):
        return table
    return table.filter(pl.col("label").is_not_null())


def _threshold(run: Run, main: str) -> float | None:
    alerts = run.alerts.get("alerts") or [{}]
    for facts in (run.detectors.get(main, {}), run.evaluation if main == run.main else {}, alerts[0]):
        if isinstance(value := facts.get("threshold"), (int, float)):
            return float(value)
    return None


def alarmed_in(run: Run, table: pl.DataFrame, main: str) -> npt.NDArray[np.bool_] | None:
    """Which sessions raised an alarm: by the threshold, or without an evaluation those that have an alert."""
    threshold = _threshold(run, main)
    if threshold is not None and run.evaluation:
        return table[f"{SCORE}{main}"].to_numpy() > threshold
    if run.alerts and "session_id" in table.columns:
        alerted = [str(alert.get("session_id")) for alert in run.alerts.get("alerts", [])]
        return table["session_id"].cast(pl.String).is_in(alerted).fill_null(False).to_numpy()
    return None
