"""Next-event metrics against cases worked out by hand."""

from __future__ import annotations

import pytest

from logradar.evaluation.next_event import (
    accuracy,
    measured,
    readable,
    recommended,
    score_statistics,
    shares_above,
)


def test_top_k_is_the_share_of_predictions_with_a_rank_up_to_k():
    """Ranks 1, 2, 5, 6, 11, 21 with weights 4, 1, 1, 1, 2, 1: ten predictions in all."""
    figures = accuracy([1, 2, 5, 6, 11, 21], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [True] * 6, [4, 1, 1, 1, 2, 1])
    assert figures["top_1"] == pytest.approx(4 / 10)
    assert figures["top_5"] == pytest.approx(6 / 10)
    assert figures["top_10"] == pytest.approx(7 / 10)
    assert figures["top_20"] == pytest.approx(9 / 10)
    assert figures["loss"] == pytest.approx((0 + 1 + 2 + 3 + 2 * 4 + 5) / 10)
    assert (figures["predictions"], figures["unknown"]) == (10, 0)


def test_what_training_did_not_have_is_a_miss_at_every_k_and_has_no_loss():
    """With three classes its rank is 4, which must not count as among the top 5."""
    figures = accuracy([1, 4], [0.5, 30.0], [True, False], [3, 1])
    assert [figures[f"top_{k}"] for k in (1, 5, 10, 20)] == [0.75] * 4
    assert figures["loss"] == 0.5
    assert (figures["predictions"], figures["unknown"]) == (4, 1)


def test_nothing_predicted_is_not_a_share():
    figures = accuracy([], [], [], [])
    assert (figures["top_1"], figures["loss"], figures["predictions"]) == (None, None, 0)
    assert accuracy([2], [30.0], [False], [1])["loss"] is None


def test_score_statistics():
    assert score_statistics([1.0, 3.0]) == {"sessions": 2, "mean": 2.0, "deviation": 1.0}
    assert score_statistics([]) == {"sessions": 0, "mean": None, "deviation": None}


def test_thresholds_are_quantiles_of_all_and_their_rate_is_of_the_later_half():
    scores = [*range(1, 11), *range(6, 16)]  # the later half drifts up by 5
    thresholds = recommended(scores)
    assert thresholds["p90"]["threshold"] == 13  # the 18th of 20: 1..5, twice 6..10, 11..15
    assert thresholds["p99"]["threshold"] == 15
    assert thresholds["p90"]["fpr"] == pytest.approx(6 / 10)  # above 9, the p90 of 1..10, are 10..15
    assert thresholds["p99"]["fpr"] == pytest.approx(5 / 10)
    assert thresholds["p95"]["fpr_sessions"] == 10
    assert recommended([]) == {}
    assert recommended([2.0])["p90"] == {"threshold": 2.0, "fpr": None, "fpr_sessions": 1}


def test_with_labels_each_threshold_is_measured():
    thresholds = measured({"p90": 2.0, "p99": 4.0}, [False, False, False, True, True], [1.0, 2.0, 3.0, 3.5, 9.0])
    assert thresholds["p90"] == pytest.approx(
        {"threshold": 2.0, "precision": 2 / 3, "recall": 1.0, "f1": 0.8, "fpr": 1 / 3}
    )
    assert thresholds["p99"] == pytest.approx(
        {"threshold": 4.0, "precision": 1.0, "recall": 0.5, "f1": 2 / 3, "fpr": 0.0}
    )


def test_figures_as_text():
    figures = {**accuracy([1, 3], [0.1, 1.0], [True, True], [1, 1]), "scores": score_statistics([1.0, 3.0])}
    plain = readable("deeplog", {**figures, "thresholds": recommended([1.0, 2.0])})
    assert "2 predictions, 0 of events that training did not have" in plain
    assert "top 1: 50.00%, 5: 100.00%" in plain
    assert "threshold p99 2: 100.00% of normal sessions above" in plain
    labelled = readable("deeplog", {**figures, "thresholds": measured({"p90": 2.0}, [False, True], [1.0, 3.0])})
    assert "0.00% of normal sessions above it; precision 100.00%, recall 100.00%, F1 1" in labelled


@pytest.mark.parametrize(("choices", "named"), [(21, ""), (20, "20"), (7, "10 and 20"), (5, "5, 10 and 20")])
def test_a_top_k_that_holds_every_answer_is_announced(choices, named):
    figures = accuracy([1, 2], [0.1, 0.2], [True, True], [1, 1])
    figures |= {"choices": choices, "scores": score_statistics([0.1]), "thresholds": {}}
    text = readable("deeplog", figures)
    assert (f"chooses among {choices} answers: all of them are in the top {named}\n" in text) == bool(named)
    assert ("chooses among" in text) == bool(named)


def test_without_labels_the_text_does_not_speak_of_normal_sessions():
    figures = accuracy([1], [0.1], [True], [1])
    above = shares_above({"p90": 0.5}, [0.1, 0.6, 0.7, 0.8])
    figures |= {"choices": 99, "scores": score_statistics([0.1, 0.6, 0.7, 0.8]), "thresholds": above}
    text = readable("deeplog", figures)
    assert "score of 4 sessions: mean 0.55" in text
    assert "threshold p90 0.5: 75.00% of sessions above it" in text
