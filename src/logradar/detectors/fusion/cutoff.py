"""From which surprise on a session is worth an alert, found without labels."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_EQUAL: Final = 0.01  # difference of F1 that a thousand synthetic anomalies cannot show


def cut(normal: list[Floats], anomalies: Floats, rate: float) -> float:
    """The highest surprise of a session that counts as normal.

    ``normal`` are samples of normal sessions: their surprises, in order of time where that is known; ``anomalies`` are
    surprises of synthetic anomalies. At most a share ``rate`` of any sample are episodes above the cut, or one episode:
    a single unusual episode may be an anomaly itself, so it does not raise the cut. Among the values that this allows
    the one is taken that would have the best F1 if the same share of all sessions were anomalies of that kind; of
    equally good ones the highest. 0 without normal sessions.
    """
    normal = [surprises for surprises in normal if len(surprises)]
    if not normal:
        return 0.0
    values = np.unique(np.concatenate(normal))
    allowed, false = np.ones(len(values), bool), np.zeros(len(values))
    for surprises in normal:
        above = episodes(surprises, values)
        allowed &= above <= max(rate * len(surprises), 1.0)
        false = np.maximum(false, (above + 1) / (len(surprises) + 1 / rate))  # posterior mean, ``rate`` expected
    lowest = values[int(np.argmax(allowed))]
    recall = 1.0 - np.searchsorted(np.sort(anomalies), values, "right") / max(len(anomalies), 1)
    if not len(anomalies) or not recall[0]:
        return float(lowest)
    hits, misses = rate * recall, rate * (1.0 - recall)
    f1 = 2 * hits / (2 * hits + misses + (1.0 - rate) * false)
    best = values[np.flatnonzero(f1 >= f1.max() - _EQUAL)[-1]]
    return float(max(best, lowest))


def episodes(surprises: Floats, values: Floats) -> Floats:
    """For each of ``values`` how many runs of consecutive sessions surprise more.

    New behaviour at one time comes in several sessions one after another, and people are alerted once (runs
    declustering; Smith and Weissman, JRSS B 1994).
    """
    both = np.minimum(surprises[1:], surprises[:-1])
    return _above(surprises, values) - _above(both, values)


def once(scores: Floats) -> Floats:
    """Scores in order of time where each episode above 0 keeps only its highest score (the first); the others are 0."""
    above = scores > 0
    episode = np.cumsum(above & ~np.append(False, above[:-1]))
    order = np.lexsort((np.arange(len(scores)), -scores, episode))
    order = order[above[order]]
    kept = order[np.unique(episode[order], return_index=True)[1]]
    single = np.minimum(scores, 0.0)
    single[kept] = scores[kept]
    return single


def _above(surprises: Floats, values: Floats) -> Floats:
    counts: Floats = (len(surprises) - np.searchsorted(np.sort(surprises), values, "right")).astype(np.float64)
    return counts
