"""Detector ``logtcn``: dilated causal convolutions over a whole session predict the next event."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from logradar.core.config import Config
from logradar.detectors.neural.causal import CausalDetector, CausalSettings, CausalTraining

if TYPE_CHECKING:
    import torch


class LogTCNTraining(CausalTraining):
    """`CausalTraining` with a learning rate that falls by a schedule, not when the loss does not fall for an epoch."""

    epochs: int = Field(40, ge=1, description="passes over the rows; the schedule has this length")
    schedule: Literal["plateau", "cosine", "linear", "constant"] = Field(
        "cosine", description="how the rate falls: `plateau` when the validation loss stalls, the others by steps"
    )
    warmup: float = Field(0.05, ge=0, lt=1, description="share of all steps in which the rate rises; not for `plateau`")


class LogTCNSettings(CausalSettings):
    """The size of the network and how it is trained."""

    channels: int = Field(64, ge=1, description="channels of a convolution")
    kernel: int = Field(3, ge=2, description="events that a convolution reads")
    layers: int = Field(4, ge=1, description="convolutions, each reaching twice as far as the one before")
    training: LogTCNTraining = LogTCNTraining()


class LogTCN(CausalDetector):
    """Predicts each event of a session from those before it with dilated causal convolutions.

    A temporal convolutional network (Bai et al., 2018): all places of a session at once, and none
    reads what comes after it. It reaches back ``1 + (kernel - 1) * (2**layers - 1)`` events,
    31 by default.
    """

    Settings: ClassVar[type[Config]] = LogTCNSettings

    def _network(self) -> torch.nn.Module:
        from logradar.detectors.neural.causal_convolution import CausalConvolution

        s = self.settings
        return CausalConvolution(
            len(self.vocabulary), self._classes, s.embedding, s.channels, s.kernel, s.layers, s.dropout
        )
