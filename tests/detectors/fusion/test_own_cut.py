"""The own cut of members that look at values: rare, bounded, and without a say about the others."""

from __future__ import annotations

import numpy as np

from logradar.detectors.fusion.own_cut import OwnCut
from logradar.detectors.fusion.p_values import EmpiricalPValues


def scale(count: int, seed: int = 0) -> EmpiricalPValues:
    scores = np.random.default_rng(seed).exponential(1.0, count)
    return EmpiricalPValues.of(scores, np.ones(count, np.int64))


def test_about_a_thirtieth_of_the_rate_is_above_it():
    own = OwnCut.of(scale(20_000), 0.003)
    fresh = np.random.default_rng(7).exponential(1.0, 1_000_000)
    assert own is not None and own.share == 0.0001
    assert 0.00003 < (own.margin(fresh) > 0).mean() < 0.0003


def test_of_few_sessions_a_tail_is_not_believed_far_out():
    own = OwnCut.of(scale(1000), 0.003)
    assert own is not None and np.isclose(own.share, 1e-4)
    own = OwnCut.of(scale(200), 0.003)
    assert own is not None and np.isclose(own.share, 5e-4)
    assert OwnCut.of(scale(30), 0.003) is None


def test_the_margin_grows_with_the_score_and_ends_at_six():
    own = OwnCut.of(scale(5000), 0.003)
    assert own is not None
    margin = own.margin(np.array([0.0, 5.0, 12.0, 20.0, 1e6]))
    assert (np.diff(margin) >= 0).all() and margin[0] == -6 and margin[-1] == 6
