"""Random numbers that depend on nothing but their keys."""

from __future__ import annotations

import numpy as np

from logradar.training.counter_rng import draws
from logradar.training.ragged import RaggedRows
from logradar.training.trainer import Order, _Fetch


def test_a_draw_depends_on_its_index_and_key_alone():
    rows = np.arange(1000)
    whole = draws(rows, 3, 1)
    np.testing.assert_array_equal(draws(rows[::-7], 3, 1), whole[::-7])
    assert len(np.unique(whole)) == 1000
    assert not np.isin(draws(rows, 3, 2), whole).any()
    assert not np.isin(draws(rows, 4, 1), whole).any()


def test_draws_look_random():
    bits = (draws(np.arange(4096), 0)[:, None] >> np.arange(64)) & 1
    assert np.abs(bits.mean(0) - 0.5).max() < 0.05
    assert np.abs(np.corrcoef(bits.T) - np.eye(64)).max() < 0.1


def test_every_pass_over_a_row_draws_anew_and_an_epoch_can_be_entered_alone():
    from logradar.core.sequences import Sequences

    rows = RaggedRows(Sequences.from_lists([[3] * (1 + i % 5) for i in range(20)]))
    seen: dict[int, set[int]] = {}
    for epoch in range(3):
        order = Order(rows, 4, 10, seed=7)  # two passes, so that there are ten batches
        assert order.passes == 2
        order.set_epoch(epoch)
        for number in order:
            batch = _Fetch(rows, 7).__getitems__(number)
            for row, draw in zip(number, batch["draws"].tolist(), strict=True):
                seen.setdefault(row % len(rows), set()).add(draw)
    assert [len(found) for _, found in sorted(seen.items())] == [6] * 20
