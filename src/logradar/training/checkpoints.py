"""Checkpoints of a training: which ones are whole, and whether they belong to this training.

A checkpoint is a folder ``checkpoints/checkpoint-STEP``: weights and optimiser as safetensors, the
schedule as JSON, the random numbers as the Hugging Face `Trainer` keeps them (it reads them with
``weights_only``: nothing in them is run) and, last of all, ``trainer_state.json``.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

from logradar.core.errors import ConfigError
from logradar.core.progress import say
from logradar.training.processes import first, wait
from logradar.training.trackers import FOLDER as TENSORBOARD

FOLDER: Final = "checkpoints"
_IDENTITY: Final = "training.json"
_PARTS: Final = ("model.safetensors", "optimizer.safetensors", "scheduler.json")


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint in a run's folder; one that was cut off while written is passed over."""
    whole = [path for path in (folder / FOLDER).glob("checkpoint-*") if _whole(path)]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _whole(path: Path) -> bool:
    if not path.name.rpartition("-")[2].isdigit() or not all((path / part).is_file() for part in _PARTS):
        return False
    try:
        return "global_step" in json.loads((path / "trainer_state.json").read_text())
    except (OSError, ValueError):
        return False


def begin(folder: Path, identity: dict[str, Any], resume: bool) -> Path | None:
    """Prepare a run's folder and return the checkpoint to go on from, if any.

    ``identity`` names what the weights depend on (settings, data, seed, network). To resume a
    training with another identity is a `ConfigError` that names what differs. Without ``resume``
    older checkpoints of the folder are removed. Of several processes the first one does that.
    """
    file = folder / _IDENTITY
    if first():
        if not resume:
            for left in (FOLDER, TENSORBOARD):
                shutil.rmtree(folder / left, ignore_errors=True)
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    wait()
    found = newest(folder) if resume else None
    if found is not None:
        before = json.loads(file.read_text()) if file.is_file() else {}
        now = json.loads(json.dumps(identity))
        other = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
        if other:
            raise ConfigError(
                f"The checkpoints in '{folder}' belong to another training ({', '.join(other)} differ); "
                "train without resume, or with the settings and data of before."
            )
        say(f"going on from {found.name}")
    elif resume:
        say(f"there is no whole checkpoint in '{folder}': training starts from the beginning")
    wait()  # all have read it
    if first():
        file.write_text(json.dumps(identity, indent=1) + "\n")
    return found
