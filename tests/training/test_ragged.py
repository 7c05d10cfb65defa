"""Rows of unequal length: batches of their like, every row once, the same weights, in memory and from disk."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from logradar.core.distinct import count_distinct
from logradar.core.sequences import Sequences
from logradar.training.loop import fit_network
from logradar.training.ragged import RaggedRows, padded
from logradar.training.settings import TrainingSettings
from logradar.training.streaming_rows import StoredRows


def sequences(count: int = 200, longest: int = 40, seed: int = 0) -> Sequences:
    """Distinct rows of very unequal length; the first counts most."""
    rng = np.random.default_rng(seed)
    rows = [[3 + i, *rng.integers(3, 9, rng.integers(0, longest)).tolist()] for i in range(count)]
    whole = Sequences.from_lists(rows)
    return Sequences(whole.values, whole.offsets, 1 + 500 // (1 + np.arange(count)), whole.inverse)


def test_a_batch_is_padded_to_its_own_longest():
    rows = RaggedRows(Sequences.from_lists([[3, 4, 5], [6], []]), {"gap": np.array([0.5, 1, 2, 3], np.float32)})
    batch = rows.batch(np.array([1, 0, 2]))
    assert batch["tokens"].tolist() == [[6, 0, 0], [3, 4, 5], [0, 0, 0]]
    assert batch["gap"].tolist() == [[3, 0, 0], [0.5, 1, 2], [0, 0, 0]]
    assert batch["lengths"].tolist() == [1, 3, 0]
    assert rows.batch(np.array([1]))["tokens"].shape == (1, 1)
    assert padded(np.array([7, 8, 9]), np.array([0, 1, 3]), np.array([1, 0]), 4).tolist() == [
        [8, 9, 0, 0],
        [7, 0, 0, 0],
    ]


def test_batches_hold_every_row_once_within_their_bounds():
    whole = sequences()
    rows = RaggedRows(whole, tokens=200)
    batches = rows.batches(16, (1, 2))
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))
    widths = [rows.batch(index)["tokens"].shape for index in batches]
    assert all(count <= 16 and (count * longest <= 200 or count == 1) for count, longest in widths)
    assert sum(count * longest for count, longest in widths) < 3 * len(whole.values)
    assert any(len(set(whole.lengths[index].tolist())) > 3 for index in batches)  # lengths are mixed
    assert [index.tolist() for index in batches] == [index.tolist() for index in rows.batches(16, (1, 2))]
    other = rows.batches(16, (1, 3))
    assert [index.tolist() for index in batches] != [index.tolist() for index in other]
    assert len(batches) == len(other) == len(rows.batches(16))
    assert RaggedRows(Sequences.from_lists([[3] * 500, [4]]), tokens=10).batches(8)[1].tolist() == [0]
    assert RaggedRows(Sequences.from_lists([])).batches(8) == []


def test_even_rows_share_their_weight_and_no_values_are_copied():
    rows = RaggedRows(sequences(), predictions=sequences().lengths + 1)
    even = rows.even()
    assert isinstance(even, RaggedRows)
    assert even.sequences is rows.sequences
    assert even.weights.max() <= rows.weights.mean() + 1e-3
    assert len(even) <= 2 * len(rows)
    assert even.weight == pytest.approx(rows.weight)
    assert rows.weight == (rows.sequences.counts * (rows.sequences.lengths + 1)).sum()


def test_different_rows_have_different_fingerprints():
    whole, rows = sequences(), RaggedRows(sequences())
    changed = whole.values.copy()
    changed[5] += 1
    others = [
        RaggedRows(Sequences(changed, whole.offsets, whole.counts, whole.inverse)),
        RaggedRows(Sequences(whole.values, whole.offsets, whole.counts + 1, whole.inverse)),
        RaggedRows(whole, {"gap": np.zeros(len(whole.values), np.float32)}),
        rows.even(),
    ]
    assert RaggedRows(sequences()).fingerprint() == rows.fingerprint()
    assert len({rows.fingerprint(), *(other.fingerprint() for other in others)}) == 5


def make(part: Sequences) -> RaggedRows:
    return RaggedRows(part, tokens=300)


def test_rows_from_disk_are_the_same_rows(tmp_path):
    whole = sequences(600)
    with count_distinct([whole], tmp_path, memory=2000) as source:
        assert source.whole is None
        stored = StoredRows(source, make, 130, 16)
        assert stored.weight == make(whole).weight
        weights: Counter = Counter()
        for number in range(stored.blocks):
            block = stored.block(number)
            for index in block.batches(16, (number,)):
                batch = block.batch(index)
                for tokens, weight in zip(batch["tokens"].tolist(), batch["weights"].tolist(), strict=True):
                    weights[tokens[0]] += weight
        for row, count in zip(whole, whole.counts.tolist(), strict=True):
            assert weights[row[0]] == pytest.approx(count, rel=1e-5)


class Tiny(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(700, 8)
        self.out = torch.nn.Linear(8, 9)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(self.out(self.embed(tokens)), -1)


def objective(network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """What each value is, modulo 9."""
    output = network(batch["tokens"])
    target = (batch["tokens"] % 9).long()
    inside = torch.arange(target.shape[1])[None] < batch["lengths"][:, None]
    return -output.gather(2, target[:, :, None])[:, :, 0], batch["weights"][:, None] * inside


def weights(folder) -> bytes:
    newest = max(folder.glob("checkpoints/checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    return (newest / "model.safetensors").read_bytes()


@pytest.mark.parametrize("disk", [pytest.param(False, marks=pytest.mark.slow), True])
def test_the_loop_trains_on_them_and_a_resume_repeats_it(tmp_path, disk):
    settings = TrainingSettings(epochs=4, epoch_steps=5, batch_size=32, learning_rate=0.05, device="cpu")

    def trained(folder, **given) -> list[float]:
        torch.manual_seed(0)
        with count_distinct([sequences(300)], tmp_path, memory=2000 if disk else 1 << 20) as source:
            data = StoredRows(source, make, 130, 32) if disk else make(source.loaded())
            chosen = settings.model_copy(update=given)
            done = fit_network(Tiny(), objective, data, make(sequences(50, seed=1)), chosen, tmp_path / folder)
        return [epoch["eval_loss"] for epoch in done.epochs]

    whole = trained("whole")
    assert whole[-1] < 0.5 * whole[0]
    trained("cut", epochs=2)
    assert trained("cut", resume=True) == whole
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")
