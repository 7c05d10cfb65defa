"""Detectors that go on from what they know learn new sessions and keep the old ones."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detectors.session_rows import sessions

from logradar.core.config import validated
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, detectors

OLD, NEW = [[3, 4, 5, 6]] * 60 + [[3, 4, 4, 5, 6]] * 40, [[3, 4, 5, 8, 9]] * 80 + [[3, 4, 4, 5, 8, 9]] * 40
QUICK = {
    "score": "surprisal",  # of a network that learnt nothing the excess may be 0, as of one that learnt all
    "updates": 0,
    "training": {"epochs": 8, "patience": 8, "learning_rate": 0.01, "batch_size": 8, "epoch_steps": 20},
}


def scores(detector: Detector) -> tuple[float, float]:
    """Of an old and of a new session."""
    old, new = detector.score(sessions([OLD[0], NEW[-1]]))["score"].to_pylist()
    return old, new


@pytest.mark.parametrize("name", ["new_template", "ngram", "count_vector", "length", "ensemble"])
def test_what_is_learnt_later_is_known_beside_what_was_known(name, tmp_path):
    detector = detectors.load(name)()
    detector.fit(TrainingSet.of_tables(sessions(OLD), sessions(OLD[:20])))
    assert scores(detector)[0] <= 0 < scores(detector)[1]
    detector.save(tmp_path / "d")
    detector = Detector.load(tmp_path / "d")
    detector.continue_from()
    detector.fit(TrainingSet.of_tables(sessions(NEW), sessions(NEW[:20])))
    assert max(scores(detector)) <= 0
    assert len(detector.validation_scores) == 20


def test_where_all_comes_again_rules_count_nothing_twice():
    detector, fresh = (detectors.load("count_vector")() for _ in range(2))
    detector.fit(TrainingSet.of_tables(sessions(OLD), sessions(OLD[:20])))
    detector.continue_from(covers_all=True)
    for one in (detector, fresh):
        one.fit(TrainingSet.of_tables(sessions(OLD + NEW), sessions(NEW[:20])))
    assert detector._known.rows.counts.tolist() == fresh._known.rows.counts.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["loglstm"])
def test_a_network_goes_on_from_its_weights(name, tmp_path):
    pytest.importorskip("torch")
    kind = detectors.load(name)
    detector = kind(validated(kind.Settings, QUICK), 1)
    detector.fit(TrainingSet.of_tables(sessions(OLD), sessions(OLD[:20]), tmp_path / "a"))
    before = scores(detector)[0]
    detector.save(tmp_path / "d")
    detector = Detector.load(tmp_path / "d")
    detector.continue_from()
    short = detector.settings.training.model_copy(update={"epochs": 1, "learning_rate": 1e-9})
    detector.settings = detector.settings.model_copy(update={"training": short})
    detector.fit(TrainingSet.of_tables(sessions(OLD + NEW), sessions(NEW[:20]), tmp_path / "b"))
    after = scores(detector)
    assert np.isfinite(after).all()
    assert detector.vocabulary.ids.tolist() == [3, 4, 5, 6, 8, 9]
    fresh = kind(detector.settings, 1)
    fresh.fit(TrainingSet.of_tables(sessions(OLD + NEW), sessions(NEW[:20]), tmp_path / "c"))
    assert abs(after[0] - before) < 0.5 * abs(scores(fresh)[0] - before)  # nothing was learnt: these are its weights
