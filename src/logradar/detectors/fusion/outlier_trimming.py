"""Find the most unusual of the normal sessions, in case some of them are anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Ints, Sequences
from logradar.core.session_view import SessionView
from logradar.detectors.base import Floats, Incremental
from logradar.detectors.fusion.combine import fuse
from logradar.detectors.fusion.cross_conformal import learnt, left_out, with_counts
from logradar.detectors.fusion.p_values import EmpiricalPValues, positive_part

_RARE: Final = 4  # times as many sessions as are trimmed do not count as common


def most_unusual(rows: Sequences, share: float, members: Sequence[Incremental]) -> npt.NDArray[np.bool_]:
    """For each session of ``rows`` whether it is in the most unusual ``share``; equal sequences always together.

    Anomalies repeat each other, so equal sessions do not make a session less unusual. Two kinds of evidence count: how
    rare its rarest template, run of two and count vector are, and how it is scored by ``members`` that learnt common
    sessions only, which are all but the rarest (four times the share). A member's score becomes a p-value among common
    sessions, each left out together with all that have the same counts: where kinds of normal sessions have little in
    common, being unlike the others means little. All p-values are fused by their harmonic mean. The idea is that of
    trimmed estimators (Rousseeuw, JASA 1984); counts decide what is common, so nothing is random.
    """
    distinct, most = rows.distinct(), int(share * len(rows) + 1e-9)
    if not most:
        return np.zeros(len(rows), bool)
    kinds = kinds_of(distinct)
    surprises = rarities(distinct, kinds)
    stay = without(distinct, surprises, min(_RARE * most, len(rows) // 2))
    common = with_counts(distinct, np.flatnonzero(stay))
    for member in members:
        scale = EmpiricalPValues.of(positive_part(left_out(member, common, kinds[stay])), common.counts)
        surprises.append(scale.surprise(positive_part(learnt(member, common)._score(SessionView(distinct)).rows)))
    out: npt.NDArray[np.bool_] = ~without(distinct, surprises, most)[distinct.inverse]
    return out


def without(rows: Sequences, surprises: list[Floats], most: int) -> npt.NDArray[np.bool_]:
    """Which distinct rows stay when the most surprising ones, of ``most`` sessions at most, are removed."""
    fused = fuse(np.array(surprises), np.full(len(surprises), 1 / len(surprises)))
    order = np.lexsort((rows.fingerprints(), -fused))
    kept = np.ones(len(rows), bool)
    kept[order[: int(np.searchsorted(np.cumsum(rows.counts[order]), most, "right"))]] = False
    return kept


def rarities(rows: Sequences, vectors: npt.NDArray[np.uint64]) -> list[Floats]:
    """Surprises of rows: by the rarest template, the rarest run of two (with start and end) and the count vector."""
    every = np.arange(len(rows))
    seen = [
        _sessions_with(rows.values, rows.rows, rows.counts),
        _sessions_with(*rows.closed().runs(), rows.counts),
        _sessions_with(vectors, every, rows.counts),
    ]
    return [EmpiricalPValues.of(-sessions, rows.counts).surprise(-sessions) for sessions in seen]


def _sessions_with(items: npt.NDArray[np.generic], row: Ints, counts: Ints) -> Floats:
    """For each row how many sessions have the rarest of its ``items``; all of them for a row without any."""
    _, number = np.unique(items, return_inverse=True)
    item, of = np.divmod(np.unique(number.astype(np.int64) * len(counts) + row), len(counts))
    sessions = np.bincount(item, counts[of])
    rarest = np.full(len(counts), float(counts.sum()))
    np.minimum.at(rarest, of, sessions[item])
    return rarest


def kinds_of(rows: Sequences) -> npt.NDArray[np.uint64]:
    """For each row a hash of its counts: rows of one kind have the same events, in whatever order."""
    return rows.sorted().fingerprints()
