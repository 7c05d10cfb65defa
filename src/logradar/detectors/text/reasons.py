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
    """What the model says of the gap beside an event."""
    own = (found.frames.event == event) & (found.gaps > 0)
    at_begin = not own.any()
    nats = float(found.gaps[own].max()) if own.any() else float(found.gaps.max(initial=0.0))
    side = "before" if at_begin else "after"
    return (
        f"something is missing {side} this event: probability that nothing is missing {_percent(float(np.exp(-nats)))}"
    )


def _plain(token: str) -> str:
    return "a value" if token == "[VALUE]" else "an unknown sign" if token == "[UNK]" else token


def _percent(chance: float) -> str:
    percent = 100 * chance
    return f"{percent:.2g} %" if percent >= 0.001 else "below 0.001 %"
