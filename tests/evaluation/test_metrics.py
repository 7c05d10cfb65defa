from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score

from logradar.core.errors import DataError
from logradar.evaluation.metrics import distinct, measure, natural_weights, unseen_only, wilson

# By hand. Sorted by score: 0.9 A, 0.8 n, 0.7 A, 0.6 A, 0.5 n, 0.4 n, 0.3 n, 0.2 A, 0.1 n, 0.0 n
LABELS = [True, False, True, True, False, False, False, True, False, False]
SCORES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]


def test_every_figure_by_hand() -> None:
    found = measure(LABELS, SCORES, 0.55, days=0.5)
    assert {key: found[key] for key in ("sessions", "anomalies", "tp", "fp", "tn", "fn")} == {
        "sessions": 10,
        "anomalies": 4,
        "tp": 3,
        "fp": 1,
        "tn": 5,
        "fn": 1,
    }
    assert found["prevalence"] == 0.4
    assert found["precision"] == 3 / 4
    assert found["recall"] == 3 / 4
    assert found["f1"] == 3 / 4
    assert found["fpr"] == 1 / 6
    assert found["false_alarms_per_day"] == 2.0
    assert found["mcc"] == pytest.approx((3 * 5 - 1 * 1) / math.sqrt(4 * 4 * 6 * 6))
    # average precision: anomalies at ranks 1, 3, 4, 8
    assert found["pr_auc"] == pytest.approx((1 / 1 + 2 / 3 + 3 / 4 + 4 / 8) / 4)
    # of 24 pairs the anomaly scores higher in: 6 (0.9) + 5 (0.7) + 5 (0.6) + 2 (0.2)
    assert found["roc_auc"] == pytest.approx(18 / 24)
    assert found["recall_at_1pct_fpr"] == 1 / 4  # only the first anomaly stands above every normal session
    # best cut is after 4: P 3/4, R 3/4; after 8: P 4/8, R 1 -> 2/3
    assert found["oracle_f1"] == pytest.approx(3 / 4)
    assert found["threshold"] == 0.55
    assert found["weighted"] is False


def test_equal_to_the_threshold_is_no_alarm() -> None:
    found = measure([True, True], [1.0, 1.1], 1.0)
    assert (found["tp"], found["fn"]) == (1, 1)


def test_ties_count_half_and_do_not_depend_on_order() -> None:
    forward = measure([True, False, False, True], [1.0, 1.0, 0.0, 0.0], 0.5)
    backward = measure([True, False, False, True][::-1], [0.0, 0.0, 1.0, 1.0], 0.5)
    # one tie above with one tie below: pairs (A1,n1) tie, (A1,n0) won, (A0,n1) lost, (A0,n0) tie
    assert forward["roc_auc"] == backward["roc_auc"] == 0.5
    assert forward["pr_auc"] == backward["pr_auc"] == pytest.approx(0.5 * 0.5 + 0.5 * 0.5)


def test_infinite_scores_are_in_order() -> None:
    found = measure([True, True, False, False], [math.inf, 5.0, 4.0, -math.inf], 1e300)
    assert (found["tp"], found["fp"], found["fn"]) == (1, 0, 1)
    assert found["roc_auc"] == found["pr_auc"] == found["oracle_f1"] == 1.0
    never = measure([True, False], [math.inf, 0.0], math.inf)
    assert (never["tp"], never["threshold"], never["precision"], never["f1"]) == (0, None, None, 0.0)


