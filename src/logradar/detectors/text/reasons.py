"""Why the words of an event are surprising, in sentences for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from logradar.detectors.text.word_surprise import WordSurprise

_NAMED: Final = 4  # words in a sentence
_SHARE: Final = 0.5  # of the most surprising word, for a word to be named with it


def surprising(found: WordSurprise, event: int, words: Sequence[str], known: bool) -> str:
    """The most surprising words of an event of these frames; ``words`` are the texts of the tokens."""
    nats = np.where(found.frames.event == event, found.words, 0)
    order = np.argsort(-nats, kind="stable")[:_NAMED]
    chosen = np.sort(order[nats[order] >= _SHARE * nats[order[0]]])
    named = ", ".join(f"'{_plain(words[token])}'" for token in found.frames.sequences.values[chosen].tolist())
    chance = _percent(float(np.exp(-nats[order[0]])))
    what = "these words were not expected here" if known else "a message never seen in training, whose words surprise"
    return f"{what}: {named} ({chance} as likely as what was expected)"


def missing(found: WordSurprise, event: int) -> str:
    """What the model says of the gaps beside an event: the one behind it, and for the first of a row the one before."""
    frames, side, nats = found.frames, "after", 0.0
    for row in np.flatnonzero((frames.own[:-1] <= event) & (event < frames.own[1:])).tolist():
        start, stop = int(frames.sequences.offsets[row]), int(frames.sequences.offsets[row + 1])
        own = found.gaps[start:stop][frames.event[start:stop] == event]
        nats = float(own.max(initial=0.0))
        if event == frames.first[row] and found.gaps[start] > nats:
            side, nats = "before", float(found.gaps[start])
    chance = _percent(float(np.exp(-nats)))
    return f"something is missing {side} this event: probability that nothing is missing {chance}"


def _plain(token: str) -> str:
    return "a value" if token == "[VALUE]" else "an unknown sign" if token == "[UNK]" else token


def _percent(chance: float) -> str:
    percent = 100 * chance
    return f"{percent:.2g} %" if percent >= 0.001 else "below 0.001 %"
