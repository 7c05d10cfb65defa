"""Where surprise begins to be worth an alert, found without labels."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_EQUAL: Final = 0.01  # F1 that a thousand made-up anomalies cannot tell apart


def cut(normal: Floats, sessions: npt.NDArray[np.int64], odd: Floats, rate: float) -> float:
    """The surprise up to which a session is usual.

    ``normal`` are surprises of normal sessions (each standing for some), ``odd`` those of made-up anomalies. A share
    ``rate`` of the normal ones at most is not usual; where that leaves a choice, the value is taken that has the best
    F1 if the same share of all sessions were anomalies of that kind; the highest of those that are as good. 0
    without normal sessions.
    """
    if not len(normal):
        return 0.0
    values, place = np.unique(normal, return_inverse=True)
    counts = np.zeros(len(values))
    np.add.at(counts, place, sessions)
    above = counts[::-1].cumsum()[::-1] - counts
    total = counts.sum()
    silent = values[int(np.argmax(above <= rate * total))]
    found = 1.0 - np.searchsorted(np.sort(odd), values, "right") / max(len(odd), 1)
    if not len(odd) or not found[0]:
        return float(silent)
    hits, misses = rate * found, rate * (1.0 - found)
    f1 = 2 * hits / (2 * hits + misses + (1.0 - rate) * (above + 1) / (total + 1))
    best = values[np.flatnonzero(f1 >= f1.max() - _EQUAL)[-1]]
    return float(max(best, silent))
