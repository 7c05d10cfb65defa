"""The exported network: equal to torch, and the same bytes in whatever company a row comes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from logradar.core.errors import ConfigError
from logradar.core.tables import UNKNOWN
from logradar.detectors.neural.lstm import WindowLSTM
from logradar.detectors.neural.scorer import BATCH, Scorer, export
from logradar.training import device


def history(rows: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 12, (rows, 7)).astype(np.int32)


@pytest.fixture(scope="module", params=[(0, 1, 0.0), (8, 2, 0.3)], ids=["one-hot", "embedding"])
def network(request: pytest.FixtureRequest) -> WindowLSTM:
    embedding, layers, dropout = request.param
    torch.manual_seed(0)
    return WindowLSTM(12, 10, embedding, 16, layers, dropout)


@pytest.fixture(scope="module")
def scorer(network: WindowLSTM) -> Scorer:
    return Scorer(export(network, {"history": history(2)}))


def run(scorer: Scorer, rows: np.ndarray) -> np.ndarray:
    return np.concatenate(list(scorer({"history": rows})))


@pytest.mark.parametrize("count", [1, 2, 300, BATCH + 1])
def test_it_equals_torch(network, scorer, count):
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(history(count))).numpy()
    output = run(scorer, history(count))
    np.testing.assert_allclose(output, expected, atol=1e-5)
    np.testing.assert_allclose(np.exp(output).sum(axis=1), 1, rtol=1e-5)


def test_a_row_gives_the_same_bytes_in_any_company(scorer):
    rows = history(2 * BATCH + 5)
    together = run(scorer, rows)
    for count in (1, 3, 50, BATCH, BATCH + 7):
        chosen = np.random.default_rng(count).permutation(len(rows))[:count]
        assert run(scorer, rows[chosen]).tobytes() == together[chosen].tobytes()


def test_an_unknown_token_says_nothing(network):
    assert network.embed.weight[UNKNOWN].abs().sum() == 0
    assert network.embed.weight[UNKNOWN + 2].abs().sum() > 0


def test_no_rows(scorer):
    assert list(scorer({"history": history(0)})) == []


def test_bytes_that_are_no_network_are_refused():
    with pytest.raises(ValueError, match="is not a network"):
        Scorer(b"nothing of the kind")


def test_a_missing_package_is_a_sentence(monkeypatch, scorer):
    real = device.importlib.util.find_spec
    monkeypatch.setattr(device.importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else real(name))
    with pytest.raises(ConfigError, match=r"Neural detectors need onnxruntime: pip install 'logradar\[deep\]'"):
        Scorer(scorer.network)
