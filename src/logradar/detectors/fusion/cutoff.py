"""Where surprise begins to be worth an alert, found without labels."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_EQUAL: Final = 0.01  # F1 that a thousand made-up anomalies cannot tell apart


def cut(normal: list[Floats], odd: Floats, rate: float) -> float:
    """The surprise up to which a session is usual.

    ``normal`` are samples of normal sessions: their surprises, in order of time where that is known; ``odd`` are
    surprises of made-up anomalies. Episodes above the cut are a share ``rate`` of any sample at most, or one:
    what is like nothing else, and may be an anomaly itself, silences nothing. Where that leaves a
    choice, the value is taken that has the best F1 if the same share of all sessions were anomalies of that kind;
    the highest of those that are as good. 0 without normal sessions.
    """
    normal = [surprises for surprises in normal if len(surprises)]
    if not normal:
        return 0.0
    values = np.unique(np.concatenate(normal))
    usual, false = np.ones(len(values), bool), np.zeros(len(values))
    for surprises in normal:
        above = episodes(surprises, values)
        usual &= above <= max(rate * len(surprises), 1.0)
        false = np.maximum(false, (above + 1) / (len(surprises) + 1 / rate))  # posterior mean, ``rate`` expected
    silent = values[int(np.argmax(usual))]
    found = 1.0 - np.searchsorted(np.sort(odd), values, "right") / max(len(odd), 1)
    if not len(odd) or not found[0]:
        return float(silent)
    hits, misses = rate * found, rate * (1.0 - found)
    f1 = 2 * hits / (2 * hits + misses + (1.0 - rate) * false)
    best = values[np.flatnonzero(f1 >= f1.max() - _EQUAL)[-1]]
    return float(max(best, silent))


def episodes(surprises: Floats, values: Floats) -> Floats:
    """For each of ``values`` how many runs of sessions that follow each other surprise more.

    What is new at one time comes in several sessions one after another, and people are woken once (runs
    declustering; Smith and Weissman, JRSS B 1994).
    """
    both = np.minimum(surprises[1:], surprises[:-1])
    return _above(surprises, values) - _above(both, values)


def once(scores: Floats) -> Floats:
    """Scores in order of time; of those of an episode above 0 only the first largest stays, the others are 0."""
    odd = scores > 0
    episode = np.cumsum(odd & ~np.append(False, odd[:-1]))
    order = np.lexsort((np.arange(len(scores)), -scores, episode))
    order = order[odd[order]]
    kept = order[np.unique(episode[order], return_index=True)[1]]
    found = np.minimum(scores, 0.0)
    found[kept] = scores[kept]
    return found


def _above(surprises: Floats, values: Floats) -> Floats:
    found: Floats = (len(surprises) - np.searchsorted(np.sort(surprises), values, "right")).astype(np.float64)
    return found
