"""Normal sequences that a bundle keeps name what is odd about others."""

from __future__ import annotations

import numpy as np

from logradar.core.sequences import Sequences
from logradar.model.replay_buffer import ReplayBuffer, unseen

ROWS = [[3, 4, 5], [3, 4, 4, 5], [3, 4, 5], [3, 4, 4, 5], [3, 5, 4]]


def test_counts_and_order_of_normal_sessions():
    memory = ReplayBuffer.of([Sequences.from_lists(ROWS)], 100)
    assert memory.rows.counts.tolist() == [2, 2, 1]
    assert memory.normal({"3": 1, "4": 1, "5": 1})
    assert memory.normal({"3": 1, "4": 1, "5": 1, "9": 0, "?new": 0})
    assert not memory.normal({"3": 1, "4": 3, "5": 1})
    assert not memory.normal({"3": 1, "4": 1, "5": 1, "?new": 1})
    assert not memory.normal({"3": 1, "4": 1, "5": 1, "9": -1})
    assert not memory.normal({"9999999999": 1})
    assert memory.follows("", "3")
    assert memory.follows("4", "")
    assert not memory.follows("5", "3")
    assert not memory.follows("3", "?new")
    assert memory.repeats


def test_what_is_added_to_the_nearest_normal_session():
    memory = ReplayBuffer.of([Sequences.from_lists(ROWS)], 100)
    assert memory.added({"3": 1, "4": 2, "5": 1}) == {}
    assert memory.added({"3": 1, "4": 4, "5": 1}) == {"4": 2}
    assert memory.added({"3": 1, "4": 1, "5": 1, "?new": 3, "77": 1}) == {"?new": 3, "77": 1}
    assert memory.added({"3": 1, "4": 1}) == {"5": -1}


def test_seldom_repeated_sessions_are_told_from_others():
    assert not ReplayBuffer.of([Sequences.from_lists([[3] * n for n in range(1, 50)])], 100).repeats
    assert not ReplayBuffer.of([], 100).repeats


def test_it_keeps_the_frequent_and_some_others_within_its_room():
    rng = np.random.default_rng(0)
    rows = [[3, 4]] * 50 + [[3, *rng.integers(4, 40, 6).tolist()] for _ in range(500)]
    memory = ReplayBuffer.of((Sequences.from_lists(rows[at : at + 50]) for at in range(0, 550, 50)), 20)
    assert len(memory) == 20
    assert not memory.holds_all(20)
    assert memory.holds_all(21)
    assert memory.normal({"3": 1, "4": 1})
    assert len(ReplayBuffer.of([Sequences.from_lists(rows)], 0)) == 0


def test_it_is_saved_and_loaded(tmp_path):
    memory = ReplayBuffer.of([Sequences.from_lists(ROWS)], 100)
    memory.save(tmp_path)
    again = ReplayBuffer.load(tmp_path)
    assert [row.tolist() for row in again.rows] == [row.tolist() for row in memory.rows]
    assert again.rows.counts.tolist() == memory.rows.counts.tolist()
    assert ReplayBuffer.load(tmp_path / "nothing") is None


def test_sessions_with_events_that_came_later():
    train, valid = Sequences.from_lists([[3, 4]]), Sequences.from_lists([[3, 4], [5, 5], [3, 6], []])
    assert unseen([train], [valid]) == 2
