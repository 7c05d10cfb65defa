from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from logradar.core.sequences import Sequences
from logradar.evaluation.audit import Side, audit
from logradar.evaluation.caveats import Novelty, caveats, indistinguishable, interval
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
    hidden = {"anomalies": anomalies, "of": of, "in_test": anomalies, "in_training": 0, "recall": recall}
    hidden |= {"f1": 2 * recall / (1 + recall), "best_f1": 1.0}
    return {"prevalence": prevalence, "twins": hidden | more}


def test_anomalies_with_a_normal_sequence_counted_by_hand() -> None:
    # Sequence 1 has both labels, 2 is in training, 3 has anomalies only, 4 normal sessions only.
    bounds = indistinguishable(prints(1, 1, 1, 2, 3, 4), np.array([1, 1, 0, 1, 1, 0], bool), prints(2, 9))
    assert (bounds["anomalies"], bounds["of"], bounds["in_test"], bounds["in_training"]) == (3, 4, 2, 1)
    assert (bounds["recall"], bounds["f1"]) == (0.25, 0.4)
    assert bounds["best_f1"] == pytest.approx(8 / 9)  # alarms on 1, 2 and 3: four found, one false alarm
    alone = indistinguishable(prints(1, 1), np.array([1, 0], bool), None)
    assert (alone["anomalies"], alone["in_training"], alone["f1"]) == (1, None, 0.0)


def test_a_sequence_of_test_and_training_counts_once() -> None:
    bounds = indistinguishable(prints(1, 1, 3), np.array([1, 0, 1], bool), prints(1))
    assert (bounds["anomalies"], bounds["in_test"], bounds["in_training"], bounds["recall"]) == (1, 1, 1, 0.5)


def test_without_anomalies_or_sessions_there_is_no_bound() -> None:
    for rows, truth in ((prints(1, 2), [False, False]), (prints(), [])):
        bounds = indistinguishable(rows, np.array(truth, bool), prints(1))
        assert bounds["recall"] is bounds["f1"] is bounds["best_f1"] is None
        assert caveats({"prevalence": 0.0, "twins": bounds}, {}) == []


def test_no_choice_of_sequences_beats_the_bound() -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        rows, truth = rng.integers(0, 6, 25).astype(np.uint64), rng.random(25) < 0.4
        if not truth.any():
            continue
        choices = (chosen for size in range(7) for chosen in combinations(range(6), size))
        all_f1 = [outcomes(truth, np.isin(rows, chosen))["f1"] for chosen in choices]
        assert indistinguishable(rows, truth, None)["best_f1"] == pytest.approx(max(all_f1))


def test_the_interval_of_an_area() -> None:
    assert interval(0.75, 50, 50) == pytest.approx((0.654, 0.846), abs=0.001)
    assert interval(1.0, 10, 10) == (1.0, 1.0)
    low, high = interval(0.52, 2, 3)
    assert 0 <= low < 0.5 < high <= 1


def test_anomalies_with_a_normal_sequence_in_words() -> None:
    (sentence,) = caveats(facts(10), {"ngram": figures(0.9)})
    assert sentence.startswith("10 of 50 anomalies have exactly the sequence of a normal session (10 of the test);")
    assert "recall is at most 80.0 % and F1 at most 0.889; with false alarms, F1 is at most 1.000" in sentence
    assert sentence.endswith("where the input has lines, try `beside=[values]`.")
    (sentence,) = caveats(facts(1, best_f1=0.99, in_training=1), {"values": figures(0.9)}, None, ("values",))
    assert sentence.startswith(
        "1 of 50 anomalies has exactly the sequence of a normal session (1 of the test and 1 of tr"
    )
    assert "can find it." in sentence
    assert "with false alarms" not in sentence  # 0.99 is reached without them
    assert sentence.endswith("see values.")


def test_a_test_with_mostly_anomalies_in_words() -> None:
    many = {"prevalence": 0.8, "twins": None}
    (sentence,) = caveats(many, {"length": figures(0.7, at_1pct=0.25), "ngram": figures(0.9, at_1pct=0.125)})
    assert sentence == (
        "80.0 % of the test is anomalous: an alarm on every session has F1 0.889, so F1 says little here. The best "
        "values of figures that say more: ROC-AUC 0.900 (ngram) and recall at 1 % false alarms 25.0 % (length)."
    )
    assert caveats(many, {}) == [sentence.partition(" The best")[0]]
    assert caveats({"prevalence": 0.5, "twins": None}, {}) == caveats({"prevalence": 1.0, "twins": None}, {}) == []


