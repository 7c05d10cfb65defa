"""The record of a training: one entry per epoch, which one was best, and why the training ended."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FILE: Final = "history.json"


@dataclass(frozen=True)
class History:
    """The course of a training.

    ``epochs`` are ``{"epoch", "step", "loss", "eval_loss", "learning_rate"}``; ``best`` is the entry
    whose weights were kept, ``sentence`` says in plain words how the training ended. ``seconds`` and
    ``rows_per_second`` are those of the last call, without the training that it resumed.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] | None = None
    sentence: str = "There was nothing to train."
    steps: int = 0
    seconds: float = 0.0
    rows_per_second: float = 0.0


def epochs_of(log: Iterable[Mapping[str, Any]]) -> list[dict[str, float]]:
    """One entry per epoch from the log of the `Trainer`, which is part of its checkpoints."""
    entries: dict[int, dict[str, float]] = {}
    for entry in log:
        if "loss" in entry or "eval_loss" in entry:
            number = math.ceil(float(entry["epoch"]) - 1e-6)
            epoch = entries.setdefault(number, {"epoch": number})
            epoch |= {name: entry[name] for name in ("step", "loss", "eval_loss", "learning_rate") if name in entry}
    return [entries[number] for number in sorted(entries)]


def stale(losses: Sequence[float], min_delta: float) -> int:
    """How many losses came after the last one that was lower than the lowest before by more than ``min_delta``.

    >>> stale([0.9, 0.5, 0.49995, 0.51], 0.0001)
    2
    """
    low, since = math.inf, 0
    for loss in losses:
        low, since = (loss, 0) if loss < low - min_delta else (low, since + 1)
    return since


def write(folder: Path, epochs: list[dict[str, float]]) -> None:
    """Write ``history.json`` as a whole: a reader never sees an incomplete file."""
    draft = folder / f".{FILE}"
    draft.write_text(json.dumps(epochs, indent=1) + "\n")
    draft.replace(folder / FILE)
