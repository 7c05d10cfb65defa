"""Caveats: which anomalies of this test no method can find in sequences, and which figures say little here.

They are computed from the data, as facts in the audit and as sentences that say what to do. A low F1 may be
due to a detector or to the test; whoever compares detectors has to know which.
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
_MOST: Final = 0.5  # share of anomalies above which F1 says little
_EQUAL: Final = 5e-4  # F1 values that differ by less are shown as the same
_CHANCE: Final = 0.6  # ROC-AUC below which a detector hardly separates anomalies from normal sessions
_FINDABLE: Final = 0.02  # a recall at 1 % false alarms below this is too low for the threshold to matter
_HELD_BACK: Final = 0.5  # the threshold holds a detector back if its recall is below this share of that at 1 % FPR


@dataclass(frozen=True)
class Novelty:
    """Normal validation ``sessions``, and how new they are.

    ``unseen`` is the number of those with an event that training does not have (None where a bundle does not know),
    ``allowed`` the number of those that the threshold lets raise an alarm.
    """

    sessions: int
    unseen: int | None
    allowed: float


def indistinguishable(prints: Hashes, truth: Bools, before: Hashes | None) -> dict[str, Any]:
    """Anomalies with exactly the sequence of a normal session of the test, or of a training session.

    ``prints`` are the fingerprints of the test's sequences, ``truth`` its labels, ``before`` the fingerprints of
    training (None: not known). ``recall`` and ``f1`` are the upper bounds for a detector that reads sequences only
    and raises no alarm on a sequence of a normal session. ``best_f1`` is the upper bound for any function of the
    sequence on this test, with false alarms allowed, chosen with knowledge of these labels. None without an anomaly.
    """
    sequences, place = np.unique(prints, return_inverse=True)
    anomalous = np.bincount(place[truth], minlength=len(sequences))
    normal = np.bincount(place[~truth], minlength=len(sequences))
    in_test = normal > 0
    in_training = np.isin(sequences, before) if before is not None else np.zeros(len(sequences), bool)
    anomalies, hidden = int(anomalous.sum()), int(anomalous[in_test | in_training].sum())
    recall = 1.0 - hidden / anomalies if anomalies else None
    return {
        "anomalies": hidden,
        "of": anomalies,
        "in_test": int(anomalous[in_test].sum()),
        "in_training": int(anomalous[in_training].sum()) if before is not None else None,
        "recall": recall,
        "f1": 2 * recall / (1 + recall) if recall is not None else None,
        "best_f1": _best(anomalous, normal) if anomalies else None,
    }


def _best(anomalous: npt.NDArray[np.int64], normal: npt.NDArray[np.int64]) -> float:
    """Best F1 of any choice of sequences: those with the largest share of anomalies, down to the best share."""
    order = np.argsort(-anomalous / (anomalous + normal), kind="stable")
    hits, false = np.cumsum(anomalous[order]), np.cumsum(normal[order])
    return float((2 * hits / (hits + false + anomalous.sum())).max())


def caveats(
    audit: Mapping[str, Any],
    detectors: Mapping[str, Mapping[str, Any]],
    novelty: Novelty | None = None,
    reads_values: tuple[str, ...] = (),
) -> list[str]:
    """Sentences on what the figures of ``detectors`` cannot show, the most serious first; empty if there are none.

    ``audit`` is that of the test, ``novelty`` describes the sessions that the threshold was fitted on,
    ``reads_values`` names the detectors that read more than sequences.
    """
    sentences = [_on_separation(detectors), _on_sequences(audit, reads_values), _on_prevalence(audit, detectors)]
    sentences.append(_on_novelty(novelty, detectors))
    return [sentence for sentence in sentences if sentence]


def _on_sequences(audit: Mapping[str, Any], reads_values: tuple[str, ...]) -> str:
    facts = audit["twins"]
    if not facts or not facts["anomalies"]:
        return ""
    has, them = ("has", "it") if facts["anomalies"] == 1 else ("have", "them")
    places = [(facts["in_test"], "the test"), (facts["in_training"], "training")]
    where = joined(f"{number(count)} of {place}" for count, place in places if count)
    bound = (
        f"Without a false alarm on these sequences, recall is at most {percent(facts['recall'])} "
        f"and F1 at most {figure(facts['f1'])}"
    )
    if facts["best_f1"] > facts["f1"] + _EQUAL:
        bound += f"; with false alarms, F1 is at most {figure(facts['best_f1'])}, if every label is known"
    see = f"see {joined(reads_values)}" if reads_values else "where the input has lines, try `beside=[values]`"
    return (
        f"{number(facts['anomalies'])} of {counted(facts['of'], 'anomaly')} {has} exactly the sequence of a normal "
        f"session ({where}); no method that reads only sequences can find {them}. {bound}. Numbers and times in the "
        f"lines may show more: {see}."
    )


def _on_prevalence(audit: Mapping[str, Any], detectors: Mapping[str, Mapping[str, Any]]) -> str:
    share = audit["prevalence"]
    if share is None or not _MOST < share < 1:
        return ""
    trivial = figure(2 * share / (1 + share))
    sentence = (
        f"{percent(share)} of the test is anomalous: an alarm on every session has F1 {trivial}, so F1 says little "
        "here."
    )
    better = [
        f"{title} {show(value)} ({name})"
        for key, title, show in (
            ("roc_auc", "ROC-AUC", figure),
            ("recall_at_1pct_fpr", "recall at 1 % false alarms", percent),
        )
        if (best := _highest(detectors, key))
        for name, value in [best]
    ]
    return f"{sentence} The best values of figures that say more: {joined(better)}." if better else sentence


def _on_separation(detectors: Mapping[str, Mapping[str, Any]]) -> str:
    best = _highest(detectors, "roc_auc")
    if not best:
        return ""
    name, area = best
    anomalies = detectors[name]["anomalies"]
    low, high = interval(area, anomalies, detectors[name]["sessions"] - anomalies)
    if area >= _CHANCE and low > 0.5:
        return ""
    well = "" if low <= 0.5 else " well"
    return (
        f"No trained detector separates these anomalies{well} from normal sessions: the best ROC-AUC is "
        f"{figure(area)} ({name}; 95 % interval {figure(low)} to {figure(high)}); guessing gives 0.5. Try other "
        "detectors (`beside=[…]`), other sessions or windows, or check whether the labels describe these lines at all."
    )


def _on_novelty(novelty: Novelty | None, detectors: Mapping[str, Mapping[str, Any]]) -> str:
    if novelty is None or not novelty.unseen or novelty.unseen <= max(novelty.allowed, 1.0):
        return ""
    share = novelty.unseen / novelty.sessions
    held_back = [
        name
        for name, figures in detectors.items()
        if real(figures.get("recall")) and real(figures.get("recall_at_1pct_fpr"))
        if figures["recall"] < _HELD_BACK * figures["recall_at_1pct_fpr"] and figures["recall_at_1pct_fpr"] > _FINDABLE
    ]
    if not held_back:
        return ""
    allowed, find = percent(novelty.allowed / novelty.sessions), "finds" if len(held_back) == 1 else "find"
    return (
        f"{number(novelty.unseen)} of {counted(novelty.sessions, 'normal validation session')} ({percent(share)}) have "
        f"messages that training did not have, as in a new phase. The threshold allows alarms on {allowed} of them "
        f"only, so it lies above the scores of these new messages, and {joined(held_back)} {find} less than half of "
        "what is possible with 1 % false alarms. Train on more data, so that the phase is learnt, or allow more "
        f"alarms: `threshold.quantile={_rounded_down(1 - share):g}`."
    )


def _rounded_down(share: float) -> float:
    """To two digits, at least 0.01; rounded down, so that the threshold lies below the new messages."""
    return max(float(np.floor(100 * share) / 100), 0.01)


def _highest(detectors: Mapping[str, Mapping[str, Any]], key: str) -> tuple[str, float] | None:
    values = [(name, figures[key]) for name, figures in detectors.items() if real(figures.get(key))]
    return max(values, key=lambda pair: pair[1], default=None)


def interval(area: float, anomalies: int, normal: int) -> tuple[float, float]:
    """95 % interval of a ROC-AUC (Hanley and McNeil, Radiology 143, 1982).

    >>> [round(end, 3) for end in interval(0.75, 50, 50)]
    [0.654, 0.846]
    """
    squared = area * area
    two_anomalies, two_normal = area / (2 - area), 2 * squared / (1 + area)
    variance = area * (1 - area) + (anomalies - 1) * (two_anomalies - squared) + (normal - 1) * (two_normal - squared)
    half = Z95 * float(np.sqrt(max(variance, 0.0) / (anomalies * normal)))
    return max(area - half, 0.0), min(area + half, 1.0)
