"""Next-event metrics: how well events were predicted, and what a threshold on the score would cost.

A prediction is one question to the network: what comes at this place. Its rank says how many
answers were held for likelier than the one that came (rank 1: none). Nothing is shifted here: rank
and event belong to the same place. An event that training did not have cannot be predicted; it is a
miss at every k, and has no loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.evaluation.metrics import measure

Floats = npt.NDArray[np.float64]
TOP: Final = (1, 5, 10, 20)
QUANTILES: Final = {"p90": 0.90, "p95": 0.95, "p99": 0.99}


def accuracy(
    ranks: npt.ArrayLike, losses: npt.ArrayLike, known: npt.ArrayLike, weights: npt.ArrayLike
) -> dict[str, Any]:
    """Top-k accuracy and loss over predictions; an entry each in four arrays of one length.

    ``ranks`` from 1, ``losses`` in nats, ``known`` is False for an event that training did not have,
    ``weights`` is how often the prediction was asked for.

    >>> figures = accuracy([1, 3, 7, 1], [0.1, 1.0, 3.0, 30.0], [True, True, True, False], [1, 1, 1, 1])
    >>> figures["top_1"], figures["top_5"], figures["top_10"], figures["predictions"], figures["unknown"]
    (0.25, 0.5, 0.75, 4, 1)
    """
    rank, loss, seen = np.asarray(ranks, np.float64), np.asarray(losses, np.float64), np.asarray(known, bool)
    weight = np.asarray(weights, np.float64)
    asked, told = float(weight.sum()), float(weight[seen].sum())
    hits = {f"top_{k}": _share(float(weight[seen & (rank <= k)].sum()), asked) for k in TOP}
    return {
        **hits,
        "loss": _share(float(weight[seen] @ loss[seen]), told),
        "predictions": round(asked),
        "unknown": round(asked - told),
    }


def score_statistics(scores: npt.ArrayLike) -> dict[str, Any]:
    """Mean, deviation and count of the scores of normal sessions; None where there are none."""
    values = np.asarray(scores, np.float64)
    mean, deviation = (float(values.mean()), float(values.std())) if len(values) else (None, None)
    return {"sessions": len(values), "mean": mean, "deviation": deviation}


def recommended(validation: npt.ArrayLike) -> dict[str, dict[str, Any]]:
    """Thresholds at p90, p95 and p99 of normal ``validation`` scores in order of time, with their false-positive rate.

    The rate is honest: the threshold of the earlier half, measured on the later half. ``threshold`` is
    that of all of them. Empty without scores.
    """
    values = np.asarray(validation, np.float64)
    early, late = np.split(values, [len(values) // 2])
    found = {}
    for name, quantile in QUANTILES.items() if len(values) else ():
        rate = float((late > _quantile(early, quantile)).mean()) if len(early) else None
        found[name] = {"threshold": _quantile(values, quantile), "fpr": rate, "fpr_sessions": len(late)}
    return found


def measured(thresholds: Mapping[str, float], labels: npt.ArrayLike, scores: npt.ArrayLike) -> dict[str, Any]:
    """Precision, recall, F1 and false-positive rate at each of some thresholds that were fitted elsewhere."""
    kept = ("threshold", "precision", "recall", "f1", "fpr")
    told = {name: measure(labels, scores, value) for name, value in thresholds.items()}
    return {name: {key: figures[key] for key in kept} for name, figures in told.items()}


def readable(name: str, figures: Mapping[str, Any]) -> str:
    """The figures of one detector as text for people."""
    lines = [
        f"{name}: {figures['predictions']:,} predictions, {figures['unknown']:,} of events that training did not have"
    ]
    lines.append("  right in the top " + ", ".join(f"{k}: {_percent(figures[f'top_{k}'])}" for k in TOP))
    lines.append(f"  loss {_number(figures['loss'])} nats a prediction")
    score = figures["scores"]
    lines.append(
        f"  score of {score['sessions']:,} normal sessions: mean {_number(score['mean'])}, "
        f"deviation {_number(score['deviation'])}"
    )
    for quantile, at in figures["thresholds"].items():
        told = [f"  threshold {quantile} {_number(at['threshold'])}: {_percent(at['fpr'])} of normal sessions above"]
        if "recall" in at:
            told.append(
                f"precision {_percent(at['precision'])}, recall {_percent(at['recall'])}, F1 {_number(at['f1'])}"
            )
        lines.append("; ".join(told))
    return "\n".join(lines) + "\n"


def _quantile(values: Floats, quantile: float) -> float:
    return float(np.quantile(values, quantile, method="inverted_cdf"))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
