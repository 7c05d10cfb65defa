"""The network of LogBERT: BERT blocks over the events of a session, which answer a question at each place."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertModel

from logradar.core.tables import PADDING
from logradar.detectors.neural.scorer import ladder

_PACE: Final = 0.01  # share of each batch in the running mean of the centre


class EventBERT(nn.Module):
    """``tokens``, ``asks`` (rows, length) int32 -> log-probabilities (rows, length, classes) of the answers.

    ``tokens`` are padded with 0 at the end; ``asks`` are questions (`logradar.detectors.neural.event_masking`).
    With ``places`` (rows, asked) only these are asked, ``asks`` has their shape, and the network also returns
    the mean squared distance (rows,) of the first place's state to ``centre``, the middle of
    the sphere in which normal sessions lie. Blocks and embeddings are those of BERT (Devlin et al.,
    NAACL 2019) in `transformers`.
    """

    def __init__(
        self,
        tokens: int,
        classes: int,
        hidden: int,
        layers: int,
        heads: int,
        intermediate: int,
        positions: int,
        dropout: float,
    ) -> None:
        super().__init__()
        config = BertConfig(
            vocab_size=tokens,
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=intermediate,
            max_position_embeddings=int(ladder(np.array([positions]))[0]),  # rows are padded to it when scored
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            type_vocab_size=1,
            pad_token_id=PADDING,
        )
        config._attn_implementation = "sdpa"
        self.graph_key = heads  # all else is visible in the shapes of the weights
        self.bert = BertModel(config, add_pooling_layer=False)
        self.question = nn.Embedding(2, hidden)
        self.transform = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden))
        self.out = nn.Linear(hidden, classes)
        self.centre: torch.Tensor
        self.register_buffer("centre", torch.zeros(hidden))

    def forward(
        self, tokens: torch.Tensor, asks: torch.Tensor, places: torch.Tensor | None = None
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities of tokens, and with ``places`` the distance of each row to the centre.

        ``tokens`` has the shape ``(rows, length)``. ``places`` has the shape ``(rows, asked)`` and holds the positions
        that are asked about; without it every position is. ``asks`` has the shape of the positions asked about.
        Returns ``(rows, asked, tokens)``, and with ``places`` also ``(rows,)`` (LogBERT, IJCNN 2021, section III).
        """
        # Numbers and types of places are passed in: if the block looked them up it would fix a largest length.
        numbers = torch.arange(tokens.shape[1], device=tokens.device)[None]
        states = self.bert(
            input_ids=tokens.long(),
            attention_mask=tokens != PADDING,
            position_ids=numbers,
            token_type_ids=torch.zeros_like(numbers),
        ).last_hidden_state
        if places is None:
            return self._answers(states, asks)
        first = states[:, 0].float()
        if self.training:  # the mean of recent batches needs no pass over all rows
            with torch.no_grad():
                self.centre.lerp_(first.mean(0), _PACE)
        asked = states.gather(1, places[:, :, None].expand(-1, -1, states.shape[2]))
        return self._answers(asked, asks), (first - self.centre).square().mean(-1)

    def _answers(self, states: torch.Tensor, asks: torch.Tensor) -> torch.Tensor:
        logits = self.out(self.transform(states + self.question(asks.long())))
        return torch.log_softmax(logits.float(), -1)
