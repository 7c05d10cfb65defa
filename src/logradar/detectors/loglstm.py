"""Detector ``loglstm``: an LSTM that has read the whole session so far predicts what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from logradar.core.config import Config
from logradar.detectors.neural.causal import CausalDetector, CausalSettings, CausalTraining

if TYPE_CHECKING:
    import torch


class LogLSTMTraining(CausalTraining):
    """`CausalTraining` with a higher rate, measured on validation loss."""

    learning_rate: float = Field(1e-2, gt=0, description="highest learning rate of AdamW")


class LogLSTMSettings(CausalSettings):
    """The size of the network and how it is trained."""

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
