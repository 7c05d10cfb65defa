"""Send the figures of a training to TensorBoard and Weights & Biases."""

from __future__ import annotations

import importlib.util
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from logradar.core.errors import ConfigError
from logradar.core.progress import say
from logradar.training.settings import TrainingSettings

SUFFIX: Final = ".tfevents"  # TensorBoard finds it anywhere in a file name, a bundle accepts it only at the end
FOLDER: Final = "tensorboard"
_RUNS: ContextVar[Path | None] = ContextVar("where runs of Weights & Biases are kept", default=None)


@contextmanager
def runs_in(folder: Path) -> Iterator[None]:
    """Trainings in the block leave the files of their Weights & Biases runs in ``folder``, not beside checkpoints.

    Checkpoints are deleted when they are no longer needed, but an offline run exists nowhere else.
    """
    token = _RUNS.set(folder)
    try:
        yield
    finally:
        _RUNS.reset(token)


class Tracker(ABC):
    """Receives the figures of each step."""

    @abstractmethod
    def add(self, step: int, points: Mapping[str, float]) -> None:
        """Add the figures of one step."""

    @abstractmethod
    def close(self) -> None:
        """Write all figures; the training has ended."""


class TensorBoard(Tracker):
    """Event files for TensorBoard in ``folder``."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), filename_suffix=SUFFIX)

    def add(self, step: int, points: Mapping[str, float]) -> None:
        """Add a point to each curve."""
        for name, value in points.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write and close the file."""
        self._writer.close()


class WeightsAndBiases(Tracker):
    """A run of Weights & Biases, configured by its own environment variables (``WANDB_MODE``, …).

    Its files are in ``WANDB_DIR``, else in the folder of `runs_in`, else in ``folder``.
    """

    def __init__(self, folder: Path, title: str, config: Mapping[str, Any]) -> None:
        wandb = importlib.import_module("wandb")
        home = Path(os.environ.get("WANDB_DIR") or _RUNS.get() or folder)
        home.mkdir(parents=True, exist_ok=True)  # where it is missing, wandb takes a temporary folder instead
        self._run = wandb.init(project="logradar", name=title, config=dict(config), dir=str(home))

    def add(self, step: int, points: Mapping[str, float]) -> None:
        """Add a point to each curve."""
        self._run.log(dict(points), step=step)

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


class Trackers:
    """All trackers that the settings name. When one fails, a message says so and the training continues without it."""

    def __init__(self, settings: TrainingSettings, folder: Path | None, title: str) -> None:
        if settings.wandb and importlib.util.find_spec("wandb") is None:
            raise ConfigError("training.wandb needs Weights & Biases: pip install wandb, or leave it out.")
        self._kept: list[Tracker] = []
        if folder is None:
            return
        if settings.tensorboard and importlib.util.find_spec("tensorboard") is not None:
            self._open("TensorBoard", lambda: TensorBoard(folder / FOLDER))
        if settings.wandb:
            config = settings.model_dump(mode="json")
            self._open("Weights & Biases", lambda: WeightsAndBiases(folder, title, config))

    def _open(self, name: str, make: Any) -> None:
        try:
            self._kept.append(make())
        except Exception as error:  # no fault of another package may end the training
            say(f"{name} is not used for this training: {error}")

    def add(self, step: int, points: Mapping[str, float]) -> None:
        """Send the figures of one step to all trackers."""
        for tracker in list(self._kept):
            try:
                tracker.add(step, points)
            except Exception as error:
                say(f"{type(tracker).__name__} is no longer used for this training: {error}")
                self._kept.remove(tracker)

    def close(self) -> None:
        """Close all trackers; the training has ended."""
        for tracker in self._kept:
            try:
                tracker.close()
            except Exception as error:
                say(f"{type(tracker).__name__} could not be closed: {error}")
        self._kept = []
