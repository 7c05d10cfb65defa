"""Where the figures of a training go beside its own files: TensorBoard, Weights & Biases."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from logradar.core.errors import ConfigError
from logradar.core.progress import say
from logradar.training.settings import TrainingSettings

SUFFIX: Final = ".tfevents"  # TensorBoard looks for the word anywhere in the name, a bundle at its end
FOLDER: Final = "tensorboard"


class Tracker(ABC):
    """Takes figures by step."""

    @abstractmethod
    def add(self, step: int, points: Mapping[str, float]) -> None:
        """Figures of one step."""

    @abstractmethod
    def close(self) -> None:
        """The training has ended; what was added is written."""


class TensorBoard(Tracker):
    """Event files for TensorBoard in ``folder``."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), filename_suffix=SUFFIX)

    def add(self, step: int, points: Mapping[str, float]) -> None:
        """A point in each of the curves."""
        for name, value in points.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write and close the file."""
        self._writer.close()


class WeightsAndBiases(Tracker):
    """A run of Weights & Biases; where and how is set by its own environment variables (``WANDB_MODE``, …)."""

    def __init__(self, folder: Path, title: str, config: Mapping[str, Any]) -> None:
        wandb = importlib.import_module("wandb")
        self._run = wandb.init(project="logradar", name=title, config=dict(config), dir=str(folder))

    def add(self, step: int, points: Mapping[str, float]) -> None:
        """A point in each of the curves."""
        self._run.log(dict(points), step=step)

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


class Trackers:
    """All trackers that were asked for; one that fails is left out with a sentence, and training goes on."""

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
        except Exception as error:  # whatever another's package raises, it is no reason not to train
            say(f"{name} gets nothing of this training: {error}")

    def add(self, step: int, points: Mapping[str, float]) -> None:
        """Figures of one step, to all."""
        for tracker in list(self._kept):
            try:
                tracker.add(step, points)
            except Exception as error:
                say(f"{type(tracker).__name__} gets nothing more of this training: {error}")
                self._kept.remove(tracker)

    def close(self) -> None:
        """The training has ended."""
        for tracker in self._kept:
            try:
                tracker.close()
            except Exception as error:
                say(f"{type(tracker).__name__} could not be closed: {error}")
        self._kept = []
