"""What a log language model learns from: sessions with events or words hidden, or with events taken out.

Half of a template tells the other half, so whole events are hidden: then the network must know what comes, not how
a sentence goes on. Single words are hidden too, for the sentences. In the other rows events are taken out and all marks
between events are hidden: a mark is an end where nothing is missing, and a beginning where something is.
All randomness comes from one number per row, as in `logradar.detectors.neural.event_masking`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from logradar.core.tables import PADDING
from logradar.detectors.neural.event_masking import uniforms
from logradar.detectors.text.tokenizer import Marks

_KINDS = 4  # ways to take out: one event, a share of all, a run, all to the end


@dataclass(frozen=True, eq=False)
class Masked:
    """Rows as the network reads them, the right answers, and the places where it is asked: all (rows, length)."""

    tokens: torch.Tensor
    targets: torch.Tensor
    asked: torch.Tensor
    between: torch.Tensor  # whether the row is asked what is missing


@dataclass(frozen=True)
class Shares:
    """Shares of events and of words that are hidden, and of rows from which events are taken out."""

    events: float
    words: float
    holes: float


def events_of(tokens: torch.Tensor, marks: Marks) -> torch.Tensor:
    """The number of the event of each token in its row, from 1; 0 for the beginning, without meaning behind the end."""
    ends = (tokens == marks.end).long()
    return ends.cumsum(1) - ends + (torch.arange(tokens.shape[1], device=tokens.device) > 0).long()


def question(tokens: torch.Tensor, draws: torch.Tensor, shares: Shares, marks: Marks) -> Masked:
    """Questions of rows of framed ``tokens`` (rows, length), padded with 0; ``draws`` (rows,) int64."""
    inside = tokens != PADDING
    event = events_of(tokens, marks)
    count = (tokens == marks.end).sum(1)
    most = int(count.max()) + 2
    holed = (uniforms(draws, 1, 6) < shares.holes) & (count > 0)[:, None]
    word = inside & (event > 0) & (tokens != marks.end)
    asked = (_hidden(count, most, draws, shares.events).gather(1, event.clamp(max=most - 1))) & word
    asked |= (uniforms(draws, tokens.shape[1], 2) < shares.words) & word
    out = _taken_out(count, most, draws, shares.events)
    gone = out.gather(1, event.clamp(max=most - 1)) & inside & holed
    behind = out.gather(1, (event + 1).clamp(max=most - 1))  # whether the event behind a mark is missing
    mark = inside & ~gone & ((event == 0) | (tokens == marks.end))
    asked = torch.where(holed, mark, asked)
    gap = torch.where(behind & holed, marks.begin, marks.end)
    targets = torch.where(holed & mark, gap, tokens.long())
    shown = torch.where(asked, marks.mask, tokens.long())
    order = (gone | ~inside).to(torch.uint8).argsort(stable=True, dim=1)  # the remaining events close up
    left = (inside & ~gone).gather(1, order)
    shown = torch.where(left, shown.gather(1, order), PADDING)
    asked = asked.gather(1, order) & left
    return Masked(shown, targets.gather(1, order), asked, holed.expand_as(asked))


def _hidden(count: torch.Tensor, most: int, draws: torch.Tensor, share: float) -> torch.Tensor:
    """Which events (rows, most) are hidden: ``share`` of them, one at least."""
    number = torch.arange(most, device=count.device)[None]
    there = (number > 0) & (number <= count[:, None])
    keys = torch.where(there, uniforms(draws, most, 0), 2.0)
    wanted = (share * count + uniforms(draws, 1, 1)[:, 0]).long().clamp(min=1)
    last = keys.sort(1).values.gather(1, (wanted - 1).clamp(max=most - 1)[:, None])
    return there & (keys <= last)


def _taken_out(count: torch.Tensor, most: int, draws: torch.Tensor, share: float) -> torch.Tensor:
    """Which events (rows, most) are taken out: none in half of the rows, else one, a share, a run, or the end."""
    number = torch.arange(most, device=count.device)[None] - 1
    there = (number >= 0) & (number < count[:, None])
    u = uniforms(draws, 4, 4)
    kind = (u[:, :1] * 2 * _KINDS).long()
    start = (u[:, 1:2] * count[:, None]).long()
    run = 1 + (u[:, 2:3] * 0.5 * count[:, None]).long()
    out = (kind == 0) & (number == start)
    out |= (kind == 1) & (uniforms(draws, most, 5) < share)
    out |= (kind == 2) & (number >= start) & (number < start + run)
    out |= (kind == 3) & (number >= start)
    return out & there
