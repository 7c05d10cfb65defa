"""The network of LogBERT: BERT blocks over the events of a session, asked at some places."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn
from transformers import BertConfig, BertModel

from logradar.core.tables import PADDING

WHICH: Final = 0  # the question "which event stands here"
MISSING: Final = 1  # the question "which event is missing before this one", or anywhere, at the first place
SPECIAL: Final = 3  # tokens behind the vocabulary: BEGIN and END of a session, CUT where a window ends inside one


class EventBERT(nn.Module):
    """Log-probabilities (rows, asked, classes) of what stands, or is missing, at places of rows of tokens.

    ``tokens`` (rows, length) int32 are padded with 0 behind; ``places`` and ``asks`` (rows, asked) int32
    name places in a row and the question to each, `WHICH` or `MISSING`. Class 0 is "nothing", the
    others are the vocabulary's templates. The second output is the squared distance (rows,) of the
    first place's state to ``centre``, the middle of the sphere in which normal sessions lie. Blocks
    and embeddings are those of BERT (Devlin et al., NAACL 2019) in `transformers`.
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
            max_position_embeddings=positions,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            type_vocab_size=1,
            pad_token_id=PADDING,
            attn_implementation="sdpa",
        )
        self.bert = BertModel(config, add_pooling_layer=False)
        self.question = nn.Embedding(2, hidden)
        self.transform = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden))
        self.out = nn.Linear(hidden, classes)
        self.centre: torch.Tensor
        self.register_buffer("centre", torch.zeros(hidden))

    def forward(
        self, tokens: torch.Tensor, places: torch.Tensor, asks: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        states = self.bert(input_ids=tokens.long(), attention_mask=tokens != PADDING).last_hidden_state
        asked = states.gather(1, places.long()[:, :, None].expand(-1, -1, states.shape[2]))
        told = self.out(self.transform(asked + self.question(asks.long())))
        first = states[:, 0].float()
        if self.training:  # the middle of recent batches, so that it needs no pass of its own
            with torch.no_grad():
                self.centre.lerp_(first.mean(0), 0.01)
        return torch.log_softmax(told.float(), -1), (first - self.centre).square().mean(-1)
