"""A running mean of the weights: steadier than the weights of any one step, and so are its scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import safetensors.torch
import torch
from transformers import TrainerCallback
from transformers.trainer_callback import TrainerState

LAST: Final = "last.safetensors"


class RunningMean(TrainerCallback):
    """After each optimiser step the mean keeps ``share`` of itself and takes the rest from ``network``.

    At first it keeps less, ``(1 + step) / (10 + step)``, or it would remember the random weights of the
    beginning. The mean is what is validated, kept and used; the training itself goes on from its own
    weights, which stand in a checkpoint as ``last.safetensors`` (Polyak & Juditsky, 1992; the rule of
    the first steps is that of TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, network: torch.nn.Module, share: float) -> None:
        self.network, self.share = network, share
        self._mean: list[torch.Tensor] | None = None

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        """Move the mean towards the weights after this optimiser step."""
        weights, mean = self._weights(), self._means()
        with torch.no_grad():
            torch._foreach_lerp_(mean, weights, 1 - min(self.share, (1 + state.global_step) / (10 + state.global_step)))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within, ``network`` has the mean for weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def save(self, folder: Path) -> None:
        """Write the weights that the training goes on from."""
        safetensors.torch.save_model(self.network, str(folder / LAST))

    def load(self, checkpoint: Path) -> None:
        """Go on from ``checkpoint``, whose mean ``network`` has just been given."""
        self._mean = [weight.detach().clone() for weight in self._weights()]
        safetensors.torch.load_model(self.network, str(checkpoint / LAST))

    def _weights(self) -> list[torch.Tensor]:
        return [weight.data for weight in self.network.parameters() if weight.requires_grad]

    def _means(self) -> list[torch.Tensor]:
        if self._mean is None:
            self._mean = [weight.clone() for weight in self._weights()]
        return self._mean

    def _swap(self) -> None:
        for weight, mean in zip(self._weights(), self._means(), strict=True):
            kept = weight.clone()
            weight.copy_(mean)
            mean.copy_(kept)
