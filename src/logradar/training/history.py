"""The record of a training: one entry per epoch, which one was best, and why the training ended."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from logradar.core.files import write_whole

FILE: Final = "training_history.json"
PART: Final = "loss_"  # what the loss of one objective is called: loss_masked, eval_loss_masked
MACHINE: Final = ("seconds", "rows_per_second", "gpus")  # figures of an epoch that are not the same on every machine


@dataclass(frozen=True)
class History:
    """The course of a training.

    ``epochs`` are ``{"epoch", "step", "loss", "eval_loss", "learning_rate"}``, and where the loss is that of several
    objectives together ``loss_NAME`` and ``eval_loss_NAME`` of each. ``best`` is the entry whose weights were kept,
    ``sentence`` says in plain words how the training ended. ``seconds`` and ``rows_per_second`` are those of the last
    call, without the training that it resumed.
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
            epoch |= {name: entry[name] for name in entry if name.removeprefix("eval_").startswith(PART)}
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


def write(folder: Path, epochs: list[dict[str, float]], machine: Mapping[int, Mapping[str, Any]] | None = None) -> None:
    """Write ``training_history.json``; a reader never finds it half written.

    ``machine`` has for an epoch the figures of `MACHINE`: how long it took, rows a second, and each GPU.
    """
    rows = [{**epoch, **(machine or {}).get(int(epoch["epoch"]), {})} for epoch in epochs]
    write_whole(folder / FILE, json.dumps(rows, indent=1) + "\n")


def machine_figures(folder: Path) -> dict[int, dict[str, Any]]:
    """The figures of `MACHINE` by epoch that ``folder`` has from an earlier call; none where they cannot be read."""
    try:
        rows = json.loads((folder / FILE).read_text())
        return {int(row["epoch"]): {name: row[name] for name in MACHINE if name in row} for row in rows}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
