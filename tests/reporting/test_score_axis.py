from __future__ import annotations

import numpy as np
import pytest

from logradar.reporting.score_axis import BINS, ScoreAxis

RNG = np.random.default_rng(5)
CASES = {
    "one": np.array([3.0]),
    "equal": np.zeros(40),
    "yes or no": np.array([0.0] * 30 + [1.0]),
    "whole": np.arange(-499.0, 5.0),
    "shares": RNG.random(1000),
    "long tail": RNG.lognormal(0, 3, 1000),
    "both signs": RNG.standard_cauchy(1000),
    "mostly zero": np.where(RNG.random(1000) < 0.9, 0, RNG.lognormal(0, 3, 1000)),
    "huge": np.array([1e12, 1e12 + 1]),
    "tiny": RNG.random(50) * 1e-9,
    "infinite": np.array([-np.inf, 0.0, 1.0, np.inf, np.inf]),
    "only infinite": np.array([np.inf]),
    "extreme": np.array([-1e300, 1e-300, 1e300]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("threshold", [None, 0.5, 1e4])
def test_every_score_is_in_a_bin_and_ticks_are_apart(case: str, threshold: float | None) -> None:
    scores = CASES[case]
    scale = ScoreAxis.fitting(scores, threshold)
    assert (np.diff(scale.edges) > 0).all()
    assert len(scale.edges) <= BINS + 6
    assert np.histogram(scale.place(scores), scale.edges)[0].sum() == len(scores)
    places, texts = scale.ticks()
    assert places
    assert len(set(texts)) == len(texts) or case == "huge"
    assert (np.diff(places) > 0.05 * (scale.edges[-1] - scale.edges[0])).all()
    if threshold is not None:
        assert scale.ends[0] < scale.place(np.array([threshold]))[0] < scale.ends[1]


def test_order_is_kept_also_on_a_compressed_axis() -> None:
    scores = np.sort(CASES["both signs"])
    scale = ScoreAxis.fitting(scores)
    assert scale.width is not None
    assert (np.diff(scale.place(scores)) >= 0).all()
    assert "compressed" in scale.note


def test_infinities_have_a_bin_of_their_own() -> None:
    scale = ScoreAxis.fitting(CASES["infinite"])
    counts = np.histogram(scale.place(CASES["infinite"]), scale.edges)[0]
    assert (counts[0], counts[-1], counts[1], counts[-2]) == (1, 2, 0, 0)
    assert scale.ticks()[1][0] == "−∞"
    assert scale.ticks()[1][-1] == "∞"


def test_whole_numbers_get_whole_bins() -> None:
    counts = np.histogram(CASES["whole"], ScoreAxis.fitting(CASES["whole"], -0.5).edges)[0]
    assert len(set(counts[:-1].tolist())) == 1
    assert ScoreAxis.fitting(CASES["yes or no"]).ticks()[1] == ["-1", "0", "1", "2"] or ScoreAxis.fitting(
        CASES["yes or no"]
    ).ticks()[1] == ["0", "1"]
