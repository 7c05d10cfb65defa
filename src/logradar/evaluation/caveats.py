"""Limits: what nobody could find in this test by reading sequences, and which figures say little here.

Computed from the data, as facts in the audit and as sentences with a way out. A low F1 may be the
fault of a detector or of the test; whoever compares detectors has to know which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.core.formatting import counted, figure, joined, number, percent, real
from logradar.evaluation.curves import Bools
from logradar.evaluation.metrics import Z95

Hashes = npt.NDArray[np.uint64]
_MOST: Final = 0.5  # of the test anomalous: from here on F1 says little
_EQUAL: Final = 5e-4  # F1 that is shown as the same
_COIN: Final = 0.6  # ROC-AUC below which nothing worth a name separates
_FOUND: Final = 0.02  # recall at 1 % false alarms below which there is nothing to be held back
_HELD: Final = 0.5  # of the recall that 1 % false alarms would buy: who finds less is held back by the threshold


@dataclass(frozen=True)
class Novelty:
    """Normal validation sessions, how many of them have an event that training does not have, and how many may alarm.

    ``unseen`` is None where a bundle does not know.
    """

    sessions: int
    unseen: int | None
    allowed: float


def indistinguishable(prints: Hashes, truth: Bools, before: Hashes | None) -> dict[str, Any]:
    """Anomalies whose sequence is that of a normal session: of the test, or of training (``before``, if known).

    ``recall`` and ``f1`` are the most that a detector reaches which reads sequences alone and calls none of a normal
    session an anomaly; ``best_f1`` is the most that any function of the sequence reaches on this test, false alarms
    included, chosen by these very labels. None where there is no anomaly.
    """
    kinds, place = np.unique(prints, return_inverse=True)
    odd = np.bincount(place[truth], minlength=len(kinds))
    usual = np.bincount(place[~truth], minlength=len(kinds))
    here = usual > 0
    learnt = np.isin(kinds, before) if before is not None else np.zeros(len(kinds), bool)
    anomalies, torn = int(odd.sum()), int(odd[here | learnt].sum())
    recall = 1.0 - torn / anomalies if anomalies else None
    return {
        "anomalies": torn,
        "of": anomalies,
        "in_test": int(odd[here].sum()),
        "in_training": int(odd[learnt].sum()) if before is not None else None,
        "recall": recall,
        "f1": 2 * recall / (1 + recall) if recall is not None else None,
        "best_f1": _best(odd, usual) if anomalies else None,
    }


def _best(odd: npt.NDArray[np.int64], usual: npt.NDArray[np.int64]) -> float:
    """Best F1 of any choice of sequences: those with the largest share of anomalies, down to some share."""
    order = np.argsort(-odd / (odd + usual), kind="stable")
    hits, false = np.cumsum(odd[order]), np.cumsum(usual[order])
    return float((2 * hits / (hits + false + odd.sum())).max())


def limits(
    audit: Mapping[str, Any],
    detectors: Mapping[str, Mapping[str, Any]],
    novelty: Novelty | None = None,
    reads_values: tuple[str, ...] = (),
) -> list[str]:
    """Sentences on what the figures of ``detectors`` cannot show, the gravest first; none where nothing limits them.

    ``audit`` is that of the test, ``novelty`` what the threshold was fitted on, ``reads_values`` the detectors that
    look at more than sequences.
    """
    said = [_on_coins(detectors), _on_twins(audit, reads_values), _on_prevalence(audit, detectors)]
    said.append(_on_novelty(novelty, detectors))
    return [sentence for sentence in said if sentence]


def _on_twins(audit: Mapping[str, Any], reads_values: tuple[str, ...]) -> str:
    found = audit["twins"]
    if not found or not found["anomalies"]:
        return ""
    one = found["anomalies"] == 1
    places = [(found["in_test"], "the test"), (found["in_training"], "training")]
    where = joined(f"{number(count)} of {place}" for count, place in places if count)
    bound = f"Without a false alarm on these, recall is {percent(found['recall'])} and F1 {figure(found['f1'])} at most"
    if found["best_f1"] > found["f1"] + _EQUAL:
        bound += f"; with false alarms F1 is {figure(found['best_f1'])} at most, for who knows every label"
    see = f"see {joined(reads_values)}" if reads_values else "where the input has lines, try `beside=[values]`"
    return (
        f"{number(found['anomalies'])} of {counted(found['of'], 'anomaly')} {'has' if one else 'have'} exactly the "
        f"sequence of a normal session ({where}); no method that reads sequences can tell {'it' if one else 'them'} "
        f"apart. {bound}. Numbers and times in the lines may tell more: {see}."
    )


def _on_prevalence(audit: Mapping[str, Any], detectors: Mapping[str, Mapping[str, Any]]) -> str:
    share = audit["prevalence"]
    if share is None or not _MOST < share < 1:
        return ""
    every = figure(2 * share / (1 + share))
    said = f"{percent(share)} of the test is anomalous: flagging everything has F1 {every}, so F1 says little here."
    told = [
        f"{title} {show(value)} ({name})"
        for key, title, show in (
            ("roc_auc", "ROC-AUC", figure),
            ("recall_at_1pct_fpr", "recall at 1 % false alarms", percent),
        )
        if (best := _highest(detectors, key))
        for name, value in [best]
    ]
    return f"{said} Look at {joined(told)} instead, here the best ones." if told else said


def _on_coins(detectors: Mapping[str, Mapping[str, Any]]) -> str:
    best = _highest(detectors, "roc_auc")
    if not best:
        return ""
    name, area = best
    odd = detectors[name]["anomalies"]
    low, high = interval(area, odd, detectors[name]["sessions"] - odd)
    if area >= _COIN and low > 0.5:
        return ""
    well = "" if low <= 0.5 else " well"
    return (
        f"Nothing that was trained separates these anomalies{well} from normal sessions: the best ROC-AUC is "
        f"{figure(area)} ({name}; 95 % interval {figure(low)} to {figure(high)}), a coin has 0.5. Try other detectors "
        "(`beside=[…]`), other sessions or windows, or ask whether the labels are about these lines at all."
    )


def _on_novelty(novelty: Novelty | None, detectors: Mapping[str, Mapping[str, Any]]) -> str:
    if novelty is None or not novelty.unseen or novelty.unseen <= max(novelty.allowed, 1.0):
        return ""
    share = novelty.unseen / novelty.sessions
    held = [
        name
        for name, one in detectors.items()
        if real(one.get("recall")) and real(one.get("recall_at_1pct_fpr"))
        if one["recall"] < _HELD * one["recall_at_1pct_fpr"] and one["recall_at_1pct_fpr"] > _FOUND
    ]
    if not held:
        return ""
    lets, find = percent(novelty.allowed / novelty.sessions), "finds" if len(held) == 1 else "find"
    return (
        f"{number(novelty.unseen)} of {counted(novelty.sessions, 'normal validation session')} ({percent(share)}) have "
        f"messages that training did not have, as in a new phase. Thresholds let {lets} alarm, so they rise above what "
        f"is new, and {joined(held)} {find} less than half of what 1 % false alarms would buy. Train on more, so that "
        f"the phase is learnt, or allow more: `threshold.quantile={_below(1 - share):g}`."
    )


def _below(share: float) -> float:
    """Rounded down, so that it still leaves room."""
    return max(float(np.floor(100 * share) / 100), 0.01)


def _highest(detectors: Mapping[str, Mapping[str, Any]], key: str) -> tuple[str, float] | None:
    known = [(name, one[key]) for name, one in detectors.items() if real(one.get(key))]
    return max(known, key=lambda pair: pair[1], default=None)


def interval(area: float, anomalies: int, normal: int) -> tuple[float, float]:
    """95 % interval of a ROC-AUC (Hanley and McNeil, Radiology 143, 1982).

    >>> [round(end, 3) for end in interval(0.75, 50, 50)]
    [0.654, 0.846]
    """
    squared = area * area
    both_odd, both_usual = area / (2 - area), 2 * squared / (1 + area)
    variance = area * (1 - area) + (anomalies - 1) * (both_odd - squared) + (normal - 1) * (both_usual - squared)
    half = Z95 * float(np.sqrt(max(variance, 0.0) / (anomalies * normal)))
    return max(area - half, 0.0), min(area + half, 1.0)
