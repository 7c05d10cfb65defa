"""The network of DeepLog: an LSTM over a window of tokens that predicts the next one."""

from __future__ import annotations

import torch
from torch import nn

from logradar.core.tables import UNKNOWN


class WindowLSTM(nn.Module):
    """``history`` (rows, window) int32 -> log-probabilities (rows, classes) of what comes next.

    Tokens are embedded in ``embedding`` dimensions, or one-hot with 0. A token that training did
    not have is the zero vector, which says nothing.
    """

    def __init__(self, tokens: int, classes: int, embedding: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.graph_key = bool(embedding)  # all else is visible in the shapes of the weights
        width = embedding or tokens
        self.embed = nn.Embedding(tokens, width, padding_idx=UNKNOWN)
        if not embedding:
            self.embed.weight = nn.Parameter(torch.eye(tokens).index_fill(0, torch.tensor([UNKNOWN]), 0.0), False)
        self.lstm = nn.LSTM(width, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, classes)

    def forward(self, history: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (rows, classes) of the event that follows each ``history`` (rows, window)."""
        states, _ = self.lstm(self.embed(history))
        return torch.log_softmax(self.out(self.drop(states[:, -1])).float(), -1)
