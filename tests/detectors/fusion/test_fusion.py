"""The parts of an ensemble: scales, sessions left out, made-up anomalies, voices, the cut, services."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.core.distinct import count_distinct
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.tables import UNKNOWN
from logradar.detectors.count_vector import CountVector
from logradar.detectors.fusion.combine import beyond, fuse, overlap, rounding, voices
from logradar.detectors.fusion.cross_conformal import left_out
from logradar.detectors.fusion.cutoff import cut, episodes, once
from logradar.detectors.fusion.p_values import EmpiricalPValues, load_scales, save_scales
from logradar.detectors.fusion.service_bias import discounts, noise
from logradar.detectors.fusion.synthetic_anomalies import tampered
from logradar.detectors.new_template import NewTemplate
from logradar.detectors.ngram import Ngram


def test_a_surprise_is_a_p_value_by_hand():
    scale = EmpiricalPValues.of(np.array([0.0, 2.0, 5.0]), np.array([7, 1, 1]))
    surprise = scale.surprise(np.array([0.0, 1.0, 2.0, 5.0]))
    np.testing.assert_allclose(surprise, -np.log10([1.0, 3 / 10, 3 / 10, 2 / 10]))
    beyond = scale.surprise(np.array([6.0, 1e9]))
    np.testing.assert_allclose(beyond, [1.5, 2.0])


def test_scales_without_sessions_still_order_scores(tmp_path):
    empty = EmpiricalPValues.of(np.empty(0), np.empty(0, np.int64))
    assert empty.surprise(np.array([0.0, 1.0, 3.0])).tolist() == [0.0, 0.5, 0.75]
    full = EmpiricalPValues.of(np.array([1.0, 1.0, 0.0]), np.array([1, 2, 3]))
    save_scales({"a": full, "b": empty}, tmp_path / "scales.parquet")
    again = load_scales(["a", "b"], tmp_path / "scales.parquet")
    assert again["a"].scores.tolist() == [0.0, 1.0] and again["a"].sessions.tolist() == [3, 3]
    assert not len(again["b"].scores)


def test_what_stands_once_is_scored_as_if_it_were_new():
    rows = Sequences.from_lists([[3, 4], [3, 4], [3, 5], [3, 4, 4]]).distinct()
    assert left_out(NewTemplate(), rows).tolist() == [0.0, 1.0, 0.0]
    scores = left_out(Ngram(), rows)
    assert scores[0] <= 0 and scores[1] == 2 and scores[2] == 1


def test_sessions_are_left_out_whatever_their_order():
    rng = np.random.default_rng(0)
    rows = Sequences.from_lists([rng.integers(3, 12, rng.integers(1, 6)).tolist() for _ in range(200)]).distinct()
    mixed = rng.permutation(len(rows))
    other = rows.take(mixed)
    other = Sequences(other.values, other.offsets, rows.counts[mixed], other.inverse)
    for detector in (CountVector(), Ngram()):
        np.testing.assert_array_equal(left_out(detector, rows)[mixed], left_out(detector, other))


def test_scores_of_left_out_sessions_are_those_of_a_detector_that_never_saw_them():
    rows = Sequences.from_lists([[3, 4, 5]] * 3 + [[3, 4, 5, number] for number in range(6, 30)]).distinct()
    scores = left_out(CountVector(), rows)
    detector = CountVector()
    others = rows.take(np.arange(len(rows) - 1))
    detector._fit(count_distinct([others]), Sequences.from_lists([]), None)
    assert scores[0] <= 0
    assert (scores[1:] > 0).all()
    assert scores[-1] == pytest.approx(
        detector._score(SessionView(rows.take(np.array([len(rows) - 1])))).rows[0], rel=0.05
    )


def test_tampered_sessions_differ_from_all_normal_ones():
    rows = Sequences.from_lists([[3, 4, 5, 6]] * 5 + [[3, 4, 6]])
    found = tampered(rows.distinct(), 500, 1)
    assert 300 < len(found) <= 500
    assert not np.isin(found.fingerprints(), rows.fingerprints()).any()
    made = {tuple(row.tolist()) for row in found}
    assert {(3, 5, 6), (3, 3, 4, 5, 6), (4, 3, 5, 6), (3, 4), (UNKNOWN, 3, 4, 5, 6)} <= made
    assert tampered(rows.distinct(), 500, 1).values.tolist() == found.values.tolist()
    windows = tampered(Sequences.from_lists([[3, 4, 5, 6], [3, 4, 6, 6]]), 500, 1)
    assert set(windows.lengths.tolist()) == {4}
    assert (windows.values == UNKNOWN).sum(initial=0) >= 200
    assert len(tampered(Sequences.from_lists([]), 10, 1)) == 0
    assert all(len(row) for row in tampered(Sequences.from_lists([[], [3]]).distinct(), 50, 1))


def test_one_sure_member_is_enough_and_nobody_is_nothing():
    weights = np.array([0.5, 0.5])
    fused = fuse(np.array([[0.0, 3.0, 3.0], [0.0, 0.0, 3.0]]), weights)
    np.testing.assert_allclose(fused, [0.0, np.log10(500.5), 3.0])
    assert np.isfinite(fuse(np.full((2, 1), 400.0), weights)).all()


MEMBERS = st.integers(1, 12).flatmap(
    lambda members: st.tuples(
        st.lists(st.floats(1e-6, 1.0), min_size=members, max_size=members),
        st.lists(st.lists(st.floats(0, 8) | st.just(0.0), min_size=members, max_size=members), min_size=1, max_size=20),
        st.permutations(range(members)),
    )
)


@settings(max_examples=200, deadline=None)
@given(MEMBERS)
def test_rounding_never_makes_a_surprise(drawn):
    """Whatever the weights: no surprise is exactly 0, and equal surprises lie on the same side of a cut."""
    shares, rows, order = drawn
    weights = np.array(shares) / np.sum(shares)
    surprises = np.array(rows).T
    members = len(weights)
    assert fuse(np.zeros_like(surprises), weights).tobytes() == np.zeros(len(rows)).tobytes()
    fused = fuse(surprises, weights)
    assert (fused[(surprises == 0).all(axis=0)] == 0).all() and (fused >= 0).all()
    for row in range(len(rows)):  # the same bytes alone and in a batch
        assert fuse(surprises[:, [row]], weights).tobytes() == fused[[row]].tobytes()
    mixed = fuse(surprises[order], weights[order])  # the same sums in another order: another rounding
    assert (np.abs(mixed - fused) <= rounding(members, surprises.max(axis=0))).all()
    assert not beyond(mixed, fused, members).any() and not beyond(fused, fused, members).any()
    higher = fuse(surprises + 0.5, weights)
    np.testing.assert_allclose(beyond(higher, fused, members)[fused > 0], 0.5)


def test_weights_that_sum_to_more_than_1_give_nothing_to_what_surprises_no_member():
    """As in a log of four messages in one order: each session scored 9.64e-17, and the threshold was 0."""
    shares = np.random.default_rng(0).random((50, 4))
    heavy = [weights for weights in shares / shares.sum(axis=1, keepdims=True) if np.log10(weights.sum()) > 0]
    assert heavy
    for weights in heavy:
        assert fuse(np.zeros((4, 3)), weights).tolist() == [0.0, 0.0, 0.0]


def test_a_member_that_stands_there_twice_has_one_voice():
    sessions = np.ones(100)
    one, other = np.zeros(100), np.zeros(100)
    one[:5], other[50:55] = 2.0, 2.0
    assert overlap(one, one, sessions) == 1.0 and overlap(one, other, sessions) == 0.0
    assert overlap(np.zeros(3), np.zeros(3), np.ones(3)) == 0.0
    np.testing.assert_allclose(voices(np.eye(2)), [0.5, 0.5])
    twice = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(voices(twice), [0.25, 0.25, 0.5])
    odd = np.array([[2.5, 0.0], [0.0, 2.5]])
    np.testing.assert_allclose(fuse(odd, voices(np.eye(2))), fuse(odd[[0, 0, 1]], voices(twice)))


def test_the_cut_leaves_few_normal_sessions_and_finds_what_it_can():
    normal = np.zeros(1000)
    normal[:900:100], normal[950] = 1.0, 2.0
    odd = np.repeat([0.5, 1.5, 2.5], [10, 10, 80])
    assert cut([normal], odd, 0.5) == 0.0  # many anomalies: all above 0 are worth their false alarms
    assert cut([normal], odd, 0.01) == 1.0
    assert cut([normal], odd, 0.0005) == 2.0  # one in a thousand is too many
    assert cut([normal], np.zeros(5), 0.01) == 0.0  # nothing to be found: only the share counts
    assert cut([normal], np.zeros(5), 0.0005) == 1.0  # and one episode is always allowed
    late = np.repeat([0.0, 2.2], [9, 1])
    assert cut([normal, late], odd, 0.5) == 0.0
    assert cut([normal, late], odd, 0.01) == 2.2  # the noisier sample counts
    assert cut([np.empty(0)], odd, 0.01) == 0.0


def test_what_is_new_at_one_time_is_one_episode():
    surprises = np.array([0.0, 3.0, 3.0, 2.0, 0.0, 3.0])
    assert episodes(surprises, np.array([0.0, 1.0, 2.0, 3.0])).tolist() == [2, 2, 2, 0]
    assert episodes(np.empty(0), np.zeros(1)).tolist() == [0]
    assert once(surprises - 1.0).tolist() == [-1.0, 2.0, 0.0, 0.0, -1.0, 2.0]
    assert once(np.empty(0)).tolist() == []
    phase = np.zeros(500)
    phase[100:120] = 2.5
    assert cut([phase], np.zeros(1), 0.003) == 0.0  # twenty windows of a new phase are one episode
    assert cut([np.random.default_rng(0).permutation(phase)], np.zeros(1), 0.003) == 2.5


def test_only_services_that_differ_twofold_are_noisy():
    names = ["loud"] * 3000 + ["still"] * 17_000 + ["small"] * 20
    services = pa.array([*names, None]).dictionary_encode()
    surprises = np.zeros(len(services))
    surprises[:150] = 3.0
    surprises[3000:3010] = 3.0
    found = noise(surprises, services)
    assert found["loud"] > 0.3 and found["still"] < -0.3 and "small" not in found
    new = pa.array(["still", "unheard", None, "loud"]).dictionary_encode()
    assert discounts(found, new).tolist() == [found["still"], 0.0, 0.0, found["loud"]]
    assert noise(np.empty(0), pa.array([], pa.string()).dictionary_encode()) == {}
