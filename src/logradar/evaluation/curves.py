"""Curves: what any threshold would give, from the strictest to one that alarms on everything.

scikit-learn does the counting. It refuses infinite scores, so it is given their dense ranks:
order and ties are all that a curve depends on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Curve:
    """Points ``(x, y)`` in order of falling threshold, and the area under them."""

    x: Floats
    y: Floats
    area: float

    def thinned(self, cells: int = 1000) -> Curve:
        """The same line with at most one point per cell of a ``cells`` x ``cells`` grid in a row, for drawing."""
        column, row = np.round(self.x * cells), np.round(self.y * cells)
        moved = (np.diff(column) != 0) | (np.diff(row) != 0)
        kept = np.concatenate([[True], moved]) | np.concatenate([moved, [True]])
        return Curve(self.x[kept], self.y[kept], self.area)

    def until(self, x: float) -> Curve:
        """The line up to and with its first point at ``x``."""
        reached = np.flatnonzero(self.x >= x)
        end = int(reached[0]) + 1 if len(reached) else len(self.x)
        return Curve(self.x[:end], self.y[:end], self.area)


def ranks(scores: Floats) -> npt.NDArray[np.int64]:
    """Dense ranks: 0 for the lowest score, equal for equal scores; infinities are in order."""
    return np.unique(scores, return_inverse=True)[1].reshape(-1)


def precision_recall(labels: Bools, scores: Floats, weights: Floats | None = None) -> Curve | None:
    """Precision (y) over recall (x); the area is average precision. None without an anomaly.

    Average precision is the sum of precision times recall gained over the distinct thresholds
    (no interpolation; Davis & Goadrich, ICML 2006, say why).
    """
    if not _total(labels, weights):
        return None
    from sklearn.metrics import average_precision_score, precision_recall_curve

    order = ranks(scores)
    precision, recall, _ = precision_recall_curve(labels, order, sample_weight=weights, drop_intermediate=False)
    area = float(average_precision_score(labels, order, sample_weight=weights))
    falling = precision[::-1].copy()
    falling[0] = falling[1]  # scikit-learn begins at precision 1 without an alarm; nothing is defined there
    return Curve(recall[::-1], falling, area)


def receiver_operating(labels: Bools, scores: Floats, weights: Floats | None = None) -> Curve | None:
    """Recall (y) over false-positive rate (x); ties count half. None unless both classes are there."""
    if not _total(labels, weights) or not _total(~labels, weights):
        return None
    from sklearn.metrics import auc, roc_curve

    fpr, recall, _ = roc_curve(labels, ranks(scores), sample_weight=weights, drop_intermediate=False)
    return Curve(fpr, recall, float(auc(fpr, recall)))


def _total(chosen: Bools, weights: Floats | None) -> float:
    return float(chosen.sum() if weights is None else weights[chosen].sum())
