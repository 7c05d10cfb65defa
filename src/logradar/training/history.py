"""What a training has to tell: one entry per epoch, which one was best, and why it ended."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from logradar.core.files import write_whole

FILE: Final = "history.json"


@dataclass(frozen=True)
class History:
    """The course of a training.

    ``epochs`` are ``{"epoch", "step", "loss", "eval_loss", "learning_rate"}``; ``best`` is the entry
    whose weights were kept, ``sentence`` says for people how it ended. Rates are those of the call
    that ended, not of what it resumed.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] | None = None
    sentence: str = "There was nothing to train."
    steps: int = 0
    seconds: float = 0.0
    rows_per_second: float = 0.0


def epochs_of(log: Iterable[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Entries per epoch from the `Trainer`'s own log, which survives in its checkpoints."""
    found: dict[int, dict[str, float]] = {}
    for entry in log:
        if "loss" in entry or "eval_loss" in entry:
            number = math.ceil(float(entry["epoch"]) - 1e-6)
            epoch = found.setdefault(number, {"epoch": number})
            epoch |= {name: entry[name] for name in ("step", "loss", "eval_loss", "learning_rate") if name in entry}
    return [found[number] for number in sorted(found)]


def stale(losses: Sequence[float], min_delta: float) -> int:
    """For how many of the last losses there has been none lower by more than ``min_delta``.

    >>> stale([0.9, 0.5, 0.49995, 0.51], 0.0001)
    2
    """
    low, since = math.inf, 0
    for loss in losses:
        low, since = (loss, 0) if loss < low - min_delta else (low, since + 1)
    return since


def write(folder: Path, epochs: list[dict[str, float]]) -> None:
    """Write ``history.json``; a reader never finds it half written."""
    write_whole(folder / FILE, json.dumps(epochs, indent=1) + "\n")
