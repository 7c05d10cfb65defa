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


@pytest.mark.parametrize("brief", [False, True])
def test_a_graph_that_was_traced_before_serves_other_weights(network, monkeypatch, brief):
    example = {"history": history(2)}
    export(network, example)
    other = WindowLSTM(
        12, 10, network.embed.weight.shape[1] if network.graph_key else 0, 16, network.lstm.num_layers, 0.0
    )
    monkeypatch.setattr(torch.onnx, "export", None)  # a second trace would fail
    with torch.no_grad():
        expected = other.eval()(torch.from_numpy(history(50))).numpy()
    np.testing.assert_allclose(run(Scorer(export(other, example, brief=brief)), history(50)), expected, atol=1e-5)


def test_a_window_of_another_length_has_a_graph_of_its_own(network):
    """No weight shows how long a window is."""
    export(network, {"history": history(2)})
    longer = np.concatenate([history(30)] * 2, axis=1)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(longer)).numpy()
    np.testing.assert_allclose(run(Scorer(export(network, {"history": longer[:2]})), longer), expected, atol=1e-5)


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
