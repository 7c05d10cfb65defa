"""Surprisal, rank and reasons, in cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from logradar.core.sequences import Sequences
from logradar.core.tables import PADDING, UNKNOWN
from logradar.detectors.neural.surprisal import (
    END,
    NEVER_SEEN,
    UNSEEN,
    Surprise,
    classes_of,
    finding,
    measure,
    most_surprising,
    together,
)
from logradar.detectors.neural.vocabulary import Vocabulary

NAMES = Vocabulary(np.array([5, 8, 9], np.int32))
TOLD = np.log(np.array([[0.1, 0.5, 0.3, 0.1]], np.float32))  # the end, template 5, 8, 9


def test_classes_are_the_known_templates_behind_the_end():
    assert classes_of(np.array([3, 5, UNKNOWN, PADDING], np.int32)).tolist() == [1, 3, NEVER_SEEN, NEVER_SEEN]


def test_surprisal_and_rank():
    log_probabilities = np.repeat(TOLD, 5, axis=0)
    came = np.array([1, 2, 3, END, NEVER_SEEN])
    np.testing.assert_allclose(
        measure(log_probabilities, came, "surprisal"),
        [-np.log(0.5), -np.log(0.3), -np.log(0.1), -np.log(0.1), UNSEEN],
        rtol=1e-6,
    )
    assert measure(log_probabilities, came, "rank").tolist() == [1, 2, 3, 3, 5]


def test_excess_is_what_is_left_of_the_surprisal_after_its_expected_value():
    sure, unsure = np.log(np.array([[0.97, 0.01, 0.01, 0.01], [0.01, 0.33, 0.33, 0.33]]))
    entropy = -(np.exp(np.array([sure, unsure])) * np.array([sure, unsure])).sum(1)
    both = np.array([sure, unsure], np.float32)
    rare = measure(both, np.array([1, 0]), "excess")
    np.testing.assert_allclose(rare, -np.log(0.01) - entropy, rtol=1e-5)
    assert rare[0] > rare[1]  # equally improbable, but the first network was sure of something else
    assert measure(both, np.array([0, 1]), "excess").tolist() == [0, 0]  # as expected, or more likely
    assert measure(both, np.array([NEVER_SEEN, NEVER_SEEN]), "excess").tolist() == [UNSEEN, UNSEEN]


def test_what_is_almost_impossible_stays_below_what_was_never_seen():
    log_probabilities = np.array([[0.0, -500.0, -200.0]], np.float32)
    assert measure(log_probabilities, np.array([1]), False).tolist() == [UNSEEN]


def test_the_end_counts_for_the_last_event():
    sequences = Sequences.from_lists([[3, 4], [], [5]])
    surprise = Surprise(np.array([1, 2, 6], np.float32), np.array([4, 9, 5], np.float32))
    scores, by_end = surprise.joined(sequences)
    assert scores.tolist() == [1, 4, 6]
    assert by_end.tolist() == [False, True, False]
    assert surprise.events.tolist() == [1, 2, 6]


def test_a_row_scores_its_surprises_together():
    sequences = Sequences.from_lists([[3, 3, 3], [], [3], [3, 3], [3] * 4])
    surprisals = np.array([0, 0, 0, 5, np.log(4), np.log(2), UNSEEN, 0.3, UNSEEN, UNSEEN], np.float32)
    expected = [0, 0, 5, np.log(1 + 3 + 1), UNSEEN + np.log(3)]
    np.testing.assert_allclose(together(surprisals, sequences), expected, rtol=1e-6)
    assert together(surprisals[6:7], sequences.take(np.array([2]))).tolist() == [pytest.approx(UNSEEN)]


def test_only_outstanding_events_are_reported():
    scores = np.array([0.1, 9.0, 3.0, 5.0, 0.2, 9.0, 8.0, 8.5, 7.0], np.float32)
    assert most_surprising(scores, 1.0).tolist() == [1, 5, 7, 6, 8]
    assert most_surprising(scores[:1], 1.0).tolist() == []
    assert most_surprising(scores[:0], 1.0).tolist() == []


@pytest.mark.parametrize(
    ("came", "template", "reason", "about", "expected"),
    [
        (3, 9, "surprising here: probability 10 %, rank 3 of 4", 9, [5, 8]),
        (NEVER_SEEN, 77, "never seen in training", 77, [5, 8]),
        (END, 9, "the session ends here, which is surprising: probability 10 %, rank 3 of 4", 5, [5, 8]),
        (1, 5, "surprising here: probability 50 %, rank 1 of 4", 5, [8, 9]),
    ],
)
def test_reasons(came, template, reason, about, expected):
    reported = finding(TOLD[0], came, 4, template, 2.5, NAMES, 2)
    assert (reported.reason, reported.template_id, reported.position, reported.weight) == (reason, about, 4, 2.5)
    assert [template_id for template_id, _ in reported.expected] == expected
    assert reported.expected[0][1] == pytest.approx(float(np.exp(TOLD[0][NAMES.ids.tolist().index(expected[0]) + 1])))


def test_an_event_where_the_end_was_expected():
    log_probabilities = np.log(np.array([0.93, 0.03999, 0.02, 1e-5], np.float32))
    reported = finding(log_probabilities, 3, 7, 9, 9.0, NAMES, 3)
    assert reported.reason == (
        "surprising here: probability 0.001 %, rank 4 of 4; the end of the session was expected (93 %)"
    )
    assert reported.expected == [(5, pytest.approx(0.03999, rel=1e-4)), (8, pytest.approx(0.02, rel=1e-4))]


def test_what_is_hardly_possible_was_not_expected():
    reported = finding(np.array([0, -30, -29, -28], np.float32), 1, 7, 5, 9.0, NAMES, 3)
    assert "below 0.001 %" in reported.reason
    assert [template_id for template_id, _ in reported.expected] == [9]
