"""The network of a log language model: DistilBERT, asked how likely each word of a session is."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import DistilBertConfig, DistilBertForMaskedLM, DistilBertModel

from logradar.core.tables import PADDING


class LanguageNetwork(nn.Module):
    """``tokens``, ``targets`` (rows, length) int32 -> (rows, length, 2): log-probability of the target, and entropy.

    The blocks are those of DistilBERT (Sanh et al., 2019) in `transformers`, the head that of its masked language
    model, whose output weights are the embeddings. ``tokens`` are padded with 0 at the end.
    """

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        config._attn_implementation = "sdpa"
        self.config = config
        self.graph_key = config.n_heads  # all else is visible in the shapes of the weights
        self.distilbert = DistilBertModel(config)
        self.transform = nn.Linear(config.dim, config.dim)
        self.norm = nn.LayerNorm(config.dim, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    @classmethod
    def of_sizes(cls, sizes: dict[str, Any]) -> LanguageNetwork:
        """A new network; ``sizes`` are settings of `DistilBertConfig`."""
        return cls(DistilBertConfig(**sizes))

    @classmethod
    def of_masked(cls, model: DistilBertForMaskedLM) -> LanguageNetwork:
        """With the weights of a model of `transformers`."""
        network = cls(model.config)
        network.distilbert.load_state_dict(model.distilbert.state_dict())
        network.transform.load_state_dict(model.vocab_transform.state_dict())
        network.norm.load_state_dict(model.vocab_layer_norm.state_dict())
        network.bias.data.copy_(model.vocab_projector.bias)
        return network

    def as_masked(self) -> DistilBertForMaskedLM:
        """The same as a model of `transformers`, to be saved for other programs."""
        model = DistilBertForMaskedLM(self.config)
        model.distilbert.load_state_dict(self.distilbert.state_dict())
        model.vocab_transform.load_state_dict(self.transform.state_dict())
        model.vocab_layer_norm.load_state_dict(self.norm.state_dict())
        model.vocab_projector.weight.data.copy_(self.distilbert.embeddings.word_embeddings.weight)
        model.vocab_projector.bias.data.copy_(self.bias)
        model.eval()
        return model

    def states(self, tokens: torch.Tensor) -> torch.Tensor:
        """The state (rows, length, dim) at each place."""
        places = torch.arange(tokens.shape[1], device=tokens.device)[None]
        output = self.distilbert(input_ids=tokens.long(), attention_mask=tokens != PADDING, position_ids=places)
        states: torch.Tensor = output.last_hidden_state
        return states

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """What the network thinks of each token (…, tokens) at places with these states (…, dim)."""
        hidden = self.norm(nn.functional.gelu(self.transform(states)))
        return nn.functional.linear(hidden, self.distilbert.embeddings.word_embeddings.weight, self.bias).float()

    def forward(self, tokens: torch.Tensor, targets: torch.Tensor, asked: torch.Tensor | None = None) -> torch.Tensor:
        """For each place the log-probability of its target and the entropy of the prediction, in nats.

        With ``asked`` (rows, length) bool only the losses (asked,) at these places, in their order, to learn from.
        """
        states = self.states(tokens)
        if asked is not None:
            return nn.functional.cross_entropy(self.logits(states[asked]), targets[asked].long(), reduction="none")
        chances = torch.log_softmax(self.logits(states), -1)
        came = chances.gather(2, targets.long()[:, :, None])[:, :, 0]
        return torch.stack([came, -(chances.exp() * chances).sum(-1)], -1)
