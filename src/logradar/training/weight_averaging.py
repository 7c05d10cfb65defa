"""A running mean of the weights, which varies less from step to step than the weights do."""

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
    """After each optimiser step: ``mean = share * mean + (1 - share) * weights of network``.

    In the first steps the share is smaller, ``(1 + step) / (10 + step)``, so that the random initial weights do not
    stay in the mean. The mean is validated, saved and used to score; the training continues from its own weights,
    which a checkpoint holds as ``last.safetensors`` (Polyak & Juditsky, 1992; the rule for the first steps is that
    of TensorFlow's ExponentialMovingAverage).
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
        """A context in which the weights of ``network`` are the mean."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def save(self, folder: Path) -> None:
        """Write the weights from which the training continues."""
        safetensors.torch.save_model(self.network, str(folder / LAST))

    def load(self, checkpoint: Path) -> None:
        """Continue from ``checkpoint``; ``network`` must already have the mean that the checkpoint holds."""
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
