"""How surprising the words of sessions are to a log language model, and how certain it is that an event is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logradar.detectors.neural.scorer import Scorer
from logradar.detectors.neural.surprisal import UNSEEN
from logradar.detectors.text.frames import Frames
from logradar.detectors.text.tokenizer import Marks

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
_FRAMES = 256  # frames whose questions are in memory at once


@dataclass(frozen=True, eq=False)
class WordSurprise:
    """``words`` and ``gaps``: one entry for every token of the frames, in nats, from 0 to `UNSEEN`.

    A word has the excess of its surprisal over the entropy of the prediction, when its whole event is hidden. The mark
    between two events has the surprisal of "nothing is missing here". All else is 0.
    """

    frames: Frames
    words: Floats
    gaps: Floats

    @classmethod
    def of(cls, frames: Frames, scorer: Scorer, marks: Marks, passes: int, holes: bool) -> WordSurprise:
        """Ask the network ``passes`` times, each time with other events hidden; with ``holes`` once more for gaps."""
        size = len(frames.sequences.values)
        words, gaps = np.zeros(size, np.float32), np.zeros(size, np.float32)
        for asked in questions(frames, marks, passes, holes):
            for rows, output in scorer.ragged({"tokens": asked.shown, "targets": asked.targets}, asked.offsets):
                width = output.shape[1]
                starts, lengths = asked.offsets[rows], np.diff(asked.offsets)[rows]
                inside = np.arange(width) < lengths[:, None]
                value = np.where(inside, starts[:, None] + np.arange(width), 0)
                chosen = inside & asked.hidden[value]
                row, place = np.nonzero(chosen)
                came, entropy = output[row, place, 0], output[row, place, 1]
                target, gap = asked.source[value[row, place]], asked.gap[rows][row]
                nats = np.minimum(-came, UNSEEN)
                gaps[target[gap]] = np.maximum(nats[gap], 0)
                words[target[~gap]] = np.maximum(nats - entropy, 0)[~gap]
        return cls(frames, words, gaps)

    def events(self, count: int, weight: float) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The score of each of ``count`` events, gaps ``weight`` times; and for which of them the gap is higher."""
        words = self._highest(self.words, count)
        gaps = self._weighted(self._highest(self.gaps, count), weight)
        return np.maximum(words, gaps), gaps > words

    def parts(self, count: int) -> tuple[Floats, Floats]:
        """Words and gaps of each of ``count`` events, before they are weighed."""
        return self._highest(self.words, count), self._highest(self.gaps, count)

    @staticmethod
    def _weighted(gaps: Floats, weight: float) -> Floats:
        weighed: Floats = np.minimum(np.float32(weight) * gaps, np.where(gaps > 0, UNSEEN + gaps, 0))
        return weighed.astype(np.float32)

    def _highest(self, nats: Floats, count: int) -> Floats:
        """The highest of the tokens of each event, of the frame that the event belongs to; a beginning counts to it."""
        frames, out = self.frames, np.zeros(count, np.float32)
        frame = frames.sequences.rows
        event = np.where(frames.event < 0, frames.first[frame], frames.event)
        own = (event >= frames.own[frame]) & (event < frames.own[frame + 1]) & (event < count)
        np.maximum.at(out, event[own], nats[own])
        return out


@dataclass(frozen=True, eq=False)
class Questions:
    """Rows with something hidden; ``source`` is the token of the frames that each value is, ``gap`` what is asked."""

    shown: npt.NDArray[np.int32]
    targets: npt.NDArray[np.int32]
    offsets: Ints
    hidden: npt.NDArray[np.bool_]
    source: Ints
    gap: npt.NDArray[np.bool_]


def questions(frames: Frames, marks: Marks, passes: int, holes: bool) -> Iterator[Questions]:
    """What the network is asked of frames: some at a time, each as often as there are questions about it."""
    for start in range(0, len(frames.sequences), _FRAMES):
        some = np.arange(start, min(start + _FRAMES, len(frames.sequences)))
        events = (frames.stop - frames.first)[some]
        hiding = np.minimum(events, passes)
        turns = np.where(events > 0, hiding + holes, 0)
        frame = np.repeat(some, turns)
        turn = np.arange(len(frame)) - np.repeat(np.cumsum(turns) - turns, turns)
        count = np.repeat(hiding, turns)
        lengths = frames.sequences.lengths[frame]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        row = np.repeat(np.arange(len(frame)), lengths)
        source = np.arange(int(offsets[-1])) + np.repeat(frames.sequences.offsets[frame] - offsets[:-1], lengths)
        tokens, event = frames.sequences.values[source], frames.event[source]
        gap = turn == count
        number = np.where(event < 0, 0, event - frames.first[frame][row])
        begins = np.zeros(len(source), bool)
        begins[offsets[:-1]] = True
        ends = np.zeros(len(source), bool)
        ends[:-1] = event[1:] != event[:-1]
        ends |= np.append(begins[1:], True)[: len(source)]
        ends &= ~begins
        word = ~begins & ~ends & (number % np.maximum(count, 1)[row] == turn[row])
        hidden = np.where(gap[row], begins | ends, word)
        targets = np.where(gap[row] & hidden, marks.end, tokens).astype(np.int32)
        yield Questions(np.where(hidden, marks.mask, tokens).astype(np.int32), targets, offsets, hidden, source, gap)
