"""Scores of normal sessions as if each had not been seen in training."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.core.distinct import count_distinct
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.detectors.base import Floats, Incremental

FOLDS: Final = 10
Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
_NOTHING: Final = Sequences.from_lists([])


def left_out(detector: Incremental, rows: Sequences, kinds: Hashes | None = None) -> Floats:
    """One score for each of the distinct ``rows``, by a detector like ``detector`` that learnt all other rows.

    A row with a count above 1 stays known when one of its sessions is left out. Rows with a count of 1
    are left out a tenth at a time (cross-conformal; Vovk, 2015), by their hash, so that their order does not matter.
    With ``kinds``, a hash for each row, all rows are left out, and those of one kind always together.
    """
    scores = learnt(detector, rows)._score(SessionView(rows)).rows.copy()
    alone = np.flatnonzero(rows.counts == 1) if kinds is None else np.arange(len(rows))
    fold = (rows.fingerprints() if kinds is None else kinds)[alone] % np.uint64(FOLDS)
    for number in np.unique(fold):
        out = alone[fold == number]
        kept = np.setdiff1d(np.arange(len(rows)), out)
        if len(kept):
            scores[out] = learnt(detector, with_counts(rows, kept))._score(SessionView(rows.take(out))).rows
    return scores


def with_counts(rows: Sequences, chosen: Ints) -> Sequences:
    """The ``chosen`` of distinct rows with their counts."""
    kept = rows.take(chosen)
    return Sequences(kept.values, kept.offsets, rows.counts[chosen], kept.inverse)


def learnt(detector: Incremental, rows: Sequences) -> Incremental:
    """A detector like ``detector`` that learnt distinct ``rows``."""
    fresh = type(detector)(detector.settings, detector.seed)
    fresh._fit(count_distinct([rows]), _NOTHING, None)
    return fresh
