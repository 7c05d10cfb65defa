"""What watches a training: progress for people, the history file, early stopping, checkpoints in between."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from logradar.core.errors import DataError
from logradar.core.progress import Progress
from logradar.training import history
from logradar.training.settings import TrainingSettings


class Monitor(TrainerCallback):
    """Hears of every step, epoch and evaluation from the `Trainer`; decides nothing but when to stop or save."""

    def __init__(self, settings: TrainingSettings, bar: Progress, rows: float, folder: Path | None) -> None:
        self.settings, self.bar, self.folder = settings, bar, folder
        self.rows = rows  # per optimiser step
        self.note = ""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Advance the bar; ask for a checkpoint where one is due."""
        self.bar.advance(self.rows, self.note)
        every = self.settings.checkpoint_steps
        if every and state.global_step % every == 0:
            control.should_save = self.folder is not None

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Show the losses; a loss that is not a number ends the training in a sentence."""
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
            f"{word} {last[name]:.4f}"
            for name, word in (("loss", "loss"), ("eval_loss", "validation loss"))
            if name in last
        )

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop when the validation loss has not fallen for long enough."""
        losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        patience = self.settings.patience
        if patience and history.stale(losses, self.settings.min_delta) >= patience:
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A checkpoint is whole: the history on disk keeps step with it."""
        if self.folder is not None and state.is_world_process_zero:
            history.write(self.folder, history.epochs_of(state.log_history))
