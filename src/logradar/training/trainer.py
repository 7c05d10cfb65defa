"""The Hugging Face `Trainer` for weighted rows: batches by index, and the exact weighted loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch
from torch.utils.data import DataLoader, Dataset
from transformers import Trainer

from logradar.core.documents import reason_of
from logradar.core.errors import ConfigError, LogRadarError
from logradar.training import optimizer_files
from logradar.training.counter_rng import draws
from logradar.training.epoch_loss import EpochLoss
from logradar.training.rows import Batch, Rows
from logradar.training.status import Meter, sums_by_part
from logradar.training.streaming_rows import BlockReader, StoredOrder, StoredRows
from logradar.training.weight_averaging import RunningMean

_NOTHING: Final[list[int]] = []  # instead of a batch, where a process has none left
Tensors = dict[str, torch.Tensor]
Objective = Callable[[torch.nn.Module, Tensors], tuple[torch.Tensor, ...]]


class RowTrainer(Trainer):
    """Minimises the weighted mean of ``objective`` over rows; see `logradar.training.loop.fit_network`.

    With ``mean``, the mean of the weights is validated and saved instead of the weights of the last step.
    Checkpoints hold weights and optimiser as safetensors, the schedule as JSON, and no pickled arguments.
    """

    loss_is_scaled_for_ga = False

    def __init__(
        self,
        objective: Objective,
        order: Order | StoredOrder,
        watched: Rows,
        meter: Meter,
        mean: RunningMean | None,
        parts: Sequence[str] = (),
        **given: Any,
    ) -> None:
        super().__init__(train_dataset=order.data, eval_dataset=watched, **given)
        self.mean, self.parts = mean, tuple(parts)
        self.meter, self.epoch_loss = meter, EpochLoss(meter)
        self.objective: Objective = objective
        self.watched, self.order = watched, order
        # The loss of a batch is divided by the mean weight of all batches, not by its own weight:
        # then the mean over the batches of an epoch is the weighted mean over all rows.
        self.scale = order.data.weight / order.batches

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The batches of training rows in their order, as tensors; each process reads its own share."""
        # Not prepared by accelerate, which would divide the batches among the processes a second time.
        return DataLoader(
            Blocks(self.order.data, self.order.seed)
            if isinstance(self.order, StoredOrder)
            else _Fetch(self.order.data, self.order.seed),
            batch_sampler=self.order,
            collate_fn=_as_it_is,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory,
        )

    def compute_loss(self, model: torch.nn.Module, inputs: Tensors, *_: Any, **__: Any) -> torch.Tensor:
        """The weighted loss of a batch, over the weight of an average batch."""
        losses, weights, *part = self.objective(model, inputs)
        loss: torch.Tensor = (losses * weights).sum() / self.scale
        self.meter.add(losses.detach(), weights, *part)
        return loss

    def training_step(self, *given: Any, **named: Any) -> torch.Tensor:
        """Loss and gradient of a batch; the first one after a resume brings the losses before it in its epoch."""
        self._globalstep_last_logged = self.epoch_loss.since
        return self.epoch_loss.add(super().training_step(*given, **named))

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Weighted mean loss of the validation rows, over all processes, as ``eval_loss``."""
        # Not the wrapped model: it makes the buffers of all processes equal at each call, and waits for all of them,
        # but one process may have a batch more than another.
        model, sums = self.accelerator.unwrap_model(self.model), torch.zeros(2, device=self.args.device)
        by_part = torch.zeros(len(self.parts), 2, device=self.args.device)
        batches = self.watched.batches(max(self.args.per_device_train_batch_size, 1024))
        model.eval()
        with torch.no_grad(), self._averaged():
            for index in batches[self.args.process_index :: self.args.world_size]:
                batch = self.watched.batch(index) | {"draws": draws(index)}  # the same in every epoch
                losses, weights, *part = self.objective(model, self._prepare_inputs(_tensors(batch)))
                sums += torch.stack([(losses * weights).sum(), weights.expand_as(losses).sum()])
                if part:
                    by_part += sums_by_part(losses, weights, part[0], len(self.parts))
        loss, weight = self.accelerator.reduce(sums, "sum").tolist()
        metrics = {"eval_loss": loss / weight if weight else 0.0}  # a very short row may have no prediction
        metrics |= self._of_parts("eval_loss", by_part)
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As `Trainer.log`; the training loss of an epoch comes with that of each objective, of all processes."""
        if "loss" in logs and self.parts:
            sums = self.meter.by_part()
            logs |= self._of_parts(
                "loss", torch.zeros(len(self.parts), 2, device=self.args.device) if sums is None else sums
            )
        super().log(logs, start_time)
        if "loss" in logs:
            self.epoch_loss.reported(self.state.global_step)

    def _of_parts(self, name: str, sums: torch.Tensor) -> dict[str, float]:
        """The mean loss of each objective that was asked about, over all processes."""
        if not self.parts:
            return {}
        means = zip(self.parts, self.accelerator.reduce(sums, "sum").tolist(), strict=True)
        return {f"{name}_{part}": loss / weight for part, (loss, weight) in means if weight}

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        assert self.optimizer is not None and self.lr_scheduler is not None
        mine = torch.tensor([self.epoch_loss.numbers], device=self.args.device)
        losses = self.accelerator.gather(mine).tolist()
        if self.args.should_save:
            self.epoch_loss.write(Path(output_dir), losses)
            optimizer_files.write_optimizer(Path(output_dir), self.optimizer.state_dict())
            optimizer_files.write_scheduler(Path(output_dir), self.lr_scheduler.state_dict())

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        assert self.optimizer is not None and self.lr_scheduler is not None
        with _resuming(checkpoint, "optimiser or schedule"):
            self.optimizer.load_state_dict(optimizer_files.read_optimizer(Path(checkpoint)))
            self.lr_scheduler.load_state_dict(optimizer_files.read_scheduler(Path(checkpoint)))
            self.epoch_loss.read(Path(checkpoint), self.args.process_index)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        with _resuming(checkpoint, "random generators"):
            super()._load_rng_state(checkpoint)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if self.args.should_save:
            folder = Path(output_dir or str(self.args.output_dir))
            folder.mkdir(parents=True, exist_ok=True)
            with self._averaged():
                network = self.accelerator.unwrap_model(self.model)
                safetensors.torch.save_model(network, str(folder / "model.safetensors"))
            if self.mean is not None:
                self.mean.save(folder)

    def _load_from_checkpoint(self, checkpoint: str, model: torch.nn.Module | None = None) -> None:
        with _resuming(checkpoint, "weights"):
            super()._load_from_checkpoint(checkpoint, model)
            if self.mean is not None:
                self.mean.load(Path(checkpoint))

    def _averaged(self) -> AbstractContextManager[None]:
        return nullcontext() if self.mean is None else self.mean.applied()


