"""The learner: one copy of the network in a process, which every client of that process trains in turn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from logradar.core.errors import DataError
from logradar.federated.settings import FederationSettings
from logradar.federated.vector import Layout
from logradar.training.ragged import RaggedRows
from logradar.training.rows import Rows

Floats = npt.NDArray[np.float32]
Objective = Callable[[torch.nn.Module, dict[str, torch.Tensor]], tuple[torch.Tensor, ...]]
_CLIP: Final = 1.0  # longest gradient of a step


@dataclass(frozen=True)
class Learnt:
    """What some local steps changed: ``delta`` to add to the vector, and the mean loss before and at the end."""

    delta: Floats
    before: float
    after: float


class Learner:
    """Trains the trained numbers of ``network`` from any vector; ``objective`` is that of the detector."""

    def __init__(self, network: torch.nn.Module, objective: Objective, settings: FederationSettings) -> None:
        self.network, self.objective, self.settings = network, objective, settings
        self.layout = Layout.of(network)
        self.device = _device(settings.device)
        self._key: tuple[int, ...] = (settings.seed,)  # of what is drawn inside an objective, such as masks
        network.to(self.device)

    def rate(self, number: int) -> float:
        """The learning rate of a round, from 1: a cosine over the rounds."""
        s = self.settings
        share = (number - 1) / max(s.rounds - 1, 1)
        low = min(s.least_learning_rate, s.learning_rate)
        return low + (s.learning_rate - low) * (1 + math.cos(math.pi * share)) / 2

    def train(self, start: Floats, rows: Rows, number: int, client: int, noise: float = 0.0) -> Learnt:
        """Some steps from the vector ``start`` on ``rows`` in round ``number``; the same arguments, the same bytes.

        Every session is drawn as often as it came. With ``noise`` each session's gradient is clipped and Gaussian
        noise of so many times the clip is added to their sum (DP-SGD; Abadi et al., CCS 2016).
        """
        s = self.settings
        random = np.random.default_rng((s.seed, number, client))
        generator = torch.Generator().manual_seed(int(random.integers(1 << 62)))
        self.layout.write(self.network, start)
        trained = [value for value in self.network.parameters() if value.requires_grad]
        optimizer = torch.optim.AdamW(trained, self.rate(number), weight_decay=0.0)
        self.network.train()
        chances = rows.weights.astype(np.float64) / rows.weights.sum(dtype=np.float64)
        sessions, losses = int(rows.weights.sum()), []
        for step in range(s.steps):
            self._key = s.seed, number, client, step
            if noise:
                drawn = np.flatnonzero(random.random(sessions) < min(s.batch_size / sessions, 1.0))
                ends = np.cumsum(rows.weights.astype(np.int64))
                losses.append(self._private(trained, rows, np.searchsorted(ends, drawn, "right"), noise, generator))
            else:
                drawn = random.choice(len(rows), min(s.batch_size, sessions), p=chances)
                index, times = np.unique(drawn, return_counts=True)  # equal sessions are computed once
                optimizer.zero_grad()
                loss = self._loss(rows, index, times.astype(np.float32))
                torch.autograd.backward(loss)
                torch.nn.utils.clip_grad_norm_(trained, _CLIP)
                losses.append(loss.item())
            optimizer.step()
        delta = self.layout.read(self.network) - start
        if not np.isfinite(delta).all():
            raise DataError("The loss of a client is not a finite number; lower learning_rate.")
        return Learnt(delta, losses[0], losses[-1])

    def loss(self, vector: Floats, rows: Rows) -> float:
        """The mean loss of a prediction (nats) on rows, each as often as it came, with this vector."""
        self.layout.write(self.network, vector)
        self.network.eval()
        self._key = (self.settings.seed,)
        total = weight = 0.0
        with torch.no_grad():
            for index in rows.batches(64):
                batch = self._batch(rows, index, rows.weights[index])
                losses, weights, *_ = self.objective(self.network, batch)
                total, weight = total + float((losses * weights).sum()), weight + float(weights.sum())
        return total / max(weight, 1e-9)

    def _loss(self, rows: Rows, index: npt.NDArray[np.int64], times: Floats) -> torch.Tensor:
        batch = self._batch(rows, index, times)
        losses, weights, *_ = self.objective(self.network, batch)
        return (losses * weights).sum() / weights.sum().clamp(min=1e-9)

    def _batch(self, rows: Rows, index: npt.NDArray[np.int64], weights: Floats) -> dict[str, torch.Tensor]:
        from logradar.training.counter_rng import draws

        arrays: dict[str, Any] = {**rows.batch(index), "weights": weights}
        if isinstance(rows, RaggedRows):
            arrays["draws"] = draws(index, *self._key)
        return {name: torch.as_tensor(value).to(self.device) for name, value in arrays.items()}

    def _private(
        self,
        trained: list[torch.nn.Parameter],
        rows: Rows,
        index: npt.NDArray[np.int64],
        noise: float,
        generator: torch.Generator,
    ) -> float:
        """The clipped and noised gradient of some sessions, put where the optimiser looks for it."""
        clip, total, losses = self.settings.privacy.clip, [torch.zeros_like(value) for value in trained], [0.0]
        for one, times in zip(*np.unique(index, return_counts=True), strict=True):  # equal sessions: equal gradients
            self.network.zero_grad()
            loss = self._loss(rows, np.array([one]), np.ones(1, np.float32))
            torch.autograd.backward(loss)
            lengths = [float(value.grad.double().norm()) for value in trained if value.grad is not None]
            norm = math.hypot(*lengths)
            factor = min(1.0, clip / max(norm, 1e-12))
            for place, value in enumerate(trained):
                if value.grad is not None:
                    total[place] += value.grad * (factor * int(times))
            losses.append(loss.item())
        for value, gradient in zip(trained, total, strict=True):
            added = torch.normal(0.0, noise * clip, value.shape, generator=generator)
            value.grad = (gradient + added.to(gradient.device)) / self.settings.batch_size
        return float(np.mean(losses[1:] or losses))


def _device(name: str) -> str:
    from logradar.training.device import choose_device
    from logradar.training.settings import TrainingSettings

    return choose_device(TrainingSettings.model_validate({"device": name}))
