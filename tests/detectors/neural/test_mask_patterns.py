"""Framed spans and patterns of masks: every event is asked about once."""

from __future__ import annotations

import numpy as np
import pytest

from logradar.core.sequences import Sequences
from logradar.core.tables import MASK, UNKNOWN
from logradar.detectors.neural.mask_patterns import WHOLE, Framed, Patterns

BEGIN, END, CUT = 50, 51, 52


def framed(rows: list[list[int]], positions: int) -> tuple[Sequences, Framed]:
    tokens = Sequences.from_lists(rows)
    return tokens, Framed.of(tokens, positions, BEGIN)


def test_a_short_session_is_one_span_between_begin_and_end():
    _, frames = framed([[3, 4, 5], [], [6]], 16)
    assert [row.tolist() for row in frames.sequences] == [[BEGIN, 3, 4, 5, END], [BEGIN, END], [BEGIN, 6, END]]
    assert frames.own.tolist() == [0, 3, 3, 4]


def test_a_long_session_is_cut_with_context_on_both_sides():
    _, frames = framed([list(range(3, 33)), [3]], 14)  # spans of 12 events that share 3
    assert [row.tolist() for row in frames.sequences] == [
        [BEGIN, *range(3, 15), CUT],
        [CUT, *range(12, 24), CUT],
        [CUT, *range(21, 33), END],
        [BEGIN, 3, END],
    ]
    assert frames.own.tolist() == [0, 10, 19, 30, 31]


@pytest.mark.parametrize("positions", [8, 14, 64])
@pytest.mark.parametrize("passes", [1, 3, 7, 100])
def test_every_event_is_masked_once_where_it_is_owned(positions, passes):
    rng = np.random.default_rng(positions)
    rows = [rng.integers(3, 40, length).tolist() for length in (0, 1, 2, 5, 6, 7, 40, 0, 61, 62, 63, 0)]
    tokens, frames = framed(rows, positions)
    asked = Patterns.every(frames, passes)
    row = asked.shown.rows
    event = asked.event[asked.masked]
    span = asked.span[row[asked.masked]]
    own = (event >= frames.own[span]) & (event < frames.own[span + 1])
    np.testing.assert_array_equal(np.sort(event[own]), np.arange(len(tokens.values)))
    shown = asked.shown.values
    assert (shown[asked.masked] == MASK).all()
    hidden = frames.sequences.take(asked.span).values
    np.testing.assert_array_equal(shown[~asked.masked], hidden[~asked.masked])
    np.testing.assert_array_equal(hidden[asked.masked], tokens.values[event])
    whole = asked.pattern == WHOLE
    assert whole.sum() == (frames.sequences.lengths > 2).sum()
    assert not asked.masked[whole[row]].any()
    assert np.bincount(asked.span).max() <= passes + 1


def test_unknown_events_are_shown_as_masks_and_asked_like_others():
    _, frames = framed([[3, UNKNOWN, 4]], 16)
    asked = Patterns.every(frames, 7)
    assert [row.tolist() for row in asked.shown] == [
        [BEGIN, 3, MASK, 4, END],
        [BEGIN, MASK, MASK, 4, END],
        [BEGIN, 3, MASK, 4, END],
        [BEGIN, 3, MASK, MASK, END],
    ]
    assert asked.masked.sum() == 3
