"""The training loss of an unfinished epoch, kept in a checkpoint: a resumed epoch reports the loss of all its rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from logradar.training.status import Meter

if TYPE_CHECKING:
    import torch

FILE: Final = "epoch-loss.json"


class EpochLoss:
    """The losses of the batches since the last report, summed as the `Trainer` sums them, and those in ``meter``.

    When it resumes, the `Trainer` begins its sum at 0, as if the epoch began there. The numbers are kept as they are,
    so that what is reported after a resume equals what a training that was never stopped reports.
    """

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.since = 0  # the step of the last report
        self._sum: Any = 0.0
        self._kept = 0.0  # of the sum, from a checkpoint

    def add(self, loss: torch.Tensor) -> torch.Tensor:
        """Add the loss of a batch; returns what the `Trainer` is to add, once with what a checkpoint held."""
        loss, self._kept = loss + self._kept, 0.0
        self._sum = self._sum + loss
        return loss

    def reported(self, step: int) -> None:
        """The loss until ``step`` was reported; a new sum begins."""
        self._sum, self.since = 0.0, step

    @property
    def numbers(self) -> list[float]:
        """The sum, and the loss and the weight in the meter, of this process; 0 just after a report."""
        return [0.0, 0.0, 0.0] if isinstance(self._sum, float) else [self._sum.item(), *self.meter.sums]

    def write(self, folder: Path, processes: list[list[float]]) -> None:
        """Write `numbers` of all processes into a checkpoint."""
        (folder / FILE).write_text(json.dumps({"since": self.since, "processes": processes}) + "\n")

    def read(self, folder: Path, process: int) -> None:
        """Go on from the numbers of ``process`` in a checkpoint. Raises `ValueError` for a damaged file."""
        try:
            kept = json.loads((folder / FILE).read_text())
            self._kept, *meter = map(float, kept["processes"][process])
            self.since = int(kept["since"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ValueError(f"'{folder / FILE}' is damaged: {error}") from None
        self.meter.carry(meter)
