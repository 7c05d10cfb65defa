"""Top-k: how many tokens of a session a network has among its k most likely ones, counted right and as published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Sequences
from logradar.training.ragged import RaggedRows

if TYPE_CHECKING:
    from logradar.detectors.text.causal_network import CausalNetwork

Floats = npt.NDArray[np.float64]
KS: Final = (1, 3, 5, 10)


def shares(network: CausalNetwork, rows: Sequences) -> tuple[Floats, Floats]:
    """For each row of tokens and each of `KS` two shares, both (rows, 4).

    The first is of next tokens: the token at a place against the prediction of the place before it. The second is that
    of the system that this one follows: a token counts where it is among the k most likely ones of any place of its
    session, its own included, which even a network that knows nothing of order can reach.
    """
    import torch

    right, published = np.ones((len(rows), len(KS))), np.ones((len(rows), len(KS)))
    ragged = RaggedRows(rows)
    with torch.no_grad():
        for index in ragged.batches(32):
            batch: dict[str, Any] = ragged.batch(index)
            tokens, lengths = torch.from_numpy(batch["tokens"]).long(), torch.from_numpy(batch["lengths"])
            places = torch.arange(tokens.shape[1])[None]
            hidden = network.llama(input_ids=tokens, position_ids=places, use_cache=False).last_hidden_state
            logits = network.logits(hidden)
            own = logits[:, :-1].gather(2, tokens[:, 1:, None])
            rank = (logits[:, :-1] > own).sum(-1)
            asked = places[:, 1:] < lengths[:, None]
            inside = places < lengths[:, None]
            best = logits.masked_fill(~inside[:, :, None], -torch.inf).topk(max(KS), -1).indices
            for number, k in enumerate(KS):
                hits = ((rank < k) & asked).sum(1) / asked.sum(1).clamp(min=1)
                right[index, number] = hits.double().numpy()
                anywhere = torch.zeros(len(tokens), logits.shape[2] + 1, dtype=torch.bool)  # one for no token
                chosen = best[:, :, :k].masked_fill(~inside[:, :, None], logits.shape[2]).flatten(1)
                anywhere.scatter_(1, chosen, torch.ones_like(chosen, dtype=torch.bool))
                found = (anywhere.gather(1, tokens) & inside).sum(1) / inside.sum(1)
                published[index, number] = found.double().numpy()
    return right, published
