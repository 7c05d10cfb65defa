"""Detector ``loglstm``: an LSTM that has read the whole session so far predicts what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from logradar.core.config import Config
from logradar.detectors.neural.causal import CausalDetector, CausalSettings
from logradar.training.settings import TrainingSettings

if TYPE_CHECKING:
    import torch


class LogLSTMTraining(TrainingSettings):
    """`TrainingSettings` with a rate and batch that were measured on validation loss."""

    learning_rate: float = Field(1e-2, gt=0, description="highest learning rate of AdamW")
    batch_size: int = Field(64, ge=1, description="rows per step and device")
    epoch_steps: int = Field(
        20, ge=1, description="optimiser steps of an epoch at least: few rows are passed over several times"
    )


class LogLSTMSettings(CausalSettings):
    """Settings of ``loglstm``."""

    hidden: int = Field(64, ge=1, description="units of an LSTM layer")
    layers: int = Field(1, ge=1, description="LSTM layers")
    training: LogLSTMTraining = LogLSTMTraining()


class LogLSTM(CausalDetector):
    """Predicts each event of a session from all before it with an LSTM (Hochreiter & Schmidhuber, 1997).

    Where ``deeplog`` sees ten events, this one remembers from the start: whether a step was
    forgotten long ago, and how often something has been repeated.
    """

    Settings: ClassVar[type[Config]] = LogLSTMSettings

    def _network(self) -> torch.nn.Module:
        from logradar.detectors.neural.causal_lstm import CausalLSTM

        s = self.settings
        return CausalLSTM(len(self.vocabulary), self._classes, s.embedding, s.hidden, s.layers, s.dropout)
