"""Texts of a session in rows of tokens, and the questions that are asked of such rows."""

import random

import numpy as np
import pytest

from logradar.core.sequences import Sequences
from logradar.detectors.text.frames import Frames
from logradar.detectors.text.tokenizer import Marks

MARKS = Marks(padding=0, unknown=1, mask=2, begin=3, end=4)


def test_a_row_is_the_beginning_and_for_each_event_its_tokens_and_an_end():
    words = Sequences.from_lists([[10, 11], [12], [13, 14, 15]])
    frames = Frames.of(Sequences.from_lists([[0, 2], [], [1]]), words, MARKS, 64)
    assert [row.tolist() for row in frames.sequences] == [[3, 10, 11, 4, 13, 14, 15, 4], [3], [3, 12, 4]]
    assert frames.event.tolist() == [-1, 0, 0, 0, 1, 1, 1, 1, -1, -1, 2, 2]
    assert frames.own.tolist() == [0, 2, 2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_long_sessions_are_cut_between_events_and_every_event_has_one_owner(seed):
    rng = random.Random(seed)
    words = Sequences.from_lists([[rng.randrange(5, 90)] * rng.randrange(1, 20) for _ in range(12)])
    sessions = Sequences.from_lists([rng.choices(range(12), k=rng.choice([0, 1, 5, 60, 200])) for _ in range(9)])
    frames = Frames.of(sessions, words, MARKS, 64)
    assert frames.sequences.lengths.max() <= 64
    owned = np.zeros(len(sessions.values), int)
    for number, (row, first, stop) in enumerate(zip(frames.row, frames.first, frames.stop, strict=True)):
        tokens = [3 if first == sessions.offsets[row] else 1]
        for event in range(first, stop):
            tokens += [*words[sessions.values[event]].tolist(), 4]
        assert frames.sequences[number].tolist() == tokens
        begin, end = frames.own[number], frames.own[number + 1]
        assert first <= begin and end <= stop
        owned[begin:end] += 1
    assert (owned == 1).all()


def test_questions_hide_whole_events_or_ask_for_what_was_taken_out():
    torch = pytest.importorskip("torch")
    from logradar.detectors.text.word_masking import Shares, events_of, question

    words = Sequences.from_lists([[10, 11], [12], [13, 14, 15]])
    rows = Frames.of(Sequences.from_lists([[0, 1, 2, 0], [2], [1, 1]] * 50), words, MARKS, 64).sequences
    width = int(rows.lengths.max())
    tokens = torch.zeros(len(rows), width, dtype=torch.int64)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.from_numpy(row.astype(np.int64))
    draws = torch.arange(1, len(rows) + 1) * 7919
    seen = {"hidden": 0, "nothing": 0, "gap": 0}
    for holes in (0.0, 1.0):
        asked = question(tokens, draws, Shares(0.3, 0.0, holes), MARKS)
        for number in range(len(rows)):
            shown, at = asked.tokens[number], asked.asked[number]
            assert (shown[at] == MARKS.mask).all() and at.any()
            whole = shown.clone()
            whole[at] = asked.targets[number][at]
            if not holes:
                assert (whole == tokens[number]).all()  # the answers are what was there
                for event in set(events_of(tokens, MARKS)[number][at].tolist()):
                    of = (
                        (events_of(tokens, MARKS)[number] == event)
                        & (tokens[number] != MARKS.end)
                        & (tokens[number] > 0)
                    )
                    assert at[of].all()
                seen["hidden"] += 1
            else:
                assert set(whole[at].tolist()) <= {MARKS.begin, MARKS.end}
                left = [token for token in whole.tolist() if token]
                taken = len(rows[number]) > len(left)
                assert (MARKS.begin in whole[at].tolist()) == taken
                seen["gap" if taken else "nothing"] += 1
    assert min(seen.values()) > 20
