"""The paired bootstrap: intervals that cover, differences that are seen or rightly left open."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from logradar.evaluation.bootstrap import differences, intervals, resampled
from logradar.evaluation.metrics import measure


def drawn_world(seed: int, sessions: int = 600) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    labels = rng.random(sessions) < 0.1
    sharp = labels * 2.0 + rng.normal(size=sessions) * 0.8
    return labels, {"sharp": sharp, "same": sharp + 0.0, "dull": labels * 0.5 + rng.normal(size=sessions)}


def compared(labels, scores, threshold=1.0, seed=0):
    alarmed = {name: one > threshold for name, one in scores.items()}
    figures = {name: measure(labels, one, threshold) for name, one in scores.items()}
    drawn = resampled(labels, scores, alarmed, seed)
    return drawn, differences(drawn, figures)


def test_a_resample_is_measured_as_scikit_learn_would():
    """Weights that are counts of a resample give the figures of the resampled sessions themselves."""
    labels, scores = drawn_world(3, 200)
    scores = {name: np.round(one, 1) for name, one in scores.items()}  # ties
    from logradar.evaluation.bootstrap import _both
    from logradar.evaluation.curves import ranks

    rng = np.random.default_rng(1)
    counts = rng.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), 5).astype(float)
    precision, roc = _both(counts, labels, ranks(scores["dull"]))
    for row in range(5):
        rows = np.repeat(np.arange(len(labels)), counts[row].astype(int))
        assert precision[row] == pytest.approx(average_precision_score(labels[rows], scores["dull"][rows]))
        assert roc[row] == pytest.approx(roc_auc_score(labels[rows], scores["dull"][rows]))


def test_the_interval_is_that_of_drawing_sessions_by_hand():
    labels, scores = drawn_world(5)
    drawn, _ = compared(labels, scores)
    rng = np.random.default_rng(0)
    slow = []
    for _ in range(1000):
        rows = rng.integers(len(labels), size=len(labels))
        slow.append(f1_score(labels[rows], scores["dull"][rows] > 1.0))
    assert intervals(drawn, "dull")["f1"] == pytest.approx(np.quantile(slow, [0.025, 0.975]), abs=0.03)


def test_what_differs_is_seen_and_what_is_the_same_is_not():
    labels, scores = drawn_world(7)
    _, pairs = compared(labels, scores)
    by_pair = {(pair["first"], pair["second"]): pair for pair in pairs}
    assert set(by_pair) == {("same", "sharp"), ("same", "dull"), ("sharp", "dull")}
    twins = by_pair["same", "sharp"]
    for figure in ("f1", "precision", "recall", "fpr", "pr_auc", "roc_auc"):
        assert twins[figure] == {"difference": 0, "low": 0, "high": 0, "ahead": 0.5}
        assert by_pair["sharp", "dull"][figure]["ahead"] in (pytest.approx(1, abs=0.05), pytest.approx(0, abs=0.05))
    assert by_pair["sharp", "dull"]["f1"]["low"] > 0


def test_pairing_is_narrower_than_two_intervals_apart():
    """Two detectors that err on nearly the same sessions: paired, a small gain is seen."""
    rng = np.random.default_rng(1)
    labels = rng.random(2000) < 0.1
    base = np.where(rng.random(2000) < 0.3, ~labels, labels)
    better = np.where(rng.random(2000) < 0.03, labels, base)
    scores = {"base": base.astype(float), "better": better.astype(float)}
    drawn, pairs = compared(labels, scores, 0.5)
    first, second = (intervals(drawn, name)["f1"] for name in ("better", "base"))
    assert first[0] < second[1]  # the intervals overlap
    assert pairs[0]["first"] == "better"
    assert pairs[0]["f1"]["low"] > 0


def test_chance_seldom_looks_like_a_difference():
    """Equally good detectors with independent errors: about one in twenty intervals leaves out 0."""
    wrong = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        labels = rng.random(400) < 0.2
        scores = {name: labels * 1.0 + rng.normal(size=400) for name in ("a", "b")}
        alarmed = {name: one > 0.8 for name, one in scores.items()}
        figures = {name: measure(labels, one, 0.8) for name, one in scores.items()}
        pair = differences(resampled(labels, scores, alarmed, seed, rounds=300), figures)[0]["f1"]
        wrong += not pair["low"] <= 0 <= pair["high"]
    assert wrong <= 9  # 3 expected; 10 or more come once in a thousand times


def test_the_same_seed_gives_the_same_intervals_and_no_anomaly_gives_none():
    labels, scores = drawn_world(9)
    assert compared(labels, scores)[1] == compared(labels, scores)[1]
    none = np.zeros(50, bool)
    _, pairs = compared(none, {"a": np.arange(50.0), "b": np.arange(50.0)[::-1]}, 40.0)
    assert pairs[0]["f1"] is None
    assert "pr_auc" not in pairs[0]
    assert pairs[0]["fpr"]["difference"] == 0
