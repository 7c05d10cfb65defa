from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from logradar.core.sequences import Sequences
from logradar.evaluation.audit import Side, audit
from logradar.evaluation.caveats import Novelty, indistinguishable, interval, limits
from logradar.evaluation.metrics import outcomes


def prints(*rows: int) -> np.ndarray:
    return np.array(rows, np.uint64)


def figures(
    roc_auc: float, recall: float = 0.5, at_1pct: float = 0.5, anomalies: int = 50, sessions: int = 1000
) -> dict:
    return {
        "roc_auc": roc_auc,
        "recall": recall,
        "recall_at_1pct_fpr": at_1pct,
        "anomalies": anomalies,
        "sessions": 1000,
    }


def facts(anomalies: int = 0, of: int = 50, prevalence: float = 0.05, **more: object) -> dict:
    recall = 1 - anomalies / of
    found = {"anomalies": anomalies, "of": of, "in_test": anomalies, "in_training": 0, "recall": recall}
    found |= {"f1": 2 * recall / (1 + recall), "best_f1": 1.0}
    return {"prevalence": prevalence, "twins": found | more}


def test_twins_in_test_and_training_by_hand() -> None:
    # Sequence 1 comes with both labels, 2 was learnt, 3 is odd alone, 4 normal alone.
    found = indistinguishable(prints(1, 1, 1, 2, 3, 4), np.array([1, 1, 0, 1, 1, 0], bool), prints(2, 9))
    assert (found["anomalies"], found["of"], found["in_test"], found["in_training"]) == (3, 4, 2, 1)
    assert (found["recall"], found["f1"]) == (0.25, 0.4)
    assert found["best_f1"] == pytest.approx(8 / 9)  # flags 1, 2 and 3: four found, one false alarm
    alone = indistinguishable(prints(1, 1), np.array([1, 0], bool), None)
    assert (alone["anomalies"], alone["in_training"], alone["f1"]) == (1, None, 0.0)


def test_a_twin_of_both_counts_once() -> None:
    found = indistinguishable(prints(1, 1, 3), np.array([1, 0, 1], bool), prints(1))
    assert (found["anomalies"], found["in_test"], found["in_training"], found["recall"]) == (1, 1, 1, 0.5)


def test_without_anomalies_or_sessions_nothing_is_bounded() -> None:
    for rows, truth in ((prints(1, 2), [False, False]), (prints(), [])):
        found = indistinguishable(rows, np.array(truth, bool), prints(1))
        assert found["recall"] is found["f1"] is found["best_f1"] is None
        assert limits({"prevalence": 0.0, "twins": found}, {}) == []


def test_no_choice_of_sequences_beats_the_bound() -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        rows, truth = rng.integers(0, 6, 25).astype(np.uint64), rng.random(25) < 0.4
        if not truth.any():
            continue
        choices = (chosen for size in range(7) for chosen in combinations(range(6), size))
        every = [outcomes(truth, np.isin(rows, chosen))["f1"] for chosen in choices]
        assert indistinguishable(rows, truth, None)["best_f1"] == pytest.approx(max(every))


def test_the_interval_of_an_area() -> None:
    assert interval(0.75, 50, 50) == pytest.approx((0.654, 0.846), abs=0.001)
    assert interval(1.0, 10, 10) == (1.0, 1.0)
    low, high = interval(0.52, 2, 3)
    assert 0 <= low < 0.5 < high <= 1


def test_twins_in_words() -> None:
    (said,) = limits(facts(10), {"ngram": figures(0.9)})
    assert said.startswith("10 of 50 anomalies have exactly the sequence of a normal session (10 of the test);")
    assert "recall is 80 % and F1 0.889 at most; with false alarms F1 is 1.000 at most" in said.replace("80.0", "80")
    assert said.endswith("where the input has lines, try `beside=[values]`.")
    (said,) = limits(facts(1, best_f1=0.99, in_training=1), {"values": figures(0.9)}, None, ("values",))
    assert said.startswith("1 of 50 anomalies has exactly the sequence of a normal session (1 of the test and 1 of tr")
    assert "tell it apart" in said
    assert "with false alarms" not in said  # 0.99 is what it reaches without
    assert said.endswith("see values.")