@pytest.mark.parametrize(
    ("area", "anomalies", "words"),
    [
        (
            0.52,
            50,
            "separates these anomalies from normal sessions: the best ROC-AUC is 0.520",
        ),
        (0.58, 500, "No trained detector separates these anomalies well from normal sessions"),
        (0.70, 3, "separates these anomalies from normal sessions"),  # so few that chance explains the area
    ],
)
def test_detectors_that_separate_nothing_in_words(area: float, anomalies: int, words: str) -> None:
    detectors = {"length": figures(0.5, anomalies=anomalies), "ngram": figures(area, anomalies=anomalies)}
    (sentence,) = caveats(facts(), detectors)
    assert words in sentence
    assert "(ngram; 95 % interval" in sentence


def test_no_caveat_where_a_detector_separates() -> None:
    assert caveats(facts(), {"length": figures(0.5), "ngram": figures(0.9)}) == []


def test_a_new_phase_in_validation_in_words() -> None:
    detectors = {"ngram": figures(0.99, recall=0.1, at_1pct=0.9), "length": figures(0.9, recall=0.9, at_1pct=0.9)}
    (sentence,) = caveats(facts(), detectors, Novelty(200, 21, 1.0))
    assert sentence == (
        "21 of 200 normal validation sessions (10.5 %) have messages that training did not have, as in a new phase. "
        "The threshold allows alarms on 0.50 % of them only, so it lies above the scores of these new messages, "
        "and ngram finds less than half of what is possible with 1 % false alarms. Train on more data, so that the "
        "phase is learnt, or allow more alarms: `threshold.quantile=0.89`."
    )
    (sentence,) = caveats(facts(), detectors | {"length": detectors["ngram"]}, Novelty(20, 20, 0.1))
    assert "ngram and length find less" in sentence
    assert "`threshold.quantile=0.01`" in sentence


def test_no_caveat_for_a_new_phase_that_holds_no_detector_back() -> None:
    assert caveats(facts(), {"length": figures(0.9, recall=0.9, at_1pct=0.9)}, Novelty(200, 21, 1.0)) == []
    assert caveats(facts(), {"length": figures(0.9, recall=0.0, at_1pct=0.01)}, Novelty(200, 21, 1.0)) == []


@pytest.mark.parametrize("novelty", [None, Novelty(200, None, 1.0), Novelty(200, 1, 0.1), Novelty(2000, 10, 10.0)])
def test_no_caveat_without_a_new_phase(novelty: Novelty | None) -> None:
    assert caveats(facts(), {"ngram": figures(0.9, recall=0.0)}, novelty) == []


def test_the_audit_has_the_bound_and_the_caveats_have_the_sentence() -> None:
    test = Sequences.from_lists([[3, 4], [3, 4], [5], [6]])
    train = Side(Sequences.from_lists([[5]]).fingerprints(), prints(0))
    checked = audit(test, [True, False, True, True], train=train)
    assert (checked["twins"]["anomalies"], checked["twins"]["of"]) == (2, 3)
    assert not any("sequence of a normal" in note or "on every session" in note for note in checked["notes"])
    assert len(caveats(checked, {})) == 2
    assert audit(test)["twins"] is None


def test_anomalies_that_are_held_back_anywhere_are_no_overlap() -> None:
    nothing = prints(0)
    train = Side(nothing, nothing, "2024-01-01T00:00:00+00:00", "2024-01-02T00:00:00+00:00")
    every = Side(prints(1), prints(1), "2024-01-01T12:00:00+00:00", "2024-01-03T00:00:00+00:00")
    late = Side(prints(1), prints(1), "2024-01-02T12:00:00+00:00", "2024-01-03T00:00:00+00:00")
    test = Sequences.from_lists([[3]])
    for apart, overlap in ((None, True), (late, False), (every, True)):
        checked = audit(test, [True], train=train, side=every, apart=apart)
        assert checked["time"]["overlap"] is overlap
        assert checked["time"]["test_from"] == every.start
