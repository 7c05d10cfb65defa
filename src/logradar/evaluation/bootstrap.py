"""Paired bootstrap: is one detector better than another, or did the draw of sessions decide?

All detectors are measured on the same resampled sessions, so what makes a sample easy or hard
cancels out (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13). Sessions
are drawn one by one; where anomalies come in bursts, the true intervals are wider.
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
_WORK = 400_000_000  # cells of rounds x sessions x detectors that areas may cost
_FEWEST = 100  # rounds below which an interval says too little
_BLOCK = 4_000_000  # cells in memory at a time


def resampled(
    labels: Bools, scores: Mapping[str, Floats], alarmed: Mapping[str, Bools], seed: int = 0, rounds: int = ROUNDS
) -> dict[str, dict[str, Floats]]:
    """Each figure of each detector on ``rounds`` resamples of the sessions, ``{figure: {detector: values}}``.

    Figures are those at the threshold and the two areas; NaN where one is not defined on a resample. The
    areas are left out where there are too many distinct sessions to resample them often enough.
    """
    names = list(alarmed)
    rng = np.random.default_rng(seed)
    columns = np.column_stack([labels, *[alarmed[name] for name in names]])
    patterns, counts = np.unique(columns, axis=0, return_counts=True)
    drawn = rng.multinomial(len(labels), counts / len(labels), rounds).astype(np.float64)
    odd = drawn @ patterns[:, 0]
    found: dict[str, dict[str, Floats]] = {figure: {} for figure in AT_THRESHOLD}
    with np.errstate(divide="ignore", invalid="ignore"):
        for place, name in enumerate(names, 1):
            right, alarms = drawn @ (patterns[:, 0] & patterns[:, place]), drawn @ patterns[:, place]
            found["precision"][name] = right / alarms
            found["recall"][name] = right / odd
            found["f1"][name] = np.where(odd > 0, 2 * right / (odd + alarms), np.nan)
            found["fpr"][name] = (alarms - right) / (len(labels) - odd)
    return found | _areas(labels, {name: scores[name] for name in names}, rng, rounds)


def _areas(
    labels: Bools, scores: Mapping[str, Floats], rng: np.random.Generator, rounds: int
) -> dict[str, dict[str, Floats]]:
    """Areas under both curves; sessions with the same label and the same scores of all are drawn together."""
    order = np.column_stack([labels, *[ranks(one) for one in scores.values()]])
    kinds, counts = np.unique(order, axis=0, return_counts=True)
    rounds = min(rounds, _WORK // max(len(kinds) * len(scores), 1))
    if rounds < _FEWEST or not labels.any() or labels.all():
        return {}
    found: dict[str, dict[str, list[Floats]]] = {area: {name: [] for name in scores} for area in AREAS}
    step = max(1, _BLOCK // len(kinds))
    share = counts / len(labels)
    for begin in range(0, rounds, step):
        drawn = rng.multinomial(len(labels), share, min(step, rounds - begin)).astype(np.float64)
        for place, name in enumerate(scores, 1):
            precision, roc = _both(drawn, kinds[:, 0].astype(bool), kinds[:, place])
            found["pr_auc"][name].append(precision)
            found["roc_auc"][name].append(roc)
    return {area: {name: np.concatenate(parts) for name, parts in one.items()} for area, one in found.items()}


def _both(drawn: Floats, odd: Bools, rank: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Average precision and ROC area for each row of weights ``drawn``; equal ranks are one threshold."""
    falling = np.argsort(-rank, kind="stable")
    weights, truth = drawn[:, falling], odd[falling]
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
    """The percentile interval ``[low, high]`` of F1 and the areas of one detector; for shares Wilson's is better."""
    return {figure: _interval(values[name]) for figure, values in drawn.items() if figure in ("f1", *AREAS)}


def differences(
    drawn: Mapping[str, Mapping[str, Floats]], figures: Mapping[str, Measured], level: float = LEVEL
) -> list[dict[str, Any]]:
    """Every pair of detectors, the one with the higher F1 first: by how much it is ahead, and how surely.

    For each figure ``{"difference", "low", "high", "ahead"}``: first minus second as measured, its
    percentile interval, and the share of resamples in which the first is ahead (equal counts half). Where
    the interval leaves out 0 chance alone is a poor explanation, for this pair looked at alone.
    """
    names = sorted(figures, key=lambda name: (-(figures[name]["f1"] or 0.0), name))
    pairs = []
    for first, second in combinations(names, 2):
        told: dict[str, Any] = {"first": first, "second": second}
        for figure, values in drawn.items():
            ours, theirs = figures[first].get(figure), figures[second].get(figure)
            apart = values[first] - values[second]
            apart = apart[np.isfinite(apart)]
            if ours is None or theirs is None or len(apart) < _FEWEST:
                told[figure] = None
                continue
            low, high = np.quantile(apart, [(1 - level) / 2, (1 + level) / 2])
            ahead = (apart > 0).mean() + (apart == 0).mean() / 2
            told[figure] = {
                "difference": ours - theirs,
                "low": float(low),
                "high": float(high),
                "ahead": float(ahead),
            }
        pairs.append(told)
    return pairs


def _interval(values: Floats, level: float = LEVEL) -> list[float] | None:
    known = values[np.isfinite(values)]
    if len(known) < _FEWEST:
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return [float(low), float(high)]
