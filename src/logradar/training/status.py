"""The current state of a training, as the live panel and the log show it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from logradar.core.progress import clock
from logradar.training.gpus import Gpu


class Meter:
    """The loss of the last batch, and the weighted mean since the epoch began, in nats.

    Only losses of this process count. They stay on their device until they are read, so that a step never
    waits for them.
    """

    def __init__(self, parts: int = 0) -> None:
        self._last: Any = None
        self._kept: list[float] = []
        self._parts = parts
        self.begin()

    def begin(self) -> None:
        """Start a new mean for a new epoch, or go on with the one that `carry` was given."""
        self._sum: Any = 0.0
        self._before, self._kept = self._kept, []

    def carry(self, sums: list[float]) -> None:
        """Let the next mean begin with `sums` of a checkpoint."""
        self._kept = sums

    @property
    def sums(self) -> list[float]:
        """Loss times weight, and weight, of all predictions since the epoch began."""
        return [0.0, 0.0] if isinstance(self._sum, float) else list(self._sum.tolist())

    def add(self, losses: Any, weights: Any, part: Any = None) -> None:
        """Add the losses of a batch's predictions and their weights (tensors of equal shape).

        ``part`` has the number of the objective that each prediction belongs to.
        """
        import torch

        self._last = torch.stack([(losses * weights).sum(), weights.expand_as(losses).sum()]).detach()
        if part is not None:  # the sums of each objective come after those of all
            by_part = sums_by_part(losses, weights, part, self._parts).detach()
            self._last = torch.cat([self._last, by_part.reshape(-1)])
        if len(self._before) == len(self._last):
            self._sum = self._last.new_tensor(self._before)
        self._before = []
        self._sum = self._sum + self._last

    def read(self) -> tuple[float | None, float | None]:
        """Loss of the last batch and running mean; None where nothing has been predicted yet."""
        return _mean(self._last), _mean(self._sum)

    def by_part(self) -> Any:
        """The sums of losses and weights of each objective since the epoch began: (parts, 2), None before a batch."""
        return None if isinstance(self._sum, float) else self._sum[2:].reshape(-1, 2)


def sums_by_part(losses: Any, weights: Any, part: Any, parts: int) -> Any:
    """The sums of weighted losses and of weights for each of ``parts`` objectives: a tensor (parts, 2)."""
    import torch

    heavy = [weights * (part == number) for number in range(parts)]
    return torch.stack([torch.stack([(losses * of).sum(), of.expand_as(losses).sum()]) for of in heavy])


def _mean(sums: Any) -> float | None:
    loss, weight = (0.0, 0.0) if sums is None or isinstance(sums, float) else sums[:2].tolist()
    return loss / weight if weight else None


@dataclass
class Status:
    """What a training is doing now; None means not known yet. Times are in seconds, rows count from this call."""

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
        """Seconds until the last epoch that is allowed, at the average speed so far."""
        return (self.total - self.rows) / self.rows_per_second if self.rows else None

    def points(self) -> dict[str, float]:
        """The figures of a step, for TensorBoard and similar tools."""
        named = {"loss/step": self.loss, "loss/mean": self.mean, "learning_rate": self.rate}
        known = {name: value for name, value in named.items() if value is not None}
        counters = {f"gpu{gpu.index}/{name}": value for gpu in self.gpus for name, value in gpu.figures().items()}
        return {**known, "rows_per_second": self.rows_per_second, **counters}

    def line(self) -> str:
        """All known figures in one line of plain text."""
        parts = [f"epoch {self.epoch} of {self.epochs}", f"step {self.step:,} of {self.steps:,}"]
        figures = {"loss": (self.loss, ".4f"), "mean": (self.mean, ".4f"), "learning rate": (self.rate, ".3g")}
        parts += [f"{name} {value:{form}}" for name, (value, form) in figures.items() if value is not None]
        parts += [f"{self.rows_per_second:,.0f} rows/s", self.times()]
        return ", ".join([*parts, *map(str, self.gpus)])

    def times(self) -> str:
        """Time since this call began, and until the last epoch that is allowed; early stopping may end it sooner."""
        left = "" if self.left is None else f", {clock(self.left)} left at most"
        return f"elapsed {clock(self.elapsed)}{left}"
