"""Detector ``loglstm``: an LSTM that has read the session so far predicts the next event."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from logradar.core.config import Config
from logradar.detectors.neural.causal import CausalDetector, CausalSettings, CausalTraining

if TYPE_CHECKING:
    import torch


class LogLSTMTraining(CausalTraining):
    """`CausalTraining` with a higher learning rate, chosen by validation loss."""

    learning_rate: float = Field(1e-2, gt=0, description="highest learning rate of AdamW")


class LogLSTMSettings(CausalSettings):
    """The size of the network and how it is trained."""

    hidden: int = Field(64, ge=1, description="units of an LSTM layer")
    layers: int = Field(1, ge=1, description="LSTM layers")
    training: LogLSTMTraining = LogLSTMTraining()


class LogLSTM(CausalDetector):
    """Predicts each event of a session from all before it with an LSTM (Hochreiter & Schmidhuber, 1997).

    Where ``deeplog`` reads ten events, this one remembers the session from its start: whether a step was
    left out long ago, and how often an event has been repeated.
    """

    Settings: ClassVar[type[Config]] = LogLSTMSettings

    def _network(self) -> torch.nn.Module:
        from logradar.detectors.neural.causal_lstm import CausalLSTM

        s = self.settings
        return CausalLSTM(len(self.vocabulary), self._classes, s.embedding, s.hidden, s.layers, s.dropout)
