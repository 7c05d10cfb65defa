"""The one training loop: a network, rows with weights, settings, and the Hugging Face `Trainer` underneath."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import safetensors.torch
import torch
from transformers import PrinterCallback
from transformers.trainer_callback import TrainerState
from transformers.utils import logging as transformers_logging

from logradar.core.errors import ConfigError
from logradar.core.progress import say
from logradar.training import checkpoints, history
from logradar.training.arguments import arguments
from logradar.training.device import kernels_for, plain_afterwards, seeded
from logradar.training.gpus import Gpus
from logradar.training.gradient_checkpointing import recomputed
from logradar.training.history import History
from logradar.training.live_view import TrainingView
from logradar.training.log import TrainingLog
from logradar.training.monitor import Monitor
from logradar.training.processes import connected, first, place, wait
from logradar.training.rows import Rows
from logradar.training.settings import TrainingSettings
from logradar.training.status import Meter, Status
from logradar.training.streaming_rows import StoredOrder, StoredRows
from logradar.training.trackers import Trackers
from logradar.training.trainer import Objective, Order, RowTrainer
from logradar.training.watchdog import Watchdog
from logradar.training.weight_averaging import RunningMean

_FREE: Final = {  # settings that may differ from those of the training that is resumed
    *("epochs", "patience", "min_delta", "device", "checkpoint_steps", "keep", "resume", "workers", "tensorboard"),
    *("stream", "buffer", "log_steps", "wandb", "stall_seconds", "keep_checkpoints"),
}
_SHORT: Final = 2.0  # seconds; a shorter training ends without a message, as `Progress` does


def fit_network(
    network: torch.nn.Module,
    objective: Objective,
    train: Rows | StoredRows,
    valid: Rows,
    settings: TrainingSettings,
    folder: Path | None = None,
    seed: int = 0,
    title: str = "training",
    parts: Sequence[str] = (),
) -> History:
    """Train ``network`` in place; afterwards it has its best weights, on the CPU, in evaluation mode.

    ``objective(network, batch)`` returns the loss of every prediction (nats) and its weight: two tensors of
    the same shape, with weight 0 where there is nothing to predict. The weighted mean over all rows is minimised.
    Where the loss is that of several objectives, ``parts`` are their names, and the objective also returns the number
    of the one that each prediction belongs to; each has its own loss in the history.
    The loss of ``valid`` controls the learning rate, early stopping and the choice of the best weights; without
    validation rows the loss of ``train`` does (of its first block where it is stored on disk).
    ``folder`` receives checkpoints, ``training_history.json``, ``training.log`` and the files of TensorBoard. ``title``
    precedes the progress messages. Started by ``torchrun`` or ``accelerate launch``, several processes train
    together and end with equal weights; they share ``folder``, and only the first one writes files and messages.
    Where one of them ends, the others raise `ProcessError`; where one stops, `Watchdog` ends all.
    Weights are fp32 in every precision, and afterwards ``network`` computes in fp32 again.
    The same seed on the same machine gives the same bytes. Raises `ConfigError` for a device or precision that is
    not available or a checkpoint of another training, and `DataError` when the loss is not a finite number.
    """
    if not len(train):
        return History()
    if folder is None and place()[1] > 1:
        raise ConfigError("Several processes train together only with a folder for their checkpoints; give one.")
    began = time.monotonic()
    watched = valid if len(valid) else train if isinstance(train, Rows) else train.sample()
    wait()  # nothing below is waited for as long as an input that another process still reads
    with ExitStack() as stack:
        stack.enter_context(seeded(seed))
        stack.enter_context(plain_afterwards(network))
        stack.enter_context(_silence())
        run = folder if folder is not None else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        order = _order(train, settings, seed)
        steps = -(-len(order) // settings.accumulation)
        chosen = arguments(settings, run / checkpoints.FOLDER, steps, seed)
        stack.enter_context(kernels_for("bf16" if chosen.bf16 else "fp32", chosen.device.type))
        meter = Meter(len(parts))
        if settings.gradient_checkpointing and not stack.enter_context(recomputed(network)):
            say(f"{title}: this network cannot do gradient checkpointing; it trains without.")
        mean = RunningMean(network, settings.averaging) if settings.averaging else None
        watchdog = Watchdog(settings.stall_seconds, title)
        watched_loss = watchdog.watching(objective)
        trainer = RowTrainer(watched_loss, order, watched, meter, mean, parts, model=network, args=chosen)
        trainer.remove_callback(PrinterCallback)
        if mean is not None:
            trainer.add_callback(mean)
        identity = _identity(network, train, watched, settings, seed)
        checkpoint = checkpoints.begin(run, identity, settings.resume)
        before = _state(checkpoint)
        log = TrainingLog(folder if first() else None, checkpoint is None)
        machine = history.machine_figures(run) if checkpoint else {}
        if _over(before, settings):
            trainer.state = before
        else:
            log.write(f"{title}: {_beginning(checkpoint, order.rows, watched, chosen.device)}")
            trackers = Trackers(settings, folder if first() else None, title)
            stack.callback(trackers.close)
            total = order.rows * settings.epochs
            behind = order.rows / steps * before.global_step
            status = Status(title, settings.epochs, steps * settings.epochs, step=before.global_step)
            status.total = total - behind
            gpus = Gpus() if chosen.device.type == "cuda" else None
            view = stack.enter_context(TrainingView(status, total, gpus))
            view.done = view.done_before = behind
            monitor = Monitor(settings, view, meter, order.rows / steps, folder, log, trackers)
            monitor.machine = machine
            trainer.add_callback(monitor)
            with watchdog, connected():
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        wait()
        best = run / checkpoints.FOLDER / f"checkpoint-{trainer.state.best_global_step}" / "model.safetensors"
        safetensors.torch.load_model(network, best)
        network.to("cpu").eval()
        wait()
    epochs = history.epochs_of(trainer.state.log_history)
    if folder is not None and first():
        history.write(folder, epochs, machine)
    seconds = time.monotonic() - began
    rows = order.rows / steps * (trainer.state.global_step - before.global_step)
    kept = min(epochs, key=lambda epoch: epoch["eval_loss"])
    sentence = _sentence(epochs, kept, settings, bool(len(valid)))
    log.write(f"{title}: {sentence}; {seconds:.1f} s")
    if seconds > _SHORT:
        say(f"{title}: {sentence}")
    return History(epochs, kept, sentence, trainer.state.global_step, seconds, rows / max(seconds, 1e-9))


def _state(checkpoint: Path | None) -> TrainerState:
    """Where the training stood. Raises `ConfigError` where the checkpoint does not say."""
    if checkpoint is None:
        return TrainerState()
    try:
        state: TrainerState = TrainerState.load_from_json(str(checkpoint / checkpoints.STATE))
        numbers = [state.global_step + 0, float(state.epoch or 0), float(state.best_global_step or 0)]
        numbers += [float(entry[name]) for entry in state.log_history for name in entry if name.endswith("loss")]
        if not all(number >= 0 for number in numbers):
            raise ValueError("a number in it is below 0, or none")
        return state
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"The training cannot be resumed: '{checkpoint / checkpoints.STATE}' is damaged ({error}); train without "
            "--resume."
        ) from None


def _order(train: Rows | StoredRows, settings: TrainingSettings, seed: int) -> Order | StoredOrder:
    least = settings.epoch_steps * settings.accumulation
    if isinstance(train, Rows):
        return Order(train.even(), settings.batch_size, least, seed, *place())
    return StoredOrder(train, settings.batch_size, least, seed, *place(), settings.workers)


def _identity(
    network: torch.nn.Module, train: Rows | StoredRows, watched: Rows, settings: TrainingSettings, seed: int
) -> dict[str, Any]:
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    data = {"training rows": train.fingerprint(), "validation rows": watched.fingerprint()}
    if isinstance(train, StoredRows):  # this decides the order of the rows
        data["stream"] = f"buffer {train.buffer}, {place()[1]} processes, {settings.workers} workers"
    elif place()[1] > 1:
        data["processes"] = str(place()[1])
    return {"network": shapes, "seed": seed, **data, **settings.model_dump(mode="json", exclude=set(_FREE))}


def _over(state: TrainerState, settings: TrainingSettings) -> bool:
    losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
    impatient = bool(settings.patience) and history.stale(losses, settings.min_delta) >= settings.patience
    return impatient or float(state.epoch or 0) >= settings.epochs


def _sentence(
    epochs: list[dict[str, float]], kept: dict[str, float], settings: TrainingSettings, validated: bool
) -> str:
    loss = "validation loss" if validated else "training loss"
    why = f"the {loss} no longer fell" if len(epochs) < settings.epochs else "the number that was set"
    remark = "" if validated else "; there were no validation sessions"
    best = f"epoch {kept['epoch']} is kept ({loss} {kept['eval_loss']:.4f}{remark})"
    return f"ended after {len(epochs)} epochs, {why}; {best}"


def _beginning(checkpoint: Path | None, rows: int, watched: Rows, device: torch.device) -> str:
    how = f"goes on from {checkpoint.name}" if checkpoint else "begins"
    together = f" in {place()[1]} processes" if place()[1] > 1 else ""
    return f"{how}, {rows:,} rows an epoch, {len(watched):,} to validate, on {device.type}{together}"


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress the log lines and warnings of the libraries; LogRadar writes its own messages."""
    level = transformers_logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            transformers_logging.set_verbosity(level)
