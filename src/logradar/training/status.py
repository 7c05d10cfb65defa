"""The state of a training at a moment: what the panel shows and what a line of the log says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from logradar.training.gpus import Gpu


class Meter:
    """The losses of steps as they come: that of the last batch, and the weighted mean since the epoch began.

    They are those of this process, and stay on their device until they are read, so that a step never
    waits for them.
    """

    def __init__(self) -> None:
        self._last: Any = None
        self.begin()

    def begin(self) -> None:
        """A new epoch begins: its mean starts anew."""
        self._sum: Any = 0.0

    def add(self, losses: Any, weights: Any) -> None:
        """Losses of the predictions of a batch, and their weights, as tensors."""
        import torch

        self._last = torch.stack([(losses * weights).sum(), weights.expand_as(losses).sum()]).detach()
        self._sum = self._sum + self._last

    def read(self) -> tuple[float | None, float | None]:
        """Loss of the last batch and running mean; None where nothing was predicted yet."""
        return _mean(self._last), _mean(self._sum)


def _mean(found: Any) -> float | None:
    loss, weight = (0.0, 0.0) if found is None or isinstance(found, float) else found.tolist()
    return loss / weight if weight else None


@dataclass
class Status:
    """What a training is doing; None is not known yet. Times in seconds, rows since this call began."""

    title: str
    epochs: int
    steps: int  # of all epochs
    epoch: int = 1
    step: int = 0
    loss: float | None = None
    mean: float | None = None
    eval_loss: float | None = None
    best: float | None = None
    rate: float | None = None
    rows: float = 0.0
    total: float = 0.0  # rows of this call, if nothing ends it sooner
    gpus: list[Gpu] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds since this call began."""
        return time.monotonic() - self.began

    @property
    def rows_per_second(self) -> float:
        """Rows of training data a second, over this call."""
        return self.rows / max(self.elapsed, 1e-9)

    @property
    def left(self) -> float | None:
        """Seconds to the last epoch that is allowed, at the rate so far."""
        return (self.total - self.rows) / self.rows_per_second if self.rows else None

    def points(self) -> dict[str, float]:
        """The figures of a step, for TensorBoard and the like."""
        named = {"loss/step": self.loss, "loss/mean": self.mean, "learning_rate": self.rate}
        found = {name: value for name, value in named.items() if value is not None}
        return {**found, "rows_per_second": self.rows_per_second}

    def line(self) -> str:
        """All that is known, in one line of plain text."""
        parts = [f"epoch {self.epoch} of {self.epochs}", f"step {self.step:,} of {self.steps:,}"]
        told = {"loss": (self.loss, ".4f"), "mean": (self.mean, ".4f"), "learning rate": (self.rate, ".3g")}
        parts += [f"{name} {value:{form}}" for name, (value, form) in told.items() if value is not None]
        parts.append(f"{self.rows_per_second:,.0f} rows/s")
        return ", ".join([*parts, *map(str, self.gpus)])
