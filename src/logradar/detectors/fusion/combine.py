"""Combine the surprises of several detectors about one session into one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_FIRES = 1.0  # surprise from which a member counts as having reported something: one normal session in ten


def fuse(surprises: Floats, weights: Floats) -> Floats:
    """Surprise of each session, from those of its members (members x sessions) and their ``weights`` (sum 1).

    -log10 of the weighted harmonic mean of p-values (Wilson, PNAS 2019): one certain member is enough, several that
    agree count a little more, and dependence among them does no harm. Exactly 0 where no member is surprised, and
    for a session the same bytes in every batch: members are added one after the other, never by a matrix product,
    whose order of additions depends on the number of sessions.
    """
    top = surprises.max(axis=0)
    total = np.zeros(surprises.shape[1])
    for row, weight in zip(surprises, weights, strict=True):
        total += weight * 10.0 ** (row - top)
    fused: Floats = top + np.log10(total)
    return np.where(fused > rounding(len(weights), top), fused, 0.0)


def rounding(members: int, surprises: Floats) -> Floats:
    """How far rounding may move a fused surprise, given the surprises of which it is made.

    Each member adds a quotient, a logarithm, a power, a product and a sum, and the end one logarithm and one sum.
    Each of these is wrong by one part in 2**52 at most, of a number that is at most 1 more than the surprise.
    """
    return (5 * members + 2) * np.finfo(np.float64).eps * (1.0 + np.abs(surprises))


def beyond(fused: Floats, limit: float | Floats, members: int) -> Floats:
    """``fused`` less ``limit``; exactly 0 where the two differ by no more than `rounding`."""
    left = fused - limit
    return np.where(np.abs(left) <= rounding(members, np.maximum(np.abs(fused), np.abs(limit))), 0.0, left)


def overlap(one: Floats, other: Floats, sessions: npt.NDArray[Any]) -> float:
    """How often two members report the same normal sessions, of those that one of them reports (Jaccard), 0 to 1."""
    first, second = one >= _FIRES, other >= _FIRES
    either = float(sessions[first | second].sum())
    return float(sessions[first & second].sum()) / either if either else 0.0


def voices(overlaps: Floats) -> Floats:
    """Weights of members from the matrix of their overlaps: members that report the same sessions share one weight."""
    weights = 1.0 / (overlaps**2).sum(axis=1)
    normalised: Floats = weights / weights.sum()
    return normalised


def graded(fused: Floats, scores: Iterable[Floats]) -> Floats:
    """Fused surprises; where no member is surprised the sum of scores below 0, so that normal sessions are ordered."""
    still = np.zeros(len(fused))
    for rows in scores:  # one after the other, so that the sum of a session depends on no other session
        still += np.minimum(rows, 0.0)
    return np.where(fused > 0, fused, still)
