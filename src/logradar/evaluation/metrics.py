"""Metrics: scores against labels at a threshold that was fitted elsewhere, as JSON values.

A session raises an alarm when its score is above the threshold, not when it equals it. A figure that is not
defined (precision without an alarm) is None, never NaN and never 0 by convention.
"""

from __future__ import annotations

import math
from typing import Any, Final, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from logradar.core.errors import DataError
from logradar.evaluation.curves import Bools, Floats, precision_recall, receiver_operating, total

Z95: Final = 1.959963984540054  # two-sided 95 % of the normal distribution
Measured = dict[str, Any]


class Options(TypedDict, total=False):
    """The optional arguments of `measure`, `unseen_only` and `distinct`."""

    weights: npt.ArrayLike | None
    days: float | None


def measure(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    threshold: float,
    *,
    weights: npt.ArrayLike | None = None,
    days: float | None = None,
) -> Measured:
    """All figures of one detector on one set of sessions.

    ``labels`` (True = anomalous) and ``scores`` (higher = more anomalous, may be infinite) have
    one entry per session. With ``weights`` one session counts for several, to bring a sample back to
    natural prevalence (see `natural_weights`); then tp, fp, tn, fn are weighted sums and the
    intervals use Kish's effective number of sessions. ``days`` is the time that the sessions
    cover; without it ``false_alarms_per_day`` is None.

    ``oracle_f1`` is the best F1 over all thresholds on these labels: an upper bound to compare with,
    which cannot be reached without knowing the labels. ``recall_at_1pct_fpr`` is chosen on the labels too, and says
    more than F1 where most sessions are anomalous. Raises `DataError` on a missing label, a
    score that is not a number, or arrays of unequal length.

    >>> figures = measure([False, False, True, True], [0.1, 0.9, 0.8, 0.2], threshold=0.5)
    >>> figures["precision"], figures["recall"], figures["tp"], figures["false_alarms_per_day"]
    (0.5, 0.5, 1, None)
    """
    truth, values, weight = _checked(labels, scores, threshold, weights)
    alarmed = values > threshold
    cells = {
        "tp": _count(truth & alarmed, weight),
        "fp": _count(~truth & alarmed, weight),
        "tn": _count(~truth & ~alarmed, weight),
        "fn": _count(truth & ~alarmed, weight),
    }
    tp, fp, tn, fn = cells.values()
    precision_curve = precision_recall(truth, values, weight)
    roc = receiver_operating(truth, values, weight)
    return {
        "sessions": len(truth),
        "anomalies": int(truth.sum()),
        "prevalence": _ratio(tp + fn, tp + fp + tn + fn),
        "weighted": weight is not None,
        "threshold": float(threshold) if math.isfinite(threshold) else None,
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn) if tp + fn else None,
        "fpr": _ratio(fp, fp + tn),
        "pr_auc": precision_curve.area if precision_curve else None,
        "roc_auc": roc.area if roc else None,
        "recall_at_1pct_fpr": float(roc.y[roc.x <= 0.01].max()) if roc else None,
        "mcc": _mcc(tp, fp, tn, fn),
        "false_alarms_per_day": fp / days if days and days > 0 else None,
        **cells,
        "intervals": {
            "precision": wilson(tp, tp + fp, _effective(alarmed, weight)),
            "recall": wilson(tp, tp + fn, _effective(truth, weight)),
            "fpr": wilson(fp, fp + tn, _effective(~truth, weight)),
        },
        "oracle_f1": _best_f1(precision_curve.x, precision_curve.y) if precision_curve else None,
    }


def outcomes(labels: Bools, alarmed: Bools) -> Measured:
    """Precision, recall, F1, FPR and the four counts for the sessions ``alarmed``; None where not defined."""
    tp, fp = int((labels & alarmed).sum()), int((~labels & alarmed).sum())
    tn, fn = int((~labels & ~alarmed).sum()), int((labels & ~alarmed).sum())
    return {
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn) if tp + fn else None,
        "fpr": _ratio(fp, fp + tn),
        "tp": tp,
        "fp": fp,
        "tn": tn,
        "fn": fn,
    }


def unseen_only(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    threshold: float,
    seen: npt.ArrayLike,
    **options: Unpack[Options],
) -> Measured:
    """`measure` over the sessions whose exact sequence was never in training (``seen`` is False)."""
    return _measure_rows(np.flatnonzero(~np.asarray(seen, bool)), labels, scores, threshold, options)


