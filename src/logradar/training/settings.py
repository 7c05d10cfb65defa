"""Settings of a training; every neural detector has them under ``training``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from logradar.core.config import Config


class TrainingSettings(Config):
    """How a network is trained: optimiser, schedule, early stopping, checkpoints, hardware.

    The network learns from rows. A row is a window or a whole session; its weight is how often it occurs.
    """

    epochs: int = Field(50, ge=1, description="passes over the rows at most; early stopping may end it sooner")
    epoch_steps: int = Field(
        50, ge=1, description="optimiser steps of an epoch at least: few rows are passed over several times"
    )
    batch_size: int = Field(256, ge=1, description="rows per step and device")
    accumulation: int = Field(1, ge=1, description="batches per optimiser step")
    learning_rate: float = Field(1e-3, gt=0, description="highest learning rate of AdamW")
    least_learning_rate: float = Field(1e-6, ge=0, description="where `cosine` ends and below which `plateau` stays")
    schedule: Literal["plateau", "cosine", "linear", "constant"] = Field(
        "plateau", description="how the rate falls: `plateau` when the validation loss stalls, the others by steps"
    )
    warmup: float = Field(0.0, ge=0, lt=1, description="share of all steps in which the rate rises; not for `plateau`")
    weight_decay: float = Field(0.01, ge=0, description="decay of AdamW; biases and norms have none")
    clip: float = Field(1.0, ge=0, description="largest norm of a gradient; 0 clips nothing")
    averaging: float = Field(
        0.99, ge=0, lt=1, description="share that the running mean of the weights keeps at each step; 0: no mean"
    )
    patience: int = Field(5, ge=0, description="epochs without a lower validation loss until it stops; 0: never")
    min_delta: float = Field(1e-4, ge=0, description="by how much a validation loss must fall to count as lower")
    device: Literal["auto", "cuda", "mps", "cpu"] = Field("auto", description="auto: the first of these that is there")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="auto: bf16 on an NVIDIA GPU that has it, else fp32"
    )
    checkpoint_steps: int = Field(
        0, ge=0, description="steps between extra checkpoints, in addition to the one per epoch; 0: none"
    )
    keep: int = Field(2, ge=1, description="checkpoints kept; the best one is always kept")
    resume: bool = Field(False, description="go on from the newest whole checkpoint in the run's folder")
    workers: int = Field(0, ge=0, description="processes that prepare batches; 0: the training process itself")
    stream: Literal["auto", "always", "never"] = Field(
        "auto", description="read the rows from disk: `auto` where they do not fit in memory"
    )
    buffer: int = Field(100_000, ge=1, description="samples read and shuffled together where rows are streamed")
    watched: int = Field(
        500_000, ge=1, description="validation rows at most, evenly spaced; the loss of each epoch is theirs"
    )
    gradient_checkpointing: bool = Field(
        False, description="less memory for more time, where the network can: activations are computed twice"
    )
    log_steps: int = Field(
        50, ge=1, description="a line of training.log and a point in TensorBoard every so many optimiser steps"
    )
    tensorboard: bool = Field(True, description="write TensorBoard files, where TensorBoard is installed")
    wandb: bool = Field(False, description="send the figures to Weights & Biases; it must be installed")
    stall_seconds: float = Field(
        600, ge=0, description="several processes end with an error after so long without a batch; 0: they wait on"
    )
    keep_checkpoints: bool = Field(
        False, description="leave `BUNDLE.training` with its checkpoints after the bundle is written"
    )


class SessionTraining(TrainingSettings):
    """`TrainingSettings` for whole sessions: a row is a session, so batches are smaller."""

    batch_size: int = Field(64, ge=1, description="rows per step and device")
    learning_rate: float = Field(2e-3, gt=0, description="highest learning rate of AdamW")
    schedule: Literal["plateau", "cosine", "linear", "constant"] = Field(
        "cosine", description="how the rate falls: `plateau` when the validation loss stalls, the others by steps"
    )
    warmup: float = Field(0.05, ge=0, lt=1, description="share of all steps in which the rate rises; not for `plateau`")
    min_delta: float = Field(3e-3, ge=0, description="by how much a validation loss must fall to count as lower")
