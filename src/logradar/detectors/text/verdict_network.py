"""The network of a fine-tuned log language model: DistilBERT that gives every event of a session a verdict."""

from __future__ import annotations

import torch
from torch import nn
from transformers import DistilBertConfig

from logradar.detectors.text.language_network import LanguageNetwork


class VerdictNetwork(LanguageNetwork):
    """``tokens`` (rows, length) int32 -> (rows, length, 1): how anomalous the event is that ends there, in nats.

    The events of a session are independent witnesses (noisy or; Maron & Lozano-Pérez, NIPS 1998): a session is normal
    where all of its events are, so the nats of its events add up to ``-log P(normal)``.
    """

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__(config)
        self.graph_key = config.n_heads
        last = nn.Linear(config.dim, 1)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, -4.0)  # at first all is normal
        self.head = nn.Sequential(nn.Linear(config.dim, config.dim), nn.GELU(), last)

    def forward(  # type: ignore[override]
        self, tokens: torch.Tensor, targets: torch.Tensor | None = None, asked: torch.Tensor | None = None
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Verdicts (rows, length, 1); with ``targets`` and ``asked`` also the losses of hidden words, to learn from."""
        states = self.states(tokens)
        verdicts = nn.functional.softplus(self.head(states).float())
        if targets is None or asked is None:
            return verdicts
        words = nn.functional.cross_entropy(self.logits(states[asked]), targets[asked].long(), reduction="none")
        return verdicts, words
