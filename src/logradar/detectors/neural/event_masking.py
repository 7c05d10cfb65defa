"""What LogBERT learns from: sessions with events masked, or with events removed.

All randomness comes from one number per row (`logradar.training.counter_rng`), so that a row is masked in
the same way in every batch, and in a resumed training as in one that was not interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from logradar.core.tables import FIRST_TEMPLATE, MASK, PADDING

WHICH: Final = 0  # the question "which event is at this place"
MISSING: Final = 1  # the question "which event is missing before this one", or, at the first place, anywhere
Ints = npt.NDArray[np.int64]

_KINDS: Final = 4  # ways to remove: one event, a share of all, a run, all to the end


@dataclass(frozen=True, eq=False)
class Question:
    """A batch as the network reads it, with the right answers.

    ``tokens`` (rows, length), ``places``, ``asks``, ``classes`` and ``valid`` (rows, asked); class 0 is
    "nothing", and entries that are not valid only fill up a row.
    """

    tokens: torch.Tensor
    places: torch.Tensor
    asks: torch.Tensor
    classes: torch.Tensor
    valid: torch.Tensor


def uniforms(draws: torch.Tensor, count: int, salt: int) -> torch.Tensor:
    """``count`` numbers in [0, 1) for each of ``draws`` (rows,) int64; other numbers for another ``salt``."""
    columns = torch.arange(1, count + 1, device=draws.device, dtype=torch.int64) + (salt << 32)
    z = draws[:, None] + columns * -0x61C8864680B583EB
    z = (z ^ (z >> 30 & (1 << 34) - 1)) * -0x40A7B892E31B1A47
    z = (z ^ (z >> 27 & (1 << 37) - 1)) * -0x6B2FB644ECCEEE15
    return (z >> 40 & (1 << 24) - 1).to(torch.float32) / (1 << 24)


def masked(
    tokens: torch.Tensor, draws: torch.Tensor, share: float, templates: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """``tokens`` (rows, length) with ``share`` of the events of every row hidden, and which they are.

    Of a row with n events ``share`` n are chosen, rounded up or down at random so that the share holds
    on average; of these 80 % become MASK, 10 % a random template, 10 % stay (Devlin et al., NAACL 2019).
    """
    events = _events(tokens, templates)
    keys = torch.where(events, uniforms(draws, tokens.shape[1], 0), 2.0)
    wanted = (share * events.sum(1) + uniforms(draws, 1, 1)[:, 0]).long()
    last = keys.sort(1).values.gather(1, (wanted - 1).clamp(min=0)[:, None])
    chosen = events & (keys <= last) & (wanted > 0)[:, None]
    how = uniforms(draws, tokens.shape[1], 2)
    other = FIRST_TEMPLATE + (uniforms(draws, tokens.shape[1], 3) * templates).to(tokens.dtype)
    hidden = torch.where(how < 0.8, MASK, torch.where(how < 0.9, other, tokens))
    return torch.where(chosen, hidden, tokens), chosen


def taken_out(tokens: torch.Tensor, draws: torch.Tensor, share: float, templates: int) -> torch.Tensor:
    """Which events of ``tokens`` (rows, length) are removed: none in half of the rows.

    In the other half it is one event, or ``share`` of all, or a run, or all from a random place on.
    """
    events = _events(tokens, templates)
    count = events.sum(1, keepdim=True)
    number = torch.cumsum(events, 1) - 1  # of the event in its row
    u = uniforms(draws, 4, 4)
    kind = (u[:, :1] * 2 * _KINDS).long()  # the upper half removes nothing
    start = (u[:, 1:2] * count).long()
    run = 1 + (u[:, 2:3] * 0.5 * count).long()
    out = (kind == 0) & (number == start)
    out |= (kind == 1) & (uniforms(draws, tokens.shape[1], 5) < share)
    out |= (kind == 2) & (number >= start) & (number < start + run)
    out |= (kind == 3) & (number >= start)
    return out & events


def question(tokens: torch.Tensor, draws: torch.Tensor, share: float, holes: float, templates: int) -> Question:
    """Rows of framed ``tokens`` with events masked, or, in the share ``holes`` of them, removed."""
    holed = uniforms(draws, 1, 6) < holes
    classes = torch.where(_events(tokens, templates), tokens - FIRST_TEMPLATE + 1, -1).long()
    shown, chosen = masked(tokens, draws, share, templates)
    chosen = chosen & ~holed
    out = taken_out(tokens, draws, share, templates) & holed
    # The remaining events close up; each place is asked which event was removed before it, if any.
    before = torch.zeros_like(classes)
    before[:, 1:] = torch.where(out, classes, 0)[:, :-1]
    removed = (out.float() * (1 + uniforms(draws, tokens.shape[1], 7))).argmax(1, keepdim=True)
    before[:, :1] = torch.where(out.any(1, keepdim=True), classes.gather(1, removed), 0)
    inside = tokens != PADDING
    asked = holed & inside & ~out & ((before > 0) | (uniforms(draws, tokens.shape[1], 8) < share))
    asked[:, :1] = holed
    order = (out | ~inside).to(torch.uint8).argsort(stable=True, dim=1)
    kept = (~out & inside).gather(1, order)
    shown = torch.where(kept, torch.where(holed, tokens, shown).gather(1, order), PADDING)
    answer = torch.where(holed, before, classes).gather(1, order)
    chosen = (chosen | asked).gather(1, order) & kept & (answer >= 0)
    width = max(int(chosen.sum(1).max()), 1)
    places = chosen.to(torch.uint8).argsort(stable=True, dim=1, descending=True)[:, :width]
    asks = torch.where(holed, MISSING, WHICH).expand_as(places)
    return Question(shown, places, asks, answer.gather(1, places).clamp(min=0), chosen.gather(1, places))


def predictions(lengths: Ints, share: float, holes: float) -> npt.NDArray[np.float64]:
    """How many answers `question` asks of framed rows of ``lengths``, on average."""
    events = lengths - 2.0
    out = (1 + share * events + 0.2 * events + 0.5 * (events + 1)) / (2 * _KINDS)  # of the four ways
    gaps = 1 + share * (events + 1 - out) + (1 - share) * (3 + share * events) / (2 * _KINDS)
    expected: npt.NDArray[np.float64] = (1 - holes) * share * events + holes * np.where(events > 0, gaps, 1 + share)
    return expected


def _events(tokens: torch.Tensor, templates: int) -> torch.Tensor:
    return (tokens >= FIRST_TEMPLATE) & (tokens < FIRST_TEMPLATE + templates)
