"""Rows from disk: each is read once by one worker, in an order that seed and epoch decide, and a resume repeats it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from tests.training.test_loop import VALID, network, objective, weights
from torch.utils.data import DataLoader

from logradar.core.distinct import count_distinct
from logradar.core.sequences import Sequences
from logradar.training.loop import fit_network
from logradar.training.rows import Rows
from logradar.training.settings import TrainingSettings
from logradar.training.streaming_rows import StoredOrder, StoredRows
from logradar.training.trainer import Blocks

SIZE = 16


def sequences(count: int) -> Sequences:
    """Rows [i, j] that are all distinct; the first counts most."""
    table = np.stack([np.arange(count), np.arange(count) % 7], axis=1).astype(np.int32)
    rows = Sequences.of(table.ravel(), np.arange(count + 1, dtype=np.int64) * 2)
    return Sequences(rows.values, rows.offsets, 1 + 500 // (1 + np.arange(count)), rows.inverse)


def make(rows: Sequences) -> Rows:
    table = rows.values.reshape(-1, 2)
    x = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)[table[:, 0] % 1000]
    return Rows({"x": x, "y": (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int64), "id": table[:, 0]}, rows.counts)


@pytest.fixture
def stored(tmp_path) -> Iterator[StoredRows]:
    with count_distinct([sequences(1000)], tmp_path, memory=4000) as source:
        assert source.whole is None
        yield StoredRows(source, make, 130, SIZE)


def read(stored: StoredRows, seed: int = 1, epoch: int = 0, ranks: int = 1, workers: int = 0) -> list[list[dict]]:
    by_process = []
    for rank in range(ranks):
        order = StoredOrder(stored, SIZE, 1, seed, rank, ranks, workers)
        order.set_epoch(epoch)
        loader = DataLoader(Blocks(stored, seed), batch_sampler=order, collate_fn=lambda b: b, num_workers=workers)
        batches = list(loader)
        assert len(batches) == len(order)
        by_process.append(batches)
    return by_process


def weight_by_id(batches: list[dict]) -> Counter:
    total: Counter = Counter()
    for batch in batches:
        for row, weight in zip(batch["id"].tolist(), batch["weights"].tolist(), strict=True):
            total[row] += weight
    return total


def ids(batches: list[dict]) -> list[int]:
    return [row for batch in batches for row in batch["id"].tolist()]


@pytest.mark.parametrize(("ranks", "workers"), [(1, 0), (2, 2), (3, 1)])
def test_every_row_is_seen_once_with_its_weight(stored, ranks, workers):
    by_rank = read(stored, ranks=ranks, workers=workers)
    assert len({len(batches) for batches in by_rank}) == 1  # or processes would wait for each other for ever
    every = [batch for batches in by_rank for batch in batches]
    heavy = [batch for batch in every if batch["weights"].sum() > 0]
    assert len(ids(heavy)) == len(stored)
    weights, expected = weight_by_id(heavy), sequences(1000)
    assert dict(zip(range(1000), expected.counts.tolist(), strict=True)) == pytest.approx(dict(weights))
    assert len(every) - len(heavy) < ranks * max(workers, 1)


def test_seed_and_epoch_decide_the_order(stored):
    first = ids(read(stored)[0])
    assert first == ids(read(stored)[0])
    assert first != ids(read(stored, seed=2)[0])
    assert first != ids(read(stored, epoch=1)[0])
    assert sorted(first) == sorted(ids(read(stored, epoch=1)[0]))


def test_weights_are_evened_over_all_blocks(stored):
    whole = make(sequences(1000)).even()
    assert len(whole) <= len(stored) <= len(whole) + len(stored.frequent) * stored.blocks
    assert stored.weight == pytest.approx(whole.weight)
    heaviest = max(float(stored.block(block).weights.max()) for block in range(stored.blocks))
    assert heaviest <= 1.001 * float(whole.weights.max())


def test_a_frequent_sequence_is_spread_over_all_blocks(tmp_path):
    rows = sequences(1000)
    rows.counts[500] = 1_000_000
    with count_distinct([rows], tmp_path, memory=4000) as source:
        stored = StoredRows(source, make, 100, SIZE)
        assert len(stored.frequent) == 1
        shares = [stored.block(block) for block in range(stored.blocks)]
        assert max(len(share) for share in shares) < 250
        heavy = [float(share.weights[share.arrays["id"] == 500].sum()) for share in shares]
        assert heavy == pytest.approx([100_000] * 10)
        assert stored.weight == rows.counts.sum()


def test_parts_of_a_file_are_those_of_the_whole(tmp_path):
    with count_distinct([sequences(1000)], tmp_path, memory=4000) as source:
        whole = source.loaded()
        for start, stop in ((0, 1000), (0, 1), (999, 1000), (100, 640), (5, 5)):
            part = source.part(start, stop)
            assert part.values.tolist() == whole.part(start, stop).values.tolist()
            assert part.counts.tolist() == whole.counts[start:stop].tolist()


def settings(**given) -> TrainingSettings:
    few = {"device": "cpu", "batch_size": SIZE, "epoch_steps": 1, "learning_rate": 0.01, "epochs": 3, "patience": 0}
    return TrainingSettings(**{**few, **given})


def fit(net, stored, folder=None, seed=0, **given):
    def by_name(network, batch):
        return objective(network, {name: batch[name] for name in ("x", "y", "weights")})

    return fit_network(net, by_name, stored, VALID, settings(**given), folder, seed)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(stored):
    nets = [network(0.2) for _ in range(3)]
    for net, seed in zip(nets, (5, 5, 6), strict=True):
        fit(net, stored, seed=seed)
    assert weights(nets[0]) == weights(nets[1]) != weights(nets[2])


class Killed(Exception):
    """What ends a training in the middle of an epoch."""


@pytest.mark.parametrize("kill", [pytest.param(30, marks=pytest.mark.slow), 150])
def test_a_killed_training_goes_on_to_the_same_weights(stored, tmp_path, kill):
    whole, cut, resumed = network(0.3), network(0.3), network(0.3)
    options = {"checkpoint_steps": 7, "schedule": "constant"}
    expected = fit(whole, stored, tmp_path / "whole", **options)
    calls = 0

    def dying(net, batch):
        nonlocal calls
        calls += 1
        if calls == kill:
            raise Killed
        return objective(net, {name: batch[name] for name in ("x", "y", "weights")})

    with pytest.raises(Killed):
        fit_network(cut, dying, stored, VALID, settings(**options), tmp_path / "cut", 0)
    done = fit(resumed, stored, tmp_path / "cut", **options, resume=True)
    assert weights(resumed) == weights(whole)
    # the training loss of the epoch that was cut off is that of its rest
    assert [epoch["eval_loss"] for epoch in done.epochs] == [epoch["eval_loss"] for epoch in expected.epochs]


@pytest.mark.slow
def test_the_loss_is_that_of_rows_in_memory(stored):
    """One epoch with no learning: the mean over all batches is the weighted mean over all rows."""
    once = fit(network(), stored, epochs=1, learning_rate=1e-12).epochs[0]
    kept = fit(network(), make(sequences(1000)), epochs=1, learning_rate=1e-12).epochs[0]
    assert once["loss"] == pytest.approx(kept["loss"], rel=1e-5)
    streamed, held = (fit(network(), rows, epochs=15).best for rows in (stored, make(sequences(1000))))
    assert held["eval_loss"] < 0.15 > streamed["eval_loss"]  # both from 0.76, and still falling


def test_without_validation_a_block_steers(stored):
    done = fit_network(network(), objective_of_named, stored, Rows({"x": np.empty((0, 4))}, []), settings())
    assert "no validation sessions" in done.sentence


def objective_of_named(net: torch.nn.Module, batch: dict) -> tuple[torch.Tensor, torch.Tensor]:
    return objective(net, {name: batch[name] for name in ("x", "y", "weights")})