def distinct(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    threshold: float,
    fingerprints: npt.ArrayLike,
    **options: Unpack[Options],
) -> Measured:
    """`measure` over the first session of each distinct pair of sequence and label.

    ``fingerprints`` come from `logradar.core.sequences.Sequences.fingerprints`.
    """
    truth, _, _ = _checked(labels, scores, threshold, options.get("weights"))
    prints = np.asarray(fingerprints, np.uint64)
    order = np.lexsort((truth, prints))  # stable: the first session of each pair comes first
    changed = (np.diff(prints[order]) != 0) | np.diff(truth[order])
    rows = np.sort(order[np.append(True, changed)[: len(order)]])
    del prints, order, changed
    return _measure_rows(rows, labels, scores, threshold, options)


def natural_weights(labels: npt.ArrayLike, normal: float) -> Floats:
    """Weights with which the normal sessions count for ``normal`` sessions and each anomaly for one."""
    truth = np.asarray(labels, bool)
    count = int((~truth).sum())
    if not count or normal <= 0:
        raise DataError("A sample without normal sessions cannot be weighted to a natural share of anomalies.")
    return np.where(truth, 1.0, normal / count)


def wilson(successes: float, trials: float, effective: float | None = None) -> list[float] | None:
    """Wilson's 95 % interval ``[low, high]`` of a share; None without trials.

    ``effective`` replaces the number of trials where they have weights (Wilson, JASA 1927;
    Kish, Survey Sampling, 1965).
    """
    if trials <= 0:
        return None
    n, p = effective if effective is not None else trials, successes / trials
    centre = p + Z95**2 / (2 * n)
    half = Z95 * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
    scale = 1 + Z95**2 / n
    low = 0.0 if successes <= 0 else max(0.0, (centre - half) / scale)
    return [low, 1.0 if successes >= trials else min(1.0, (centre + half) / scale)]


def _measure_rows(
    rows: npt.NDArray[np.intp], labels: npt.ArrayLike, scores: npt.ArrayLike, threshold: float, options: Options
) -> Measured:
    weights = options.get("weights")
    weights = None if weights is None else np.asarray(weights)[rows]
    labels, scores = np.asarray(labels)[rows], np.asarray(scores)[rows]
    return measure(labels, scores, threshold, weights=weights, days=options.get("days"))


def _checked(
    labels: npt.ArrayLike, scores: npt.ArrayLike, threshold: float, weights: npt.ArrayLike | None
) -> tuple[Bools, Floats, Floats | None]:
    truth, values = np.asarray(labels), np.asarray(scores, np.float64)
    if truth.dtype == object:
        missing = sum(label is None for label in truth.tolist())
        if missing:
            raise DataError(f"{missing} sessions have no label; leave them out before measuring.")
    truth = truth.astype(bool)
    weight = None if weights is None else np.asarray(weights, np.float64)
    if truth.ndim != 1 or truth.shape != values.shape or (weight is not None and weight.shape != truth.shape):
        raise DataError(
            f"Labels, scores and weights must have one entry per session each; got {truth.shape}, {values.shape}"
            + (f" and {weight.shape}." if weight is not None else ".")
        )
    if np.isnan(values).any() or math.isnan(threshold):
        raise DataError(
            f"{int(np.isnan(values).sum())} scores are NaN, the threshold is {threshold}; neither may be NaN."
        )
    if weight is not None and not (np.isfinite(weight) & (weight >= 0)).all():
        raise DataError("Weights must be finite and not negative.")
    return truth, values, weight


def _count(chosen: Bools, weights: Floats | None) -> float:
    return int(chosen.sum()) if weights is None else total(chosen, weights)


def _effective(chosen: Bools, weights: Floats | None) -> float | None:
    if weights is None:
        return None
    used = weights[chosen]
    return float(used.sum() ** 2 / (used**2).sum()) if used.any() else 0.0


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _mcc(tp: float, fp: float, tn: float, fn: float) -> float | None:
    """Matthews' correlation; None when a row or column of the confusion matrix is empty."""
    sides = math.sqrt(tp + fp) * math.sqrt(tp + fn) * math.sqrt(tn + fp) * math.sqrt(tn + fn)
    return (tp * tn - fp * fn) / sides if sides else None


def _best_f1(recall: Floats, precision: Floats) -> float:
    both = precision + recall
    return float(np.max(2 * precision * recall / np.where(both > 0, both, 1.0)))
