"""The network of a causal log language model: Llama, asked how likely each next word of a session is."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import LlamaConfig, LlamaModel


class CausalNetwork(nn.Module):
    """``tokens`` (rows, length) int32 -> (rows, length, 2): surprisal of the next token, and entropy, in nats.

    The blocks are those of Llama (Touvron et al., 2023) in `transformers`; where they are tied, the output weights are
    the embeddings. ``tokens`` are padded at the end, which no token before it can see. The last place of a row has no
    next token, so its output has no meaning.
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        config._attn_implementation = "sdpa"
        self.config = config
        rope: Any = config.rope_parameters
        self.graph_key = (config.num_attention_heads, config.num_key_value_heads, rope["rope_theta"])
        self.llama = LlamaModel(config)
        self.head = None if config.tie_word_embeddings else nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    @classmethod
    def of_sizes(cls, sizes: dict[str, Any]) -> CausalNetwork:
        """A new network; ``sizes`` are settings of `LlamaConfig`."""
        return cls(LlamaConfig(**sizes))

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """What the network thinks of each token (…, tokens) at places with these states (…, hidden)."""
        if self.head is not None:
            scores: torch.Tensor = self.head(states)
            return scores.float()
        return nn.functional.linear(states, self.llama.embed_tokens.weight).float()

    def forward(self, tokens: torch.Tensor, asked: torch.Tensor | None = None) -> torch.Tensor:
        """For each place the surprisal of the token after it, and the entropy of the prediction.

        With ``asked`` (rows, length) bool only the losses (asked,) of the tokens at these places, none of them the
        first of a row, in their order: to learn from.
        """
        places = torch.arange(tokens.shape[1], device=tokens.device)[None]
        states = self.llama(input_ids=tokens.long(), position_ids=places, use_cache=False).last_hidden_state
        if asked is not None:
            shown = asked[:, 1:]
            targets = tokens[:, 1:][shown].long()
            return nn.functional.cross_entropy(self.logits(states[:, :-1][shown]), targets, reduction="none")
        chances = torch.log_softmax(self.logits(states), -1)
        after = torch.nn.functional.pad(tokens[:, 1:], (0, 1)).long()
        came = chances.gather(2, after[:, :, None])[:, :, 0]
        return torch.stack([-came, -(chances.exp() * chances).sum(-1)], -1)
