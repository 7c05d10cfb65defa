"""The network of LogLSTM: an LSTM over a whole session that predicts each next token."""

from __future__ import annotations

import torch
from torch import nn

from logradar.core.tables import UNKNOWN


class CausalLSTM(nn.Module):
    """``tokens`` (rows, length) int32 -> log-probabilities (rows, length, classes) of what comes after each.

    A token that training did not have is the zero vector, which says nothing.
    """

    def __init__(self, tokens: int, classes: int, embedding: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.graph_key = layers  # all else is visible in the shapes of the weights
        self.embed = nn.Embedding(tokens, embedding, padding_idx=UNKNOWN)
        self.lstm = nn.LSTM(embedding, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, classes)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (rows, length, classes) of the event after each position of ``tokens`` (rows, length)."""
        states, _ = self.lstm(self.embed(tokens))
        return torch.log_softmax(self.out(self.drop(states)).float(), -1)
