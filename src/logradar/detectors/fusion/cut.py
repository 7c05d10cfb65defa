"""Where surprise begins to be worth an alert, found without labels."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_EQUAL: Final = 0.01  # F1 that a thousand made-up anomalies cannot tell apart


def cut(normal: list[tuple[Floats, npt.NDArray[np.int64]]], odd: Floats, rate: float) -> float:
    """The surprise up to which a session is usual.

    ``normal`` are samples of normal sessions: their surprises, and how many sessions each stands for; ``odd`` are
    surprises of made-up anomalies. A share ``rate`` of any sample at most is not usual; where that leaves a choice,
    the value is taken that has the best F1 if the same share of all sessions were anomalies of that kind; the
    highest of those that are as good. 0 without normal sessions.
    """
    normal = [sample for sample in normal if len(sample[0])]
    if not normal:
        return 0.0
    values = np.unique(np.concatenate([surprises for surprises, _ in normal]))
    above = [_above(surprises, sessions, values) for surprises, sessions in normal]
    share = np.max([counts / sessions.sum() for counts, (_, sessions) in zip(above, normal, strict=True)], axis=0)
    false = np.max(
        [(counts + 1) / (sessions.sum() + 1) for counts, (_, sessions) in zip(above, normal, strict=True)], axis=0
    )
    silent = values[int(np.argmax(share <= rate))]
    found = 1.0 - np.searchsorted(np.sort(odd), values, "right") / max(len(odd), 1)
    if not len(odd) or not found[0]:
        return float(silent)
    hits, misses = rate * found, rate * (1.0 - found)
    f1 = 2 * hits / (2 * hits + misses + (1.0 - rate) * false)
    best = values[np.flatnonzero(f1 >= f1.max() - _EQUAL)[-1]]
    return float(max(best, silent))


def _above(surprises: Floats, sessions: npt.NDArray[np.int64], values: Floats) -> Floats:
    """For each of ``values`` how many sessions surprise more."""
    order = np.argsort(surprises)
    beyond = np.append(np.cumsum(sessions[order][::-1])[::-1], 0)
    found: Floats = beyond[np.searchsorted(surprises[order], values, "right")].astype(np.float64)
    return found
