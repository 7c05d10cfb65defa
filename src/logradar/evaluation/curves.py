"""Curves: the figures at every threshold, from the strictest to one that raises an alarm on everything.

scikit-learn computes them. It refuses infinite scores, so it gets the dense ranks of the scores instead:
a curve depends only on their order and ties.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Curve:
    """Points ``(x, y)`` in order of falling threshold, and the area under the curve."""

    x: Floats
    y: Floats
    area: float

    def thinned(self, cells: int = 1000) -> Curve:
        """The same line for drawing, with only the first and last of successive points in one cell of a grid."""
        column, row = np.round(self.x * cells), np.round(self.y * cells)
        moved = (np.diff(column) != 0) | (np.diff(row) != 0)
        kept = np.concatenate([[True], moved]) | np.concatenate([moved, [True]])
        return Curve(self.x[kept], self.y[kept], self.area)

    def until(self, x: float) -> Curve:
        """The line up to its first point at ``x``, with this point."""
        reached = np.flatnonzero(self.x >= x)
        end = int(reached[0]) + 1 if len(reached) else len(self.x)
        return Curve(self.x[:end], self.y[:end], self.area)


def ranks(scores: Floats) -> npt.NDArray[np.int64]:
    """Dense ranks: 0 for the lowest score, equal ranks for equal scores; infinite scores are in order too."""
    return np.searchsorted(np.unique(scores), scores)  # needs less memory than the inverse of `np.unique`


def precision_recall(labels: Bools, scores: Floats, weights: Floats | None = None) -> Curve | None:
    """Precision (y) over recall (x); the area is average precision. None without an anomaly.

    Average precision is the sum of precision times gain in recall over the distinct thresholds,
    without interpolation (Davis & Goadrich, ICML 2006, explain why).
    """
    if not total(labels, weights):
        return None
    from sklearn.metrics import average_precision_score, precision_recall_curve

    labels, order, weights = _counted(labels, ranks(scores), weights)
    precision, recall, _ = precision_recall_curve(labels, order, sample_weight=weights, drop_intermediate=False)
    area = float(average_precision_score(labels, order, sample_weight=weights))
    falling = precision[::-1].copy()
    falling[0] = falling[1]  # scikit-learn begins at precision 1 without an alarm, where precision is not defined
    return Curve(recall[::-1], falling, area)


def receiver_operating(labels: Bools, scores: Floats, weights: Floats | None = None) -> Curve | None:
    """Recall (y) over false-positive rate (x); ties count half. None unless there are sessions of both classes."""
    if not total(labels, weights) or not total(~labels, weights):
        return None
    from sklearn.metrics import auc, roc_curve

    labels, order, weights = _counted(labels, ranks(scores), weights)
    fpr, recall, _ = roc_curve(labels, order, sample_weight=weights, drop_intermediate=False)
    return Curve(fpr, recall, float(auc(fpr, recall)))


def _counted(
    labels: Bools, order: npt.NDArray[np.int64], weights: Floats | None
) -> tuple[Bools, npt.NDArray[np.int64], Floats | None]:
    """Equal ranks with equal labels as one entry, with their number as its weight: scikit-learn copies what it gets.

    Counts are whole numbers, so the curves are the same to the last bit. Weighted sessions stay as they are.
    """
    if weights is not None:
        return labels, order, weights
    counts = np.bincount(2 * order + labels)
    used = np.flatnonzero(counts)
    return used % 2 == 1, used // 2, counts[used].astype(np.float64)


def total(chosen: Bools, weights: Floats | None) -> float:
    """The number of chosen sessions, or the sum of their weights."""
    return float(chosen.sum() if weights is None else weights[chosen].sum())
