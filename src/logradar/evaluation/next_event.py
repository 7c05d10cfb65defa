"""Next-event metrics: how well events were predicted, and how many alarms a threshold on the score would raise.

A prediction is one question to the network: which event comes at this place? Its rank is one more than the number of
events that the network considered more likely than the real one (rank 1: none). Nothing is shifted here: rank
and event belong to the same place. An event that training did not have cannot be predicted; it counts as a
miss at every k and has no loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.core.formatting import counted, joined
from logradar.evaluation.metrics import measure

Floats = npt.NDArray[np.float64]
TOP: Final = (1, 5, 10, 20)
QUANTILES: Final = {"p90": 0.90, "p95": 0.95, "p99": 0.99}


def accuracy(
    ranks: npt.ArrayLike, losses: npt.ArrayLike, known: npt.ArrayLike, weights: npt.ArrayLike
) -> dict[str, Any]:
    """Top-k accuracy and loss over predictions; the four arrays have one entry per prediction.

    ``ranks`` begin at 1, ``losses`` are in nats, ``known`` is False for an event that training did not have,
    ``weights`` says how often the prediction was made.

    >>> figures = accuracy([1, 3, 7, 1], [0.1, 1.0, 3.0, 30.0], [True, True, True, False], [1, 1, 1, 1])
    >>> figures["top_1"], figures["top_5"], figures["top_10"], figures["predictions"], figures["unknown"]
    (0.25, 0.5, 0.75, 4, 1)
    """
    rank, loss, seen = np.asarray(ranks, np.float64), np.asarray(losses, np.float64), np.asarray(known, bool)
    weight = np.asarray(weights, np.float64)
    predictions, predictable = float(weight.sum()), float(weight[seen].sum())
    hits = {f"top_{k}": _share(float(weight[seen & (rank <= k)].sum()), predictions) for k in TOP}
    return {
        **hits,
        "loss": _share(float(weight[seen] @ loss[seen]), predictable),
        "predictions": round(predictions),
        "unknown": round(predictions - predictable),
    }


def score_statistics(scores: npt.ArrayLike) -> dict[str, Any]:
    """Mean, standard deviation and number of the scores of normal sessions; mean and deviation are None without any."""
    values = np.asarray(scores, np.float64)
    mean, deviation = (float(values.mean()), float(values.std())) if len(values) else (None, None)
    return {"sessions": len(values), "mean": mean, "deviation": deviation}


def recommended(validation: npt.ArrayLike) -> dict[str, dict[str, Any]]:
    """Thresholds at p90, p95 and p99 of normal ``validation`` scores, with their false-positive rate.

    ``validation`` is in order of time. ``threshold`` is the quantile of all scores. ``fpr`` is not measured on the
    scores that it was fitted on: it is that of the earlier half's threshold on the later half. Empty without scores.
    """
    values = np.asarray(validation, np.float64)
    early, late = np.split(values, [len(values) // 2])
    thresholds = {}
    for name, quantile in QUANTILES.items() if len(values) else ():
        rate = float((late > _quantile(early, quantile)).mean()) if len(early) else None
        thresholds[name] = {"threshold": _quantile(values, quantile), "fpr": rate, "fpr_sessions": len(late)}
    return thresholds


def measured(thresholds: Mapping[str, float], labels: npt.ArrayLike, scores: npt.ArrayLike) -> dict[str, Any]:
    """Precision, recall, F1 and false-positive rate at each of ``thresholds``, which were fitted elsewhere."""
    keys = ("threshold", "precision", "recall", "f1", "fpr")
    all_figures = {name: measure(labels, scores, value) for name, value in thresholds.items()}
    return {name: {key: figures[key] for key in keys} for name, figures in all_figures.items()}


def shares_above(thresholds: Mapping[str, float], scores: npt.ArrayLike) -> dict[str, Any]:
    """The share of sessions without labels that score above each of ``thresholds``; None without sessions.

    >>> shares_above({"p90": 1.0}, [0.5, 1.0, 1.5, 2.0])
    {'p90': {'threshold': 1.0, 'above': 0.5}}
    """
    values = np.asarray(scores, np.float64)
    return {
        name: {"threshold": value, "above": float((values > value).mean()) if len(values) else None}
        for name, value in thresholds.items()
    }


def readable(name: str, figures: Mapping[str, Any]) -> str:
    """The figures of one detector as text for people."""
    normal = "" if any("above" in at for at in figures["thresholds"].values()) else "normal "
    lines = [
        f"{name}: {figures['predictions']:,} predictions, {figures['unknown']:,} of events that training did not have"
    ]
    lines.append("  right among the top " + ", ".join(f"{k}: {_percent(figures[f'top_{k}'])}" for k in TOP))
    if all_of_them := [str(k) for k in TOP if k >= figures.get("choices", k + 1)]:
        choices = counted(figures["choices"], "answer")
        lines.append(f"  the network chooses among {choices}: all of them are in the top {joined(all_of_them)}")
    lines.append(f"  loss {_number(figures['loss'])} nats per prediction")
    score = figures["scores"]
    lines.append(
        f"  score of {score['sessions']:,} {normal}sessions: mean {_number(score['mean'])}, "
        f"standard deviation {_number(score['deviation'])}"
    )
    for quantile, at in figures["thresholds"].items():
        share = _percent(at["fpr"] if normal else at["above"])
        line = f"  threshold {quantile} {_number(at['threshold'])}: {share} of {normal}sessions above it"
        if "recall" in at:
            line += f"; precision {_percent(at['precision'])}, recall {_percent(at['recall'])}, F1 {_number(at['f1'])}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _quantile(values: Floats, quantile: float) -> float:
    return float(np.quantile(values, quantile, method="inverted_cdf"))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
