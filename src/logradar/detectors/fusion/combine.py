"""Several surprises about one session become one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_FIRES = 1.0  # surprise from which a member is said to have spoken: one normal session in ten


def fuse(surprises: Floats, weights: Floats) -> Floats:
    """Surprise of each session, from those of its members (members x sessions) and their ``weights`` (sum 1).

    -log10 of the weighted harmonic mean of p-values (Wilson, PNAS 2019): one sure member is enough, several that
    agree count a little more, and dependence among them does no harm. 0 where nobody is surprised.
    """
    top = surprises.max(axis=0)
    found: Floats = top + np.log10(np.tensordot(weights, 10.0 ** (surprises - top), axes=1))
    return np.maximum(found, 0.0)


def overlap(one: Floats, other: Floats, sessions: npt.NDArray[Any]) -> float:
    """How often two members speak together among normal sessions where at least one does (Jaccard), 0 to 1."""
    first, second = one >= _FIRES, other >= _FIRES
    either = float(sessions[first | second].sum())
    return float(sessions[first & second].sum()) / either if either else 0.0


def voices(overlaps: Floats) -> Floats:
    """Weights of members from the matrix of their overlaps: those that say the same share one voice."""
    weights = 1.0 / (overlaps**2).sum(axis=1)
    found: Floats = weights / weights.sum()
    return found
