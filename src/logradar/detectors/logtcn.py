"""Detector ``logtcn``: dilated causal convolutions over a whole session predict what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from logradar.core.config import Config
from logradar.detectors.neural.causal import CausalDetector, CausalSettings
from logradar.training.settings import TrainingSettings

if TYPE_CHECKING:
    import torch


class LogTCNTraining(TrainingSettings):
    """`TrainingSettings` with a rate and batch that were measured on validation loss."""

    learning_rate: float = Field(3e-3, gt=0, description="highest learning rate of AdamW")
    batch_size: int = Field(64, ge=1, description="rows per step and device")
    epoch_steps: int = Field(
        20, ge=1, description="optimiser steps of an epoch at least: few rows are passed over several times"
    )


class LogTCNSettings(CausalSettings):
    """Settings of ``logtcn``."""

    channels: int = Field(64, ge=1, description="channels of a convolution")
    kernel: int = Field(3, ge=2, description="events that a convolution joins")
    layers: int = Field(4, ge=1, description="convolutions, each reaching twice as far as the one before")
    training: LogTCNTraining = LogTCNTraining()


class LogTCN(CausalDetector):
    """Predicts each event of a session from those before it with dilated causal convolutions.

    A temporal convolutional network (Bai et al., 2018): all places of a session at once, none of
    which sees what comes after it. It reaches back ``1 + (kernel - 1) * (2**layers - 1)`` events,
    31 by default.
    """

    Settings: ClassVar[type[Config]] = LogTCNSettings

    def _network(self) -> torch.nn.Module:
        from logradar.detectors.neural.causal_convolution import CausalConvolution

        s = self.settings
        return CausalConvolution(
            len(self.vocabulary), self._classes, s.embedding, s.channels, s.kernel, s.layers, s.dropout
        )
