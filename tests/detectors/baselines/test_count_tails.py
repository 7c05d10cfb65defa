"""How rare a count is, by hand and beside a plain count."""

from __future__ import annotations

import numpy as np

from logradar.core.sequences import Sequences
from logradar.detectors.baselines.count_tails import Rarity


def rows(*lists: list[int]) -> Sequences:
    return Sequences.from_lists([sorted(row) for row in lists])


def test_by_hand():
    rarity = Rarity.none().and_of(rows([3, 3, 4], [3, 3, 4], [3, 3, 4, 5], [3, 3, 3, 4]).distinct())
    surprise = rarity.of(rows([3, 3, 4], [3, 3, 4, 5], [3, 3], [3, 3, 4, 9], [3, 4], []))
    np.testing.assert_allclose(10**-surprise, np.array([4, 2, 1, 1, 1, 1]) / 6)


def test_beyond_all_that_was_seen_it_falls_as_one_over_the_count():
    rarity = Rarity.none().and_of(rows([3, 3, 4], [3, 3, 4], [3, 4]).distinct())
    tails = 10 ** -rarity.of(rows([3] * 4 + [4], [3, 3, 4, 9], [3, 3, 4, *[9] * 30]))
    np.testing.assert_allclose(tails, np.array([1 / 2, 1, 1 / 30]) / 5)


def test_as_a_plain_count_says_it():
    rng = np.random.default_rng(1)
    learnt = [rng.integers(3, 9, rng.integers(0, 12)).tolist() for _ in range(300)]
    asked = [rng.integers(3, 11, rng.integers(0, 16)).tolist() for _ in range(200)]
    rarity = Rarity.none()
    for start in range(0, 300, 60):
        rarity = rarity.and_of(rows(*learnt[start : start + 60]).distinct())
    counts = np.array([np.bincount(row, minlength=11) for row in learnt])
    expected = []
    for row in asked:
        here = np.bincount(row, minlength=11)
        tails = np.minimum((counts >= here).sum(0), (counts <= here).sum(0))[3:]
        beyond = np.maximum(here / np.maximum(counts.max(0), 1), 1)[3:]  # twice the most ever seen: half as likely
        expected.append(-np.log10(((tails + 1) / beyond).min() / 302))
    np.testing.assert_allclose(rarity.of(rows(*asked)), expected)


def test_huge_ids_and_nothing_learnt(tmp_path):
    rarity = Rarity.none()
    assert rarity.of(rows([3], [])).tolist() == [-np.log10(0.5)] * 2
    rarity = rarity.and_of(rows([3, 2**31 - 1]))
    rarity.save(tmp_path / "counts.parquet")
    again = Rarity.load(tmp_path / "counts.parquet")
    asked = rows([3, 2**31 - 1], [3], [2**31 - 2])
    assert again.of(asked).tolist() == rarity.of(asked).tolist()
    assert again.total == 1
