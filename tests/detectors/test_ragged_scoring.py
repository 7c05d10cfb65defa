"""Scoring rows of unequal length: the bytes of a row depend on nothing but itself, and long rows come in spans."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from logradar.core.sequences import Sequences
from logradar.detectors.neural.causal_lstm import CausalLSTM
from logradar.detectors.neural.scorer import Scorer, export, ladder
from logradar.detectors.neural.spans import spans


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return CausalLSTM(tokens=12, classes=10, embedding=4, hidden=8, layers=2, dropout=0.1).eval()


@pytest.fixture(scope="module")
def scorer(network) -> Scorer:
    return Scorer(export(network, {"tokens": np.zeros((2, 8), np.int32)}, ragged=True))


def rows(count: int, longest: int, seed: int = 0) -> Sequences:
    rng = np.random.default_rng(seed)
    return Sequences.from_lists([rng.integers(0, 12, rng.integers(1, longest)).tolist() for _ in range(count)])


def scored(scorer: Scorer, sequences: Sequences) -> list[np.ndarray]:
    found: dict[int, np.ndarray] = {}
    for index, told in scorer.ragged({"tokens": sequences.values}, sequences.offsets):
        found.update({row: out[: sequences.lengths[row]] for row, out in zip(index.tolist(), told, strict=True)})
    assert sorted(found) == list(range(len(sequences)))
    return [found[row] for row in range(len(sequences))]


def test_it_equals_torch_at_every_length(network, scorer):
    sequences = rows(60, 100)
    for row, told in zip(sequences, scored(scorer, sequences), strict=True):
        with torch.no_grad():
            expected = network(torch.from_numpy(row)[None])[0].numpy()
        np.testing.assert_allclose(told, expected, atol=1e-5)


def test_a_row_has_the_same_bytes_in_any_company(scorer):
    sequences = rows(300, 40, seed=1)
    together = [told.tobytes() for told in scored(scorer, sequences)]
    for count in (1, 2, 3, 7, 50):
        chosen = np.random.default_rng(count).permutation(300)[:count]
        assert [told.tobytes() for told in scored(scorer, sequences.take(chosen))] == [together[i] for i in chosen]


def test_nothing_gives_nothing(scorer):
    assert scored(scorer, Sequences.from_lists([])) == []


def test_the_ladder_wastes_little():
    lengths = np.arange(1, 3000)
    rungs = ladder(lengths)
    assert (rungs >= lengths).all()
    assert (rungs[8:] < 1.5 * lengths[8:]).all()
    assert len(np.unique(rungs)) < 20


@pytest.mark.parametrize(("longest", "overlap"), [(5, 2), (4, 0), (3, 2), (100, 10)])
def test_spans_hold_every_value_once_behind_what_is_known(longest, overlap):
    rng = np.random.default_rng(0)
    some = Sequences.from_lists([rng.integers(3, 9, n).tolist() for n in [0, 1, 2, 3, 4, 5, 6, 7, 8, 30]])
    counted = Sequences(some.values, some.offsets, np.arange(10) + 1, some.inverse)
    found = spans(counted, longest, overlap)
    assert found.sequences.lengths.max() <= longest
    assert found.sequences.counts.tolist() == (found.row + 1).tolist()
    told: dict[int, list[int]] = {row: [] for row in range(10)}
    for span, row, start, known in zip(found.sequences, found.row, found.start, found.known, strict=True):
        assert span.tolist() == counted[row][start : start + len(span)].tolist()
        assert known == (overlap if start else 0)
        assert len(span) > known or not len(counted[row])
        told[row] += span[known:].tolist()
    assert list(told.values()) == [row.tolist() for row in counted]
