"""Suspects: anomalies among training sessions that nobody has labelled."""

from __future__ import annotations

import numpy as np

from logradar.core.sequences import Sequences
from logradar.detectors.fusion.suspects import LEAST, suspects


def in_order(kinds: list[tuple[list[int], np.ndarray]]) -> tuple[Sequences, np.ndarray]:
    """Sessions of each kind at its times, in order of time, and the kind of each."""
    times = np.concatenate([at for _, at in kinds])
    number = np.repeat(np.arange(len(kinds)), [len(at) for _, at in kinds])
    order = np.argsort(times, kind="stable")
    return Sequences.from_lists([kinds[i][0] for i in number[order]]), number[order]


def test_a_rare_kind_that_repeats_itself_is_suspect():
    rows = Sequences.from_lists([[3, 4, 5, 6, 7]] * 900 + [[3, 4, 5, 6, 6, 7]] * 80 + [[3, 8, 9, 9]] * 20)
    found = suspects(rows, timed=False)
    assert found.rules == ("rare",)
    assert not found.mask[:980].any() and found.mask[980:].all()


def test_where_all_is_rare_nothing_is_suspect():
    rows = Sequences.from_lists([[3, *[4 + number] * 3, 5 + number] for number in range(400)])
    assert not suspects(rows, timed=False).mask.any()


def test_few_sessions_are_not_judged():
    rows = Sequences.from_lists([[3, 4]] * (LEAST - 2) + [[9, 9]])
    assert suspects(rows, timed=True).rules == ()


def many_services(rng: np.random.Generator, evenly: bool) -> list[tuple[list[int], np.ndarray]]:
    """Forty kinds of requests that have little in common, spread over a day, or each at its own hour."""
    kinds = []
    for number in range(40):
        at = rng.uniform(0, 1, 100) if evenly else rng.uniform(0, 0.04, 100) + number / 42
        kinds.append(([100 + 4 * number + place for place in range(4)], at))
    return kinds


def test_what_came_in_one_episode_is_suspect_where_all_else_comes_evenly():
    rng = np.random.default_rng(1)
    kinds = many_services(rng, evenly=True)
    fault = [100, 101, 102, 999], rng.uniform(0.5, 0.52, 25)
    rare = [104, 105, 107], np.linspace(0.01, 0.99, 25)
    rows, number = in_order([*kinds, fault, rare])
    found = suspects(rows, timed=True)
    assert found.rules == ("episodes",)
    assert found.mask[number == 40].all()
    assert not found.mask[number != 40].any()


def test_in_a_log_of_bursts_an_episode_says_nothing():
    rng = np.random.default_rng(2)
    rows, _ = in_order([*many_services(rng, evenly=False), ([100, 101, 102, 999], rng.uniform(0.5, 0.52, 25))])
    assert suspects(rows, timed=True).rules == ()


def test_equal_sequences_share_one_decision_and_order_matters_only_in_time():
    rng = np.random.default_rng(3)
    rows = Sequences.from_lists([[3, 4, 5]] * 600 + [[3, 5, 4]] * 12 + [[3, 9]] * 9)
    shuffled = rng.permutation(len(rows))
    found = suspects(rows, timed=False).scores
    assert np.allclose(suspects(rows.take(shuffled), timed=False).scores, found[shuffled])
    for sequence in np.unique(rows.fingerprints()):
        assert len(np.unique(found[rows.fingerprints() == sequence])) == 1


def test_what_a_new_release_brings_to_many_sessions_is_not_suspect():
    rng = np.random.default_rng(4)
    kinds = many_services(rng, evenly=True)
    release = [100, 101, 102, 999], rng.uniform(0.9, 1.0, 200)
    rows, _ = in_order([*kinds, release])
    found = suspects(rows, timed=True)
    assert found.rules == ("episodes",) and not found.mask.any()
