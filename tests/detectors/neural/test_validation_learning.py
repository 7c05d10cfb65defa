"""Networks score validation sessions, then learn them: what is new there is known afterwards, and counts once."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detectors.session_rows import sessions

from logradar.core.config import validated
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionTable
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, Scored, detectors
from logradar.detectors.neural.surprisal import UNSEEN
from logradar.detectors.neural.validation_learning import _repeated

NETWORKS = ("deeplog", "logbert", "loglstm", "logtcn")
USUAL, NEW = [3, 4, 5, 4, 5, 6], [3, 4, 9, 4, 9, 6]


def fitted(name: str, **settings: object) -> Detector:
    kind = detectors.load(name)
    small = {"training": {"epochs": 2, "epoch_steps": 10, "tensorboard": False}, **settings}
    detector = kind(validated(kind.Settings, small), 1)
    valid = [USUAL] * 30 + [NEW] * 6 + [USUAL] * 30
    detector.fit(TrainingSet.of_tables(sessions([USUAL, USUAL[:-1]] * 100), sessions(valid)))
    return detector


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow) if name in ("logbert", "loglstm", "logtcn") else name
        for name in NETWORKS
    ],
)
def only_scored(request: pytest.FixtureRequest) -> Detector:
    return fitted(request.param, updates=0)


def test_a_template_that_begins_in_validation_is_new_once(only_scored, tmp_path):
    name = only_scored.name
    learnt = fitted(name)
    assert only_scored.vocabulary.ids.tolist() == [3, 4, 5, 6]
    assert learnt.vocabulary.ids.tolist() == [3, 4, 5, 6, 9]
    assert only_scored.validation_scores.shape == learnt.validation_scores.shape == (66,)
    assert (only_scored.validation_scores[30:36] >= UNSEEN).all()
    assert learnt.validation_scores[30] >= UNSEEN
    if name != "logbert":  # its events are known as well, but how they fit together takes longer to learn
        assert learnt.validation_scores[31:36].max() < UNSEEN
    learnt.save(tmp_path)
    again = Detector.load(tmp_path).score(sessions([NEW, USUAL]))
    assert again.equals(learnt.score(sessions([NEW, USUAL])))
    assert not learnt.before_validation.predicted(SessionTable(sessions([NEW]))).known.all()


def test_without_updates_validation_scores_are_those_of_the_detector(only_scored):
    valid = sessions([USUAL] * 30 + [NEW] * 6 + [USUAL] * 30)
    assert np.array_equal(only_scored.validation_scores, only_scored.score(valid)["score"].to_numpy())


def test_sessions_are_of_one_kind_where_the_same_event_surprises_after_the_same():
    part = Sequences.from_lists([[3, 4, 9], [5, 4, 9], [3, 4, 9, 4], [3, 9], [3, 4, 9]])
    values = np.array([0, 0, 7, 0, 0, 7, 0, 0, 7, 0, 0, 7, 0, 0, 7], np.float32)
    scored = Scored(np.array([7.0, 7.0, 7.0, 7.0, 1.0]), values)
    assert _repeated(part, scored, 2.0).tolist() == [1]  # the third goes on, the fourth comes after another event
    assert _repeated(part, scored, 0.5).tolist() == [1, 4]


def test_fewer_validation_sessions_than_updates():
    kind = detectors.load("deeplog")
    detector = kind(validated(kind.Settings, {"training": {"epochs": 1, "epoch_steps": 2}}), 1)
    detector.fit(TrainingSet.of_tables(sessions([USUAL] * 20), sessions([USUAL, NEW])))
    assert detector.validation_scores.shape == (2,)
