"""What LogBERT learns from: shares of masks, what is taken out, and that all of it repeats."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from logradar.core.tables import MASK, PADDING, UNKNOWN
from logradar.detectors.neural.event_masking import MISSING, WHICH, masked, predictions, question, taken_out, uniforms
from logradar.training.counter_rng import draws

TEMPLATES = 20
BEGIN, END = 23, 24


def framed(lengths: list[int], seed: int = 0) -> torch.Tensor:
    """Rows of random events between BEGIN and END."""
    rng = np.random.default_rng(seed)
    out = np.full((len(lengths), max(lengths) + 2), PADDING, np.int32)
    for row, length in zip(out, lengths, strict=True):
        row[: length + 2] = [BEGIN, *rng.integers(3, 3 + TEMPLATES, length), END]
    return torch.from_numpy(out)


def drawn(count: int, *key: int) -> torch.Tensor:
    return torch.from_numpy(draws(np.arange(count), *key))


def test_uniforms_are_uniform_and_their_own():
    numbers = uniforms(drawn(2000, 1), 50, 3).numpy()
    counts, _ = np.histogram(numbers, 20, (0, 1))
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert np.abs(counts / numbers.size - 0.05).max() < 0.002
    assert np.abs(np.corrcoef(numbers[:, :10].T) - np.eye(10)).max() < 0.1
    assert np.abs(np.corrcoef(numbers[:, 0], uniforms(drawn(2000, 1), 50, 4).numpy()[:, 0])[0, 1]) < 0.1


@pytest.mark.parametrize("share", [0.15, 0.5])
def test_the_shares_of_masks_hold(share):
    """15 % of the events; of these 80 % masked, 10 % another, 10 % as they were."""
    lengths = [1, 2, 3, 10, 19, 37] * 4000
    tokens = framed(lengths)
    shown, chosen = masked(tokens, drawn(len(lengths), 5), share, TEMPLATES)
    events = (tokens >= 3) & (tokens < 3 + TEMPLATES)
    assert not (chosen & ~events).any()
    assert int(chosen.sum()) / int(events.sum()) == pytest.approx(share, abs=0.001)
    for length in (1, 3, 37):  # in rows of any length, never more than one event off
        part = chosen[torch.tensor(lengths) == length].sum(1).float()
        assert float(part.mean()) == pytest.approx(share * length, abs=0.03)
        assert set(part.tolist()) <= {float(int(share * length)), float(int(share * length) + 1)}
    total = int(chosen.sum())
    masks = int((shown[chosen] == MASK).sum()) / total
    same = int((shown[chosen] == tokens[chosen]).sum()) / total
    assert masks == pytest.approx(0.8, abs=0.005)
    assert same == pytest.approx(0.1 + 0.1 / TEMPLATES, abs=0.005)  # a random event may be the same one
    assert torch.equal(shown[~chosen], tokens[~chosen])
    places = chosen[torch.tensor(lengths) == 37].float().mean(0)[1:38]
    assert float((places - share).abs().max()) < 0.03  # no place is preferred


def test_a_row_is_asked_the_same_in_any_batch():
    tokens, random = framed([5, 30, 12, 30]), drawn(4, 9)
    whole = question(tokens, random, 0.15, 0.5, TEMPLATES)
    for row in range(4):
        alone = question(tokens[row : row + 1], random[row : row + 1], 0.15, 0.5, TEMPLATES)
        keep = whole.valid[row]
        for name in ("places", "asks", "classes"):
            assert torch.equal(getattr(whole, name)[row][keep], getattr(alone, name)[0][alone.valid[0]])
        assert torch.equal(whole.tokens[row], alone.tokens[0])
    other = question(tokens, drawn(4, 10), 0.15, 0.5, TEMPLATES)
    assert not torch.equal(whole.tokens, other.tokens)


def test_what_was_taken_out_is_the_answer():
    """Rebuilt by hand from what was taken out."""
    lengths = [1 + i % 23 for i in range(2000)]
    tokens, random = framed(lengths), drawn(2000, 2)
    out = taken_out(tokens, random, 0.15, TEMPLATES)
    q = question(tokens, random, 0.15, 1 - 1e-9, TEMPLATES)
    assert 0.4 < float((~out.any(1)).float().mean()) < 0.65
    assert bool((q.asks[q.valid] == MISSING).all())
    for row in range(2000):
        before, left, gone = [0], [BEGIN], False
        for place in range(1, lengths[row] + 2):
            token = int(tokens[row, place])
            if out[row, place]:
                gone = token - 2
            else:
                left.append(token)
                before.append(int(gone))
                gone = False
        assert q.tokens[row][q.tokens[row] != PADDING].tolist() == left
        for place, answer in zip(q.places[row][q.valid[row]].tolist(), q.classes[row][q.valid[row]], strict=True):
            taken = (tokens[row][out[row]] - 2).tolist()
            assert (int(answer) in (taken or [0])) if place == 0 else int(answer) == before[place]
        assert 0 in q.places[row][q.valid[row]].tolist()


def test_masked_rows_ask_for_the_event_and_unknown_ones_are_not_asked():
    tokens = framed([30] * 500)
    tokens[:, 5] = UNKNOWN
    random = drawn(500, 3)
    q = question(tokens, random, 0.3, 0.0, TEMPLATES)
    assert bool((q.asks[q.valid] == WHICH).all())
    assert not (q.places[q.valid] == 5).any()
    real = tokens.gather(1, q.places)[q.valid] - 2
    assert torch.equal(real.long(), q.classes[q.valid])


def test_as_many_answers_are_asked_as_the_loss_is_divided_by():
    for holes in (0.0, 0.5, 0.9):
        lengths = [5, 20, 60] * 3000
        q = question(framed(lengths), drawn(9000, 8), 0.15, holes, TEMPLATES)
        expected = predictions(np.array(lengths) + 2, 0.15, holes).sum()
        assert int(q.valid.sum()) == pytest.approx(expected, rel=0.02)


def test_rows_without_events_are_borne():
    q = question(framed([0, 0]), drawn(2, 1), 0.15, 0.5, 0)
    assert q.tokens.tolist() == [[BEGIN, END]] * 2
    assert bool((q.classes == 0).all())
