"""Every network learns in every precision that this machine has, and scores in fp32 afterwards."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load as read_weights
from tests.detectors.session_rows import sessions

from logradar.core.config import validated
from logradar.core.errors import ConfigError
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import detectors
from logradar.detectors.neural.body import NeuralDetector
from logradar.model.settings import run_settings
from logradar.pipeline.train import train
from logradar.training.device import _has_lstm_in_bf16, kernels_for

NETWORKS = [name for name in detectors.names() if issubclass(detectors.load(name), NeuralDetector)]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PRECISIONS = ["fp32", "bf16", *(["fp16"] if DEVICE == "cuda" else [])]
TABLE = sessions([[3, 4, 5, 7], [3, 4, 5, 4, 5, 6, 7], [3, 4, 5, 6, 7]] * 4)


@pytest.fixture(scope="module", params=NETWORKS)
def trained(request: pytest.FixtureRequest) -> Callable[[str], NeuralDetector]:
    """A network after one optimiser step in a precision."""
    return cache(partial(one_step, request.param))


def one_step(name: str, precision: str) -> NeuralDetector:
    step = {"device": DEVICE, "precision": precision, "epochs": 1, "epoch_steps": 1, "batch_size": 256}
    kind = detectors.load(name)
    detector = kind(validated(kind.Settings, {"updates": 0, "training": step}), seed=1)
    detector.fit(TrainingSet.of_tables(TABLE, TABLE.slice(0, 3)))
    assert isinstance(detector, NeuralDetector)
    assert detector.history[-1]["step"] == 1
    return detector


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_step_in_each_precision_and_scores_after_it(trained, precision):
    detector = trained(precision)
    assert all(value.dtype == torch.float32 for value in read_weights(detector._weights).values())
    graph = onnx.load_from_string(detector._scorer.network).graph
    half = {onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT16}
    assert not half & {tensor.data_type for tensor in graph.initializer}
    assert not half & {field.i for node in graph.node if node.op_type == "Cast" for field in node.attribute}
    scores = detector.score(TABLE)["score"].to_numpy()
    assert np.isfinite(scores).all()
    again = detector.with_weights(detector._weights)  # a network that was never in a trainer
    assert np.array_equal(again.score(TABLE)["score"].to_numpy(), scores)


def test_bf16_is_really_used_and_near_fp32(trained):
    one, other = map(trained, ("fp32", "bf16"))
    assert one._weights != other._weights
    losses = [detector.history[0]["loss"] for detector in (one, other)]
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


def test_an_lstm_learns_in_bf16_on_every_cpu_and_the_choice_of_kernels_leaves_no_trace():
    _has_lstm_in_bf16.cache_clear()
    state, enabled = torch.random.get_rng_state(), torch.backends.mkldnn.enabled
    with kernels_for("bf16", "cpu"):
        assert torch.equal(torch.random.get_rng_state(), state)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            learner = torch.nn.LSTM(8, 8, batch_first=True)
            learner(torch.ones(1, 2, 8))[0].float().sum().backward()
    assert learner.weight_hh_l0.grad.abs().sum() > 0
    assert torch.backends.mkldnn.enabled == enabled


@pytest.mark.skipif(DEVICE == "cuda", reason="an NVIDIA GPU is here")
@pytest.mark.parametrize("detector", ["deeplog", "ensemble"])
def test_a_precision_that_is_not_there_is_refused_before_the_input_is_read(tmp_path, detector):
    half = {"training": {"precision": "fp16", "device": "cpu"}}
    below = {"deeplog": half, "ensemble": {"members": ["length", "deeplog"], "settings": {"deeplog": half}}}
    settings = run_settings(given={"detector": detector, "detectors": {detector: below[detector]}})
    with pytest.raises(ConfigError, match=r"'fp16', which needs an NVIDIA GPU; on cpu use 'bf16' or 'fp32'"):
        train(str(tmp_path / "not there.log"), tmp_path / "bundle", settings)
