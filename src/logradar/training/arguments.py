"""Translate `TrainingSettings` to the arguments of the Hugging Face `Trainer`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from transformers import TrainingArguments

from logradar.training.device import choose_device, choose_precision
from logradar.training.settings import TrainingSettings

_FALL: Final = 0.3  # the learning rate is multiplied by this after a stall
_STALL: Final = 1  # epochs without a lower loss that are accepted before the learning rate falls


def arguments(settings: TrainingSettings, folder: Path, steps: int, seed: int) -> TrainingArguments:
    """Arguments for a training of ``steps`` optimiser steps an epoch, with checkpoints in ``folder``.

    Raises `ConfigError` for a device or precision that is not available.
    """
    device = choose_device(settings)
    precision = choose_precision(settings, device)
    schedule, options = _schedule(settings)
    chosen = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulation,
        num_train_epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=schedule,
        lr_scheduler_kwargs=options,
        warmup_steps=int(settings.warmup * steps * settings.epochs),
        optim="adamw_torch" if device == "mps" else "adamw_torch_fused",
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.clip,
        seed=seed,
        use_cpu=device == "cpu",
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        dataloader_num_workers=settings.workers,
        dataloader_pin_memory=device == "cuda",
        remove_unused_columns=False,
        logging_strategy="epoch",
        logging_nan_inf_filter=False,  # `Monitor` ends such a training with an error message
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=settings.keep,
        metric_for_best_model="eval_loss",  # so that the best checkpoint is never deleted
        greater_is_better=False,
        disable_tqdm=True,
        log_level="error",
        report_to=[],
    )
    if chosen.n_gpu > 1:  # one process uses one GPU; `accelerate launch` starts one process per GPU
        chosen._n_gpu = 1
    return chosen


def _schedule(settings: TrainingSettings) -> tuple[str, dict[str, Any]]:
    least = {"min_lr": settings.least_learning_rate}
    stall = {"factor": _FALL, "patience": _STALL, "threshold": settings.min_delta, "threshold_mode": "abs"}
    known: dict[str, tuple[str, dict[str, Any]]] = {
        "plateau": ("reduce_lr_on_plateau", stall | least),
        "cosine": ("cosine_with_min_lr", least),
        "linear": ("linear", {}),
        "constant": ("constant_with_warmup", {}),
    }
    return known[settings.schedule]
