"""Detector ``logtcn``, in addition to `test_causal`: how far back it reads, and that it never reads ahead."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.detectors.test_causal import fitted, scores, sessions

from logradar.core.config import load_config
from logradar.detectors.logtcn import LogTCN, LogTCNSettings
from logradar.detectors.neural.causal_convolution import CausalConvolution


@pytest.fixture(scope="module")
def network() -> CausalConvolution:
    torch.manual_seed(0)
    return CausalConvolution(12, 10, embedding=4, channels=8, kernel=3, layers=3, dropout=0.0).eval()


def test_it_reads_back_as_far_as_documented_and_never_ahead(network):
    tokens = torch.randint(3, 12, (1, 40), dtype=torch.int32, generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[0, 20] = 3 + (tokens[0, 20] - 2) % 9
    with torch.no_grad():
        moved = (network(tokens) - network(changed)).abs().amax(2)[0].numpy()
    assert (moved[:20] == 0).all()
    assert (moved[20:35] > 0).any()
    assert moved[34] > 0  # 15 events: 1 + 2 * (2**3 - 1)
    assert (moved[35:] == 0).all()


def test_spans_with_its_whole_reach_as_context_are_exact():
    """When the context is as long as its reach, spans give the same scores as the whole session."""
    whole = fitted("logtcn", "layers=3", "training.epochs=1", "training.epoch_steps=5", "context=64", count=60)
    settings = whole.settings.model_copy(update={"longest": 24, "context": 15})
    cut = LogTCN(settings, whole.seed)
    cut.vocabulary, cut._weights, cut._scorer = whole.vocabulary, whole._weights, whole._scorer
    row = np.random.default_rng(0).choice([3, 4, 10, 11, 40, 50, 51], 300).tolist()
    surprisals = [detector.score(sessions([row]))["event_scores"].to_pylist()[0] for detector in (cut, whole)]
    np.testing.assert_allclose(surprisals[0], surprisals[1], atol=1e-5)
    assert scores(cut, row)[0] == pytest.approx(scores(whole, row)[0], abs=1e-4)


def test_the_network_has_the_sizes_of_the_settings(network):
    settings = load_config(LogTCNSettings, overrides=["channels=8", "layers=3", "embedding=4"])
    detector = LogTCN(settings)
    from logradar.detectors.neural.vocabulary import Vocabulary

    detector.vocabulary = Vocabulary.of(np.arange(3, 12, dtype=np.int32))
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    assert {name: value.shape for name, value in detector._network().state_dict().items()} == shapes
