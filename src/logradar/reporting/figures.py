"""Figures of a run: the pictures that it has the data for, on a page with a sentence on each, or as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.core.errors import DataError, InputError
from logradar.core.formatting import real
from logradar.reporting import plots, time_plots
from logradar.reporting.canvas import Kind
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
_CALIBRATION = (
    "The share of alarms that are right (up) among alarms of equal confidence (right), the number that severity is "
    "computed from. On the dotted line it is right; above it anomalies are more frequent than it says."
)
_FAULTS = "Share of each kind of fault that was found, with its 95 % interval; the diamond is the best single detector."


@dataclass(frozen=True)
class Drawn:
    """A plot as SVG or PNG bytes (None: the run lacks the data), its caption, and whether it is as wide as a page.

    ``name`` is that of its file, without the ending.
    """

    name: str
    picture: bytes | None
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Picture:
    """A plot on the page: its SVG, its caption, and its place: half a row, wide, or alone in its row."""

    svg: Markup
    caption: str
    place: str


def gallery(run: Run) -> list[Picture]:
    """All pictures that a run has the data for, in reading order."""
    return placed((drawn.picture, drawn.caption, drawn.wide) for drawn in _drawn(run, "svg"))


def write_pictures(run: Run, folder: Path) -> list[Path]:
    """Write all pictures that a run has the data for into ``folder`` as PNG files, and return their paths.

    The names are fixed: ``roc.png``, ``precision-recall.png``, ``confusion-matrix.png``, ``alerts-over-time.png``,
    ``calibration.png``, ``scores.png``, ``faults.png``, and ``training-<detector>.png`` for each detector that was
    trained. Raises `DataError` where there is nothing to draw, `InputError` where the folder cannot be written.
    """
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for drawn in _drawn(run, "png"):
            if drawn.picture is not None:
                path = folder / f"{drawn.name}.png"
                path.write_bytes(drawn.picture)
                paths.append(path)
    except OSError as error:
        raise InputError(f"'{folder}' cannot be written: {error.strerror}; choose another folder.") from None
    if not paths:
        raise DataError(f"There is nothing to draw in '{run.folder}': it has no labels, no scores and no training.")
    return paths


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


def _drawn(run: Run, kind: Kind) -> Iterator[Drawn]:
    yield from _drawn_of_scores(run, kind)
    cells = [cell for key in ("tp", "fp", "tn", "fn") if real(cell := run.evaluation.get(key)) and cell >= 0]
    if len(cells) == 4:
        yield Drawn("confusion-matrix", plots.confusion_matrix(*cells, kind=kind), _CONFUSION)
    if ranges := run.calibration:
        yield Drawn("calibration", plots.calibration(ranges, kind=kind), _CALIBRATION)
    if kinds := run.faults:
        yield Drawn("faults", plots.fault_recall(kinds, run.main, kind=kind), _FAULTS)
    for name, rows in run.history.items():
        picture = time_plots.training_curve(rows, name=name, kind=kind)
        yield Drawn(f"training-{_in_file(name)}", picture, training_caption(rows))


def _drawn_of_scores(run: Run, kind: Kind) -> Iterator[Drawn]:
    table = labelled(run.scores)
    scores = {name: table[f"{SCORE}{name}"].to_numpy() for name in run.scored} if table is not None else {}
    if table is None or not scores:
        return
    main = run.main if run.main in scores else next(iter(scores))
    threshold, weights = _threshold(run, main), table["weight"].to_numpy() if "weight" in table.columns else None
    labels = table["label"].to_numpy() if "label" in table.columns and table["label"].null_count() == 0 else None
    if (alarmed := alarmed_in(run, table, main)) is not None:
        starts = table["start"].to_numpy() if "start" in table.columns else np.zeros(len(table))
        timeline = time_plots.alert_timeline(starts, alarmed, labels, kind=kind)
        yield Drawn("alerts-over-time", timeline, _TIMELINE[labels is not None], wide=True)
    if labels is not None:
        curves = DetectorCurves(labels, scores, main, threshold, weights=weights)
        yield Drawn("precision-recall", curves.precision_recall(kind=kind), ON_PR)
        yield Drawn("roc", curves.roc(kind=kind), ON_ROC)
    yield Drawn("scores", plots.score_histogram(labels, scores[main], threshold, name=main, kind=kind), _SCORES)


def _in_file(name: str) -> str:
    """A detector's name as part of a file name: a plug-in may be called anything."""
    return "".join(letter if letter.isalnum() or letter in "_-." else "-" for letter in name)


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
