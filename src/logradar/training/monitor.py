"""Callback of a training: progress figures, the history file, early stopping, extra checkpoints."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any, Final

from transformers import TrainerCallback

from logradar.core.errors import DataError
from logradar.training import checkpoints, history
from logradar.training.live_view import TrainingView
from logradar.training.log import TrainingLog
from logradar.training.settings import TrainingSettings
from logradar.training.status import Meter
from logradar.training.trackers import Trackers

_LOOK_EVERY: Final = 0.25  # seconds; a GPU must wait while its loss is read


class Monitor(TrainerCallback):
    """The `Trainer` calls it at every step, epoch and evaluation; it only decides when to stop and when to save."""

    def __init__(
        self,
        settings: TrainingSettings,
        view: TrainingView,
        meter: Meter,
        rows: float,
        folder: Path | None,
        log: TrainingLog,
        trackers: Trackers,
    ) -> None:
        self.settings, self.view, self.meter, self.folder = settings, view, meter, folder
        self.rows = rows  # per optimiser step
        self.log, self.trackers = log, trackers
        self.note = ""
        self.machine: dict[int, dict[str, Any]] = {}  # figures of this machine by epoch, see `history.MACHINE`
        self._began, self._rows = time.monotonic(), 0.0
        self._looked = 0.0

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the running mean of the loss again: it covers one epoch."""
        self.view.status.epoch = min(int(state.epoch or 0) + 1, self.settings.epochs)
        self.meter.begin()
        self._began, self._rows = time.monotonic(), self.view.status.rows

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note how long the epoch took without its validation, and what the GPUs did."""
        self.view.look(now=True)
        seconds = time.monotonic() - self._began
        rate = (self.view.status.rows - self._rows) / max(seconds, 1e-9)
        figures = {"seconds": round(seconds, 3), "rows_per_second": round(rate, 1)}
        gpus = self.view.record.summary()
        self.machine[self.view.status.epoch] = figures | ({"gpus": gpus} if gpus else {})

    def on_step_end(self, args: Any, state: Any, control: Any, optimizer: Any = None, **_: Any) -> None:
        """Advance the view; log and save when it is time."""
        status = self.view.status
        status.step, status.rows = state.global_step, status.rows + self.rows
        due = state.global_step % self.settings.log_steps == 0
        if due or time.monotonic() - self._looked >= _LOOK_EVERY:
            self._looked = time.monotonic()
            status.loss, status.mean = self.meter.read()
            if optimizer is not None:
                status.rate = float(optimizer.param_groups[0]["lr"])
        if due:
            self.view.look()
            self.log.write(status.line())
            self.trackers.add(state.global_step, status.points())
        self.view.advance(self.rows, self.note)
        every = self.settings.checkpoint_steps
        if (
            every and state.global_step % every == 0 and state.epoch % 1
        ):  # the end of an epoch is saved once it is judged
            control.should_save = self.folder is not None

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Show the losses. Raises `DataError` for a loss that is not a finite number."""
        losses = {name: logs[name] for name in ("loss", "eval_loss") if name in logs}
        for loss in losses.values():
            if not math.isfinite(loss):
                raise DataError(
                    f"The loss is {loss} in epoch {math.ceil(state.epoch)}: training does not converge; "
                    f"set training.learning_rate below {self.settings.learning_rate:g}."
                )
        if not losses:
            return
        last = history.epochs_of(state.log_history)[-1]
        self.note = f"epoch {last['epoch']}, " + ", ".join(
            f"{word} {last[name]:.4f}{_parts(last, name)}"
            for name, word in (("loss", "loss"), ("eval_loss", "validation loss"))
            if name in last
        )
        points = {"loss": "loss/epoch", "eval_loss": "loss/validation"}
        every = {
            points[name] + part.removeprefix(name): loss
            for name in losses
            for part, loss in logs.items()
            if part == name or part.startswith(f"{name}_")
        }
        self.trackers.add(state.global_step, every)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop when the validation loss has not fallen for `patience` epochs."""
        losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        status = self.view.status
        status.eval_loss, status.best = losses[-1], min(losses)
        verdict = "the best so far" if losses[-1] == min(losses) else "not the best"
        self.log.write(f"{self.note}: {verdict}; {status.times()}")
        patience = self.settings.patience
        if patience and history.stale(losses, self.settings.min_delta) >= patience:
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A checkpoint is complete: name the best one so far and write the history of the same step."""
        if self.folder is not None and state.is_world_process_zero:
            checkpoints.name_best(self.folder, state.best_global_step)
            history.write(self.folder, history.epochs_of(state.log_history), self.machine)


def _parts(epoch: dict[str, float], name: str) -> str:
    """The losses of the objectives that a loss consists of, in brackets; '' where it is one."""
    parts = {key.removeprefix(f"{name}_"): value for key, value in epoch.items() if key.startswith(f"{name}_")}
    return f" ({', '.join(f'{part} {value:.4f}' for part, value in parts.items())})" if len(parts) > 1 else ""
