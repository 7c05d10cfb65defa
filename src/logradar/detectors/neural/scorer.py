"""A trained network as ONNX: exported once, run by ONNX Runtime, so that scoring needs no torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from logradar.training.device import require

if TYPE_CHECKING:
    import torch

BATCH: Final = 1024  # measured: larger is slower on a CPU, its activations leave the cache


class Scorer:
    """Runs an ONNX network in batches.

    The same row gives the same bytes in whatever company it comes, so that a score equal to its
    threshold stays equal to it. Raises `ValueError` for bytes that are not a network.
    """

    def __init__(self, network: bytes) -> None:
        require("onnxruntime")
        import onnxruntime

        self.network = network
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own classes share no base but this
            raise ValueError(f"network.onnx is not a network: {error}") from None

    def __call__(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Iterator[npt.NDArray[np.float32]]:
        """The output for all rows of ``inputs`` (arrays of one length), a batch at a time."""
        count = len(next(iter(inputs.values())))
        for start in range(0, count, BATCH):
            batch = {name: np.ascontiguousarray(array[start : start + BATCH]) for name, array in inputs.items()}
            yield self._session.run(None, batch)[0]


def export(network: torch.nn.Module, example: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """``network`` as ONNX, weights included; the first dimension of every input is free.

    ``example`` names the inputs as ``network.forward`` does and has two or more rows.
    """
    import torch

    inputs = {name: torch.from_numpy(array) for name, array in example.items()}
    rows = torch.export.Dim("rows", min=1)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            network.eval(),
            (),
            kwargs=inputs,
            input_names=list(inputs),
            output_names=["output"],
            dynamic_shapes={name: {0: rows} for name in inputs},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
