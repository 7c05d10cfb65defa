"""The table of detectors side by side, as the report of a run and the page of a comparison show it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from logradar.core.formatting import figure, number, percent, real


@dataclass(frozen=True)
class Column:
    """A column of the table; ``best`` is ``max``, ``min`` or None (no cell is marked as the best)."""

    key: str
    title: str
    best: Any
    show: Any
    hint: str

    def of(self, figures: Mapping[str, Any]) -> float | None:
        """The value of this column among the figures of one detector; a dot in ``key`` leads into a nested object."""
        value: Any = figures
        for part in self.key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value if real(value) else None


class Cell(NamedTuple):
    """The text of a cell, whether it is the best of its column, and its 95 % interval as text ('' for none)."""

    text: str
    best: bool
    interval: str


@dataclass(frozen=True)
class Row:
    """One detector of the table; ``verdict`` says how it compares with the reference detector of the page."""

    name: str
    main: bool
    cells: list[Cell]
    verdict: str
    trained: bool = False


COLUMNS: Final = (
    Column("f1", "F1", max, figure, "harmonic mean of precision and recall"),
    Column("precision", "precision", max, percent, "share of alarms that are right"),
    Column("recall", "recall", max, percent, "share of anomalies found"),
    Column("fpr", "FPR", min, percent, "false-positive rate: share of normal sessions that raised an alarm"),
    Column("false_alarms_per_day", "false alarms a day", min, number, "over the time that the test covers"),
    Column("pr_auc", "PR-AUC", max, figure, "average precision over all thresholds"),
    Column("roc_auc", "ROC-AUC", max, figure, "chance that an anomaly scores above a normal session"),
    Column("mcc", "MCC", max, figure, "Matthews' correlation of alarms and labels"),
    Column("unseen_only.f1", "F1, unseen", max, figure, "only sessions whose sequence was never in training"),
    Column("oracle_f1", "oracle F1", None, figure, "best threshold chosen on the test labels: not attainable"),
)


def with_values(columns: Sequence[Column], detectors: Mapping[str, Mapping[str, Any]]) -> list[Column]:
    """The columns for which at least one detector has a figure."""
    return [column for column in columns if any(column.of(figures) is not None for figures in detectors.values())]


def rows(
    detectors: Mapping[str, Mapping[str, Any]],
    columns: Sequence[Column],
    verdicts: Mapping[str, str],
    main: Collection[str] = (),
    trained: Collection[str] = (),
) -> list[Row]:
    """One row for each detector, in the given order, with the best cell of each column marked.

    A detector that finds no anomaly has no false alarms either; its cells are never marked as the best.
    """
    able = {name for name, figures in detectors.items() if real(figures.get("recall")) and figures["recall"] > 0}
    best: dict[str, float] = {}
    for column in columns:
        values = [value for name in able if (value := column.of(detectors[name])) is not None]
        if column.best and values:
            best[column.key] = column.best(values)

    def cell(name: str, column: Column) -> Cell:
        value, intervals = column.of(detectors[name]), detectors[name].get("intervals")
        ends = intervals.get(column.key) if isinstance(intervals, Mapping) else None
        is_best = name in able and column.key in best and value == best[column.key]
        return Cell(column.show(value), is_best, interval_text(ends, column.show))

    return [
        Row(name, name in main, [cell(name, column) for column in columns], verdicts.get(name, ""), name in trained)
        for name in detectors
    ]


def interval_text(ends: Any, show: Any) -> str:
    """An interval ``[low, high]`` as "low to high"; empty where it is not one."""
    if not isinstance(ends, list) or len(ends) != 2 or not all(real(end) for end in ends):
        return ""
    return f"{show(ends[0])} to {show(ends[1])}"
