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
    row = _row(found, event)
    nats = np.where(found.frames.event[row] == event, found.words[row], 0)
    order = np.argsort(-nats, kind="stable")[:_NAMED]
    chosen = np.sort(order[nats[order] >= _SHARE * nats[order[0]]])
    named = ", ".join(f"'{_plain(words[token])}'" for token in found.frames.sequences.values[row][chosen].tolist())
    chance = percent(float(np.exp(-nats[order[0]])))
    what = "these words were not expected here" if known else "a message never seen in training, whose words surprise"
    return f"{what}: {named} ({chance} as likely as what was expected)"


def missing(found: WordSurprise, event: int) -> str:
    """What the model says of the gaps beside an event: the one behind it, and for the first of a row the one before."""
    row, side = _row(found, event), "after"
    nats = float(found.gaps[row][found.frames.event[row] == event].max(initial=0.0))
    own = int(np.searchsorted(found.frames.own, event, "right")) - 1
    if event == found.frames.first[own] and found.gaps[row.start] > nats:
        side, nats = "before", float(found.gaps[row.start])
    chance = percent(float(np.exp(-nats)))
    return f"something is missing {side} this event: probability that nothing is missing {chance}"


def _row(found: WordSurprise, event: int) -> slice:
    """The tokens of the row that gives the event its score."""
    row = int(np.searchsorted(found.frames.own, event, "right")) - 1
    offsets = found.frames.sequences.offsets
    return slice(int(offsets[row]), int(offsets[row + 1]))


def _plain(token: str) -> str:
    marks = {"[VALUE]": "a value", "[UNK]": "an unknown sign", "[SEP]": "the end of the message"}
    return marks.get(token, token)


def percent(chance: float) -> str:
    """A chance in words, down to what is worth a number."""
    percent = 100 * chance
    return f"{percent:.2g} %" if percent >= 0.001 else "below 0.001 %"