def test_agrees_with_scikit_learn_on_random_scores_with_ties() -> None:
    rng = np.random.default_rng(3)
    labels, scores = rng.random(500) < 0.1, np.round(rng.normal(size=500), 1)
    found = measure(labels, scores, 0.7)
    assert found["roc_auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert found["pr_auc"] == pytest.approx(average_precision_score(labels, scores))
    assert found["mcc"] == pytest.approx(matthews_corrcoef(labels, scores > 0.7))
    assert found["oracle_f1"] == pytest.approx(max(measure(labels, scores, t - 1e-9)["f1"] for t in np.unique(scores)))


DEGENERATE = {
    "no anomalies": ([False, False], [0.0, 2.0]),
    "all anomalies": ([True, True], [0.0, 2.0]),
    "constant scores": ([True, False, False], [2.0, 2.0, 2.0]),
    "one normal": ([False], [2.0]),
    "one anomaly": ([True], [0.0]),
    "empty": ([], []),
}
EXPECTED = {
    "no anomalies": {
        "precision": 0.0,
        "recall": None,
        "f1": None,
        "fpr": 0.5,
        "pr_auc": None,
        "roc_auc": None,
        "mcc": None,
    },
    "all anomalies": {
        "precision": 1.0,
        "recall": 0.5,
        "f1": 2 / 3,
        "fpr": None,
        "pr_auc": 1.0,
        "roc_auc": None,
        "mcc": None,
    },
    "constant scores": {
        "precision": 1 / 3,
        "recall": 1.0,
        "f1": 0.5,
        "fpr": 1.0,
        "pr_auc": 1 / 3,
        "roc_auc": 0.5,
        "mcc": None,
    },
    "one normal": {
        "precision": 0.0,
        "recall": None,
        "f1": None,
        "fpr": 1.0,
        "pr_auc": None,
        "roc_auc": None,
        "mcc": None,
    },
    "one anomaly": {
        "precision": None,
        "recall": 0.0,
        "f1": 0.0,
        "fpr": None,
        "pr_auc": 1.0,
        "roc_auc": None,
        "mcc": None,
    },
    "empty": {"precision": None, "recall": None, "f1": None, "fpr": None, "pr_auc": None, "roc_auc": None, "mcc": None},
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_what_is_not_defined_is_none(case: str) -> None:
    labels, scores = DEGENERATE[case]
    found = measure(labels, scores, 1.0)
    assert {key: found[key] for key in EXPECTED[case]} == pytest.approx(EXPECTED[case])
    assert found["sessions"] == len(labels)
    assert found["false_alarms_per_day"] is None
    json.dumps(found, allow_nan=False)


def test_no_days_no_rate() -> None:
    assert measure(LABELS, SCORES, 0.5, days=0)["false_alarms_per_day"] is None
    assert measure(LABELS, SCORES, 2.0, days=2)["false_alarms_per_day"] == 0


def test_weights_bring_a_sample_back_to_natural_prevalence() -> None:
    # 2 anomalies both found, 1 of 4 normal sessions alarmed, standing for 400: 100 false alarms.
    labels, scores = [True, True, False, False, False, False], [3.0, 2.0, 2.5, 0.0, 0.0, 0.0]
    weights = natural_weights(labels, 400)
    assert weights.tolist() == [1, 1, 100, 100, 100, 100]
    found = measure(labels, scores, 1.0, weights=weights, days=10)
    assert (found["tp"], found["fp"], found["tn"], found["fn"]) == (2, 100, 300, 0)
    assert found["precision"] == pytest.approx(2 / 102)
    assert found["recall"] == 1.0
    assert found["fpr"] == 0.25
    assert found["f1"] == pytest.approx(4 / 104)
    assert found["prevalence"] == pytest.approx(2 / 402)
    assert found["false_alarms_per_day"] == 10.0
    assert (found["sessions"], found["anomalies"], found["weighted"]) == (6, 2, True)
    assert found["pr_auc"] == pytest.approx(1 / 2 + (1 / 2) * (2 / 102))
    assert found["roc_auc"] == pytest.approx((1 + 0.75) / 2)
    # Four normal sessions were looked at, not four hundred: the interval knows.
    assert found["intervals"]["fpr"] == pytest.approx(wilson(1, 4))
    # Equal weights change nothing but the counts.
    plain, double = measure(LABELS, SCORES, 0.55), measure(LABELS, SCORES, 0.55, weights=[2.0] * 10)
    for key in ("precision", "recall", "f1", "fpr", "pr_auc", "roc_auc", "mcc", "oracle_f1"):
        assert double[key] == pytest.approx(plain[key])
    assert double["intervals"]["recall"] == pytest.approx(plain["intervals"]["recall"])


@pytest.mark.parametrize(("hits", "of"), [(0, 1), (1, 1), (0, 40), (3, 10), (117, 117), (15, 4196)])
def test_wilson_agrees_with_scipy(hits: int, of: int) -> None:
    interval = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    assert wilson(hits, of) == pytest.approx([interval.low, interval.high], abs=1e-12)


def test_wilson_without_trials() -> None:
    assert wilson(0, 0) is None
    assert wilson(0, 5)[0] == 0.0
    assert wilson(5, 5)[1] == 1.0


def test_unseen_only_leaves_out_what_was_in_training() -> None:
    seen = [False, True, False, True, False, True, True, True, False, True]
    found = unseen_only(LABELS, SCORES, 0.55, seen)
    assert (found["sessions"], found["anomalies"], found["tp"], found["fp"]) == (4, 2, 2, 0)
    assert unseen_only(LABELS, SCORES, 0.55, [True] * 10)["sessions"] == 0


def test_distinct_keeps_one_session_per_sequence_and_label() -> None:
    labels = [True, True, False, False, False]
    prints = [7, 7, 7, 8, 8]
    found = distinct(labels, [2.0, 2.0, 2.0, 0.0, 0.0], 1.0, prints)
    assert (found["sessions"], found["anomalies"], found["tp"], found["fp"], found["tn"]) == (3, 1, 1, 1, 1)
    weighted = distinct(labels, [2.0, 2.0, 2.0, 0.0, 0.0], 1.0, prints, weights=[1, 1, 5, 5, 5])
    assert (weighted["fp"], weighted["tn"]) == (5, 5)


@pytest.mark.parametrize(
    ("labels", "scores", "threshold", "weights", "sentence"),
    [
        ([True, None], [1.0, 2.0], 0.0, None, "1 sessions have no label"),
        ([True], [1.0, 2.0], 0.0, None, "one entry per session"),
        ([True], [math.nan], 0.0, None, "NaN"),
        ([True], [1.0], math.nan, None, "NaN"),
        ([True], [1.0], 0.0, [1.0, 2.0], "one entry per session"),
        ([True], [1.0], 0.0, [-1.0], "not negative"),
    ],
)
def test_bad_input_is_a_sentence(labels, scores, threshold, weights, sentence) -> None:
    with pytest.raises(DataError, match=sentence):
        measure(labels, scores, threshold, weights=weights)


def test_a_sample_without_normal_sessions_has_no_natural_weights() -> None:
    with pytest.raises(DataError, match="without normal sessions"):
        natural_weights([True, True], 100)
