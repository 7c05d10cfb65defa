"""Paired bootstrap: is one detector better than another, or is the difference due to chance?

All detectors are measured on the same resampled sessions, so that it does not matter how easy or hard a
sample is (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13). Sessions are
drawn independently; where anomalies come in bursts, the true intervals are wider.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.evaluation.curves import Bools, Floats, ranks
from logradar.evaluation.metrics import Measured

ROUNDS: Final = 2000
LEVEL: Final = 0.95
AT_THRESHOLD: Final = ("f1", "precision", "recall", "fpr")
AREAS: Final = ("pr_auc", "roc_auc")
_WORK = 400_000_000  # rounds x sessions x detectors for the areas, at most
_FEWEST = 100  # rounds that an interval needs
_BLOCK = 4_000_000  # rounds x sessions in memory at a time


def resampled(
    labels: Bools, scores: Mapping[str, Floats], alarmed: Mapping[str, Bools], seed: int = 0, rounds: int = ROUNDS
) -> dict[str, dict[str, Floats]]:
    """Each figure of each detector on ``rounds`` resamples of the sessions, as ``{figure: {detector: values}}``.

    The figures are those at the threshold and the two areas; NaN where a figure is not defined on a resample. The
    areas are left out where there are too many distinct sessions to resample them often enough.
    """
    names = list(alarmed)
    rng = np.random.default_rng(seed)
    columns = np.column_stack([labels, *[alarmed[name] for name in names]])
    patterns, counts = np.unique(columns, axis=0, return_counts=True)
    drawn = rng.multinomial(len(labels), counts / len(labels), rounds).astype(np.float64)
    anomalies = drawn @ patterns[:, 0]
    figures: dict[str, dict[str, Floats]] = {figure: {} for figure in AT_THRESHOLD}
    with np.errstate(divide="ignore", invalid="ignore"):
        for place, name in enumerate(names, 1):
            hits, alarms = drawn @ (patterns[:, 0] & patterns[:, place]), drawn @ patterns[:, place]
            figures["precision"][name] = hits / alarms
            figures["recall"][name] = hits / anomalies
            figures["f1"][name] = np.where(anomalies > 0, 2 * hits / (anomalies + alarms), np.nan)
            figures["fpr"][name] = (alarms - hits) / (len(labels) - anomalies)
    return figures | _areas(labels, {name: scores[name] for name in names}, rng, rounds)


def _areas(
    labels: Bools, scores: Mapping[str, Floats], rng: np.random.Generator, rounds: int
) -> dict[str, dict[str, Floats]]:
    """Areas under both curves; sessions with the same label and the same score of every detector are drawn together."""
    order = np.column_stack([labels, *[ranks(values) for values in scores.values()]])
    kinds, counts = np.unique(order, axis=0, return_counts=True)
    rounds = min(rounds, _WORK // max(len(kinds) * len(scores), 1))
    if rounds < _FEWEST or not labels.any() or labels.all():
        return {}
    areas: dict[str, dict[str, list[Floats]]] = {area: {name: [] for name in scores} for area in AREAS}
    step = max(1, _BLOCK // len(kinds))
    share = counts / len(labels)
    for begin in range(0, rounds, step):
        drawn = rng.multinomial(len(labels), share, min(step, rounds - begin)).astype(np.float64)
        for place, name in enumerate(scores, 1):
            precision, roc = _both(drawn, kinds[:, 0].astype(bool), kinds[:, place])
            areas["pr_auc"][name].append(precision)
            areas["roc_auc"][name].append(roc)
    return {area: {name: np.concatenate(parts) for name, parts in lists.items()} for area, lists in areas.items()}


def _both(drawn: Floats, labels: Bools, rank: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Average precision and ROC area for each row of weights ``drawn``; equal ranks are one threshold."""
    falling = np.argsort(-rank, kind="stable")
    weights, truth = drawn[:, falling], labels[falling]
    ends = np.flatnonzero(np.append(np.diff(rank[falling]) != 0, True))
    right = np.cumsum(weights * truth, axis=1)[:, ends]
    wrong = np.cumsum(weights * ~truth, axis=1)[:, ends]
    gained, fresh = np.diff(right, axis=1, prepend=0), np.diff(wrong, axis=1, prepend=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(gained > 0, gained * right / (right + wrong), 0.0)
        precision = step.sum(axis=1) / right[:, -1]
        roc = (fresh * (right - gained / 2)).sum(axis=1) / (right[:, -1] * wrong[:, -1])
    return precision, roc


def intervals(drawn: Mapping[str, Mapping[str, Floats]], name: str) -> dict[str, list[float] | None]:
    """The percentile interval ``[low, high]`` of F1 and of the areas of one detector.

    For precision, recall and false-positive rate Wilson's interval is better (`logradar.evaluation.metrics.wilson`).
    """
    return {figure: _interval(values[name]) for figure, values in drawn.items() if figure in ("f1", *AREAS)}


def differences(
    drawn: Mapping[str, Mapping[str, Floats]], figures: Mapping[str, Measured], level: float = LEVEL
) -> list[dict[str, Any]]:
    """Every pair of detectors, the one with the higher F1 first: how far it is ahead, and how certain that is.

    For each figure ``{"difference", "low", "high", "ahead"}``: first minus second as measured, its percentile
    interval, and the share of resamples in which the first is ahead (a tie counts half). Where the interval does
    not contain 0, chance alone is unlikely to explain the difference. There is no correction for several pairs.
    """
    names = sorted(figures, key=lambda name: (-(figures[name]["f1"] or 0.0), name))
    pairs = []
    for first, second in combinations(names, 2):
        pair: dict[str, Any] = {"first": first, "second": second}
        for figure, values in drawn.items():
            higher, lower = figures[first].get(figure), figures[second].get(figure)
            resamples = values[first] - values[second]
            ends = _interval(resamples, level)
            if higher is None or lower is None or ends is None:
                pair[figure] = None
                continue
            resamples = resamples[np.isfinite(resamples)]
            pair[figure] = {
                "difference": higher - lower,
                "low": ends[0],
                "high": ends[1],
                "ahead": float((resamples > 0).mean() + (resamples == 0).mean() / 2),
            }
        pairs.append(pair)
    return pairs


def _interval(values: Floats, level: float = LEVEL) -> list[float] | None:
    finite = values[np.isfinite(values)]
    if len(finite) < _FEWEST:
        return None
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return [float(low), float(high)]
