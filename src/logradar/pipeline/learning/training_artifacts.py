"""Artifacts of a training in a bundle: for people who want to see how it went; scoring does not need them.

``training/DETECTOR/`` contains ``training.log``, ``training_history.json``, ``curve.png`` (losses and learning rate),
``next-events.txt`` and the files for TensorBoard.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from logradar.evaluation.next_event import readable
from logradar.model.bundle import Bundle
from logradar.reporting.time_plots import training_curve
from logradar.training.history import FILE as HISTORY
from logradar.training.log import FILE as LOG
from logradar.training.trackers import FOLDER as TENSORBOARD
from logradar.training.trackers import SUFFIX

FOLDER: Final = "training"


def write_artifacts(
    history: Mapping[str, list[dict[str, float]]],
    next_events: Mapping[str, Mapping[str, Any]],
    run: Path | None,
    folder: Path,
) -> None:
    """Write the artifacts of all trainings, by detector, into the bundle ``folder``.

    ``run`` is the folder in which the detectors were trained (None: there is none).
    """
    home = folder / FOLDER
    for name, rows in history.items():
        if picture := training_curve(rows, name=name, kind="png"):
            _write(home / name / "curve.png", picture)
    for name, figures in next_events.items():
        _write(home / name / "next-events.txt", readable(name, figures).encode())
    for log in sorted(run.rglob(LOG)) if run is not None else ():
        place = home.joinpath(*_named(log.parent.relative_to(run).parts, history))  # type: ignore[arg-type]
        for name in (LOG, HISTORY):
            if (file := log.with_name(name)).is_file():
                _write(place / name, file.read_bytes())
        # The names of TensorBoard's files contain machine and process; these must not get into a bundle.
        for number, events in enumerate(sorted((log.parent / TENSORBOARD).glob(f"*{SUFFIX}"))):
            shutil.copyfile(events, place / f"{number:03}{SUFFIX}")


def save(bundle: Bundle, folder: Path, run: Path | None) -> None:
    """Write a bundle to ``folder`` with the artifacts of its trainings; ``run`` is as in `write_artifacts`."""
    bundle.save(folder, lambda draft: write_artifacts(bundle.history, bundle.next_events, run, draft))


def checkpoints_of(bundle: Path) -> Path:
    """The folder beside a bundle in which its detectors are trained."""
    return bundle.with_name(bundle.name + ".training")


def runs_of(bundle: Path) -> Path:
    """The folder beside a bundle in which the runs of Weights & Biases are kept; nothing deletes it."""
    return bundle.with_name(bundle.name + ".wandb")


def _named(parts: tuple[str, ...], names: Iterable[str]) -> tuple[str, ...]:
    """The parts of a path that begin with the name of a detector: without the ensemble that it belongs to."""
    first = next((place for place, part in enumerate(parts) if part in names), 0)
    return parts[first:]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
