"""Top-k by hand: the next token is compared with the prediction before it, and only so."""

import numpy as np
import pytest
import torch

from logradar.core.sequences import Sequences
from logradar.federated.top_k import shares


class Copies(torch.nn.Module):
    """After each token it expects the token that follows it in the alphabet; second comes the token itself."""

    def __init__(self):
        super().__init__()
        self.llama = self

    def forward(self, input_ids, position_ids, use_cache):
        chances = torch.zeros(*input_ids.shape, 30)
        chances += torch.linspace(0, 0.01, 30)  # then the highest numbers
        chances.scatter_(2, ((input_ids + 1) % 30)[:, :, None], 2.0)
        chances.scatter_(2, input_ids[:, :, None], 1.0)
        self.last_hidden_state = chances
        return self

    def logits(self, states):
        return states


def test_shares_by_hand():
    rows = Sequences.from_lists([[5, 6, 7], [5, 5, 5], [5, 9, 5], [5, 6]])
    right, published = shares(Copies(), rows)
    assert right[:, 0].tolist() == [1.0, 0.0, 0.0, 1.0]  # top-1: the next letter
    assert right[:, 1].tolist() == [1.0, 1.0, 0.0, 1.0]  # top-3: and the same letter
    # as published, a token counts where any place has it among its k: with k=1, 6 and 7 of the first row
    assert published[:, 0].tolist() == pytest.approx([2 / 3, 0.0, 0.0, 1 / 2])
    assert published[:, 1].tolist() == [1.0, 1.0, 1.0, 1.0]  # and every token expects itself: all are "predicted"


def test_rows_of_other_lengths_change_nothing():
    rows = [[5, 6, 7], [9, 10, 3, 3, 20, 21], [5, 6]]
    together, _ = shares(Copies(), Sequences.from_lists(rows))
    alone = np.concatenate([shares(Copies(), Sequences.from_lists([row]))[0] for row in rows])
    np.testing.assert_array_equal(together, alone)
