"""Checkpoints of a training: which ones are complete, which is best, and whether they belong to this training.

A checkpoint is a folder ``checkpoints/checkpoint-STEP``. It holds weights and optimiser as safetensors, the
schedule and the loss of an unfinished epoch as JSON, and the state of the random generators as the Hugging Face
`Trainer` writes it (read with ``weights_only``, so that nothing in it is executed). ``trainer_state.json`` is written
last. ``checkpoints/best`` is a link to the checkpoint with the lowest validation loss so far.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

from logradar.core.errors import ConfigError
from logradar.core.progress import say
from logradar.training.epoch_loss import FILE as LOSS
from logradar.training.processes import first, wait
from logradar.training.trackers import FOLDER as TENSORBOARD

FOLDER: Final = "checkpoints"
BEST: Final = "best"
WEIGHTS: Final = "model.safetensors"
STATE: Final = "trainer_state.json"
_IDENTITY: Final = "training.json"
_PARTS: Final = (WEIGHTS, "optimizer.safetensors", "scheduler.json", LOSS)


def newest(folder: Path) -> Path | None:
    """The newest complete checkpoint in a run's folder, or None; incomplete ones are ignored."""
    whole = [path for path in (folder / FOLDER).glob("checkpoint-*") if _whole(path)]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def best(folder: Path) -> Path | None:
    """The checkpoint with the lowest validation loss in a run's folder, as the newest complete one says; or None."""
    last = newest(folder)
    step = json.loads((last / STATE).read_text()).get("best_global_step") if last is not None else None
    path = folder / FOLDER / f"checkpoint-{step}"
    return path if path.is_dir() else None


def name_best(folder: Path, step: int | None) -> None:
    """Let ``checkpoints/best`` be the checkpoint of ``step``: a link, or where there are no links a file with its name.

    None: no epoch has ended yet, and nothing is named.
    """
    name, place = f"checkpoint-{step}", folder / FOLDER / BEST
    if step is None or not (folder / FOLDER / name).is_dir():
        return
    draft = place.with_name(f".{BEST}")
    draft.unlink(missing_ok=True)
    try:
        draft.symlink_to(name, target_is_directory=True)
    except OSError:
        draft.write_text(name + "\n")
    draft.replace(place)


def _whole(path: Path) -> bool:
    if not path.name.rpartition("-")[2].isdigit() or not all((path / part).is_file() for part in _PARTS):
        return False
    try:
        return "global_step" in json.loads((path / STATE).read_text())
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def begin(folder: Path, identity: dict[str, Any], resume: bool) -> Path | None:
    """Prepare a run's folder and return the checkpoint to continue from, if any.

    ``identity`` holds what the weights depend on (settings, data, seed, network). Raises `ConfigError`, which
    names the differences, when the checkpoints belong to a training with another identity. Without ``resume``
    all older checkpoints in the folder are deleted. Only the first of several processes writes and deletes.
    """
    file = folder / _IDENTITY
    if first():
        if not resume:
            for left in (FOLDER, TENSORBOARD):
                shutil.rmtree(folder / left, ignore_errors=True)
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    wait()
    checkpoint = newest(folder) if resume else None
    if checkpoint is not None:
        before = json.loads(file.read_text()) if file.is_file() else {}
        now = json.loads(json.dumps(identity))
        different = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
        if different:
            raise ConfigError(
                f"The checkpoints in '{folder}' belong to another training ({', '.join(different)} differ); "
                "train without resume, or use the settings and data of that training."
            )
        say(f"going on from {checkpoint.name}")
    elif resume:
        say(f"there is no complete checkpoint in '{folder}': training starts from the beginning")
    wait()  # until all processes have read the identity
    if first():
        if (known := best(folder)) is not None:  # a training that was killed may not have named it
            name_best(folder, int(known.name.rpartition("-")[2]))
        file.write_text(json.dumps(identity, indent=1) + "\n")
    return checkpoint