def test_most_are_anomalous_in_words() -> None:
    many = {"prevalence": 0.8, "twins": None}
    (said,) = limits(many, {"length": figures(0.7, at_1pct=0.25), "ngram": figures(0.9, at_1pct=0.125)})
    assert said == (
        "80.0 % of the test is anomalous: flagging everything has F1 0.889, so F1 says little here. "
        "Look at ROC-AUC 0.900 (ngram) and recall at 1 % false alarms 25.0 % (length) instead, here the best ones."
    )
    assert limits(many, {}) == [said.partition(" Look")[0]]
    assert limits({"prevalence": 0.5, "twins": None}, {}) == limits({"prevalence": 1.0, "twins": None}, {}) == []


@pytest.mark.parametrize(
    ("area", "anomalies", "words"),
    [
        (
            0.52,
            50,
            "separates these anomalies from normal sessions: the best ROC-AUC is 0.520",
        ),
        (0.58, 500, "Nothing that was trained separates these anomalies well from normal sessions"),
        (0.70, 3, "separates these anomalies from normal sessions"),  # so few that chance explains it
    ],
)
def test_nothing_separates_in_words(area: float, anomalies: int, words: str) -> None:
    found = {"length": figures(0.5, anomalies=anomalies), "ngram": figures(area, anomalies=anomalies)}
    (said,) = limits(facts(), found)
    assert words in said
    assert "(ngram; 95 % interval" in said


def test_what_separates_is_not_belittled() -> None:
    assert limits(facts(), {"length": figures(0.5), "ngram": figures(0.9)}) == []


def test_a_new_phase_in_validation_in_words() -> None:
    found = {"ngram": figures(0.99, recall=0.1, at_1pct=0.9), "length": figures(0.9, recall=0.9, at_1pct=0.9)}
    (said,) = limits(facts(), found, Novelty(200, 21, 1.0))
    assert said == (
        "21 of 200 normal validation sessions (10.5 %) have messages that training did not have, as in a new phase. "
        "Thresholds let 0.50 % alarm, so they rise above what is new, and ngram finds less than half of what 1 % false "
        "alarms would buy. Train on more, so that the phase is learnt, or allow more: `threshold.quantile=0.89`."
    )
    (said,) = limits(facts(), found | {"length": found["ngram"]}, Novelty(20, 20, 0.1))
    assert "ngram and length find less" in said
    assert "`threshold.quantile=0.01`" in said


def test_a_new_phase_that_holds_nobody_back_is_not_told() -> None:
    assert limits(facts(), {"length": figures(0.9, recall=0.9, at_1pct=0.9)}, Novelty(200, 21, 1.0)) == []
    assert limits(facts(), {"length": figures(0.9, recall=0.0, at_1pct=0.01)}, Novelty(200, 21, 1.0)) == []


@pytest.mark.parametrize("novelty", [None, Novelty(200, None, 1.0), Novelty(200, 1, 0.1), Novelty(2000, 10, 10.0)])
def test_no_new_phase_no_words(novelty: Novelty | None) -> None:
    assert limits(facts(), {"ngram": figures(0.9, recall=0.0)}, novelty) == []


def test_the_audit_has_the_bound_and_leaves_the_words_to_limits() -> None:
    test = Sequences.from_lists([[3, 4], [3, 4], [5], [6]])
    train = Side(Sequences.from_lists([[5]]).fingerprints(), prints(0))
    found = audit(test, [True, False, True, True], train=train)
    assert (found["twins"]["anomalies"], found["twins"]["of"]) == (2, 3)
    assert not any("sequence of a normal" in note or "flagging" in note for note in found["notes"])
    assert len(limits(found, {})) == 2
    assert audit(test)["twins"] is None


def test_anomalies_that_are_held_back_anywhere_are_no_future_in_training() -> None:
    nothing = prints(0)
    train = Side(nothing, nothing, "2024-01-01T00:00:00+00:00", "2024-01-02T00:00:00+00:00")
    every = Side(prints(1), prints(1), "2024-01-01T12:00:00+00:00", "2024-01-03T00:00:00+00:00")
    late = Side(prints(1), prints(1), "2024-01-02T12:00:00+00:00", "2024-01-03T00:00:00+00:00")
    test = Sequences.from_lists([[3]])
    for apart, overlap in ((None, True), (late, False), (every, True)):
        found = audit(test, [True], train=train, side=every, apart=apart)
        assert found["time"]["overlap"] is overlap
        assert found["time"]["test_from"] == every.start