@contextmanager
def _resuming(checkpoint: str | None, what: str) -> Iterator[None]:
    """A `ConfigError` where ``what`` of a checkpoint cannot be read: torch and others raise what they like."""
    try:
        yield
    except Exception as error:
        if isinstance(error, LogRadarError):
            raise
        where = f"the {what} in '{checkpoint}' cannot be read ({reason_of(error)[:200]})"
        raise ConfigError(f"The training cannot be resumed: {where}; train without --resume.") from None


class Order:
    """Which rows are in which batch; it depends on seed and epoch only, so that a resumed training repeats it.

    An epoch has at least ``least`` batches: few rows are used several times. Process ``rank`` of ``ranks`` takes
    the batches ``rank``, ``rank + ranks`` and so on, so that only one process reads a row. Where the number of
    batches is no multiple of ``ranks``, the last processes take a batch of weight 0. A row is identified by its
    index plus the number of rows for every earlier pass over the rows.
    """

    drop_last = False

    def __init__(self, data: Rows, size: int, least: int, seed: int, rank: int = 0, ranks: int = 1) -> None:
        self.data, self.batch_size, self.seed, self.epoch = data, size, seed, 0
        self.rank, self.ranks = rank, ranks
        self.turn = -(-len(data.batches(size)) // ranks)
        self.batches = self.turn * ranks
        self.passes = max(-(-least // self.turn), 1)
        self.rows = len(data) * self.passes

    @property
    def batch_sampler(self) -> Order:
        """Itself, because the `Trainer` calls `set_epoch` here."""
        return self

    def __len__(self) -> int:
        return self.turn * self.passes

    def __iter__(self) -> Iterator[list[int]]:
        for turn in range(self.passes):
            before = len(self.data) * (self.epoch * self.passes + turn)
            batches = self.data.batches(self.batch_size, (self.seed, self.epoch, turn))
            for place in range(self.rank, self.batches, self.ranks):
                yield (batches[place] + before).tolist() if place < len(batches) else _NOTHING

    def set_epoch(self, epoch: int) -> None:
        """The `Trainer` calls this at the start of each epoch."""
        self.epoch = epoch


class _Fetch(Dataset[Any]):
    """Fetches whole batches: one gather per array, no Python per row. ``draws`` is a random number for each row."""

    def __init__(self, rows: Rows, seed: int) -> None:
        self.rows, self.seed = rows, seed

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, index: list[int]) -> Tensors:
        turn, rows = np.divmod(np.array(index or [0], np.int64), len(self.rows))
        batch = self.rows.batch(rows) | {"draws": draws(rows, self.seed, int(turn[0]))}
        if not index:
            batch["weights"] = np.zeros_like(batch["weights"])
        return _tensors(batch)


class Blocks(Dataset[Any]):
    """Fetches batches of stored rows by their place in a `StoredOrder`."""

    def __init__(self, rows: StoredRows, seed: int) -> None:
        self.rows, self.reader = rows, BlockReader(rows, seed)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, place: list[int]) -> Tensors:
        return _tensors(self.reader(place))


def _tensors(batch: Batch) -> Tensors:
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def _as_it_is(batch: Any) -> Any:
    return batch
