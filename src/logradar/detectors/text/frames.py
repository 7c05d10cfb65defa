"""Frames: the texts of a session in one row of tokens, long sessions in several that overlap by whole events.

A row is the mark of its beginning, then for each event its tokens and the mark of its end. A row that begins inside a
session has the unknown token at its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Sequences
from logradar.detectors.text.tokenizer import Marks

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Frames:
    """``sequences[i]`` are the tokens of events ``first[i]`` to ``stop[i]`` of all events; ``row[i]`` is their session.

    Of these it gives scores to the events ``own[i]`` up to ``own[i + 1]``. ``event`` has for every token the event that
    it belongs to, the mark of its end included, and -1 for a beginning.
    """

    sequences: Sequences
    row: Ints
    first: Ints
    stop: Ints
    own: Ints
    event: Ints

    @classmethod
    def of(cls, sessions: Sequences, words: Sequences, marks: Marks, positions: int) -> Frames:
        """Sessions of numbers of texts, whose tokens are the rows of ``words``, in at most ``positions`` tokens."""
        sizes = words.lengths[sessions.values] + 1
        before = np.concatenate([[0], np.cumsum(sizes)])
        totals = before[sessions.offsets[1:]] - before[sessions.offsets[:-1]]
        if (totals + 1 <= positions).all():
            row, first, stop = np.arange(len(sessions)), sessions.offsets[:-1], sessions.offsets[1:]
            own = first
        else:
            bounds = list(zip(sessions.offsets[:-1].tolist(), sessions.offsets[1:].tolist(), strict=True))
            cuts = [
                (number, *cut)
                for number, (start, end) in enumerate(bounds)
                for cut in _cuts(before, start, end, positions)
            ]
            row, first, stop, own = np.array(cuts, np.int64).T
        own = np.append(own, len(sessions.values))
        sequences, event = _filled(sessions, words, marks, row, first, stop)
        return cls(sequences, row, first, stop, own, event)


def _cuts(before: Ints, start: int, end: int, positions: int) -> list[tuple[int, int, int]]:
    """Runs of events of one session that fit, a quarter of each shared with the next; and the first that is its own."""
    found, begin, room = [], start, positions - 1
    own = start
    while True:
        until = int(np.searchsorted(before, before[begin] + room, side="right")) - 1
        until = min(max(until, begin + 1), end)
        found.append((begin, until, own))
        if until >= end:
            return found
        again = int(np.searchsorted(before, before[until] - room // 4, side="left"))
        begin = min(max(again, begin + 1), until)
        own = (begin + until) // 2 if begin < until else until


def _filled(
    sessions: Sequences, words: Sequences, marks: Marks, row: Ints, first: Ints, stop: Ints
) -> tuple[Sequences, Ints]:
    counts = stop - first
    begins = np.cumsum(counts) - counts  # of each frame among the events of all frames
    frame = np.repeat(np.arange(len(row)), counts)
    event = (first - begins)[frame] + np.arange(len(frame))
    texts = sessions.values[event]
    sizes = words.lengths[texts] + 1
    before = np.cumsum(sizes) - sizes
    offsets = np.concatenate([[0], np.cumsum(np.bincount(frame, sizes, len(row)).astype(np.int64) + 1)])
    places = offsets[:-1][frame] + 1 + before - before[begins[frame]]
    values = np.full(int(offsets[-1]), marks.end, np.int32)
    owner = np.full(len(values), -1, np.int64)
    values[offsets[:-1]] = np.where(first == sessions.offsets[row], marks.begin, marks.unknown)
    inner = words.take(texts)
    target = np.repeat(places - inner.offsets[:-1], inner.lengths) + np.arange(len(inner.values))
    values[target] = inner.values
    owner[target] = np.repeat(event, inner.lengths)
    owner[places + sizes - 1] = event
    rows = Sequences(values, offsets, sessions.counts[row], np.arange(len(row), dtype=np.int64))
    return rows, owner
