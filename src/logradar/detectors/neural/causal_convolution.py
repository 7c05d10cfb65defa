"""The network of LogTCN: dilated causal convolutions over a session that predict each next token."""

from __future__ import annotations

import torch
from torch import nn

from logradar.core.tables import UNKNOWN


class CausalConvolution(nn.Module):
    """``tokens`` (rows, length) int32 -> log-probabilities (rows, length, classes) of what comes after each.

    Layer ``i`` joins ``kernel`` places that are ``2**i`` apart, the last of them its own, and is
    added to what it was given. A token that training did not have is the zero vector, which says nothing.
    """

    def __init__(
        self, tokens: int, classes: int, embedding: int, channels: int, kernel: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.graph_key = layers  # all else is visible in the shapes of the weights
        self.embed = nn.Embedding(tokens, embedding, padding_idx=UNKNOWN)
        self.enter = nn.Linear(embedding, channels)
        self.reach = [(kernel - 1) * 2**layer for layer in range(layers)]
        self.joins = nn.ModuleList(nn.Conv1d(channels, channels, kernel, dilation=2**layer) for layer in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(layers))
        self.mixes = nn.ModuleList(nn.Linear(channels, channels) for _ in range(layers))
        self.drop = nn.Dropout(dropout)
        self.out = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, classes))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (rows, length, classes) of the event after each position of ``tokens`` (rows, length)."""
        states = self.enter(self.embed(tokens))
        for reach, join, norm, mix in zip(self.reach, self.joins, self.norms, self.mixes, strict=True):
            before = nn.functional.pad(norm(states).transpose(1, 2), (reach, 0))
            states = states + self.drop(mix(torch.relu(join(before)).transpose(1, 2)))
        return torch.log_softmax(self.out(states).float(), -1)
