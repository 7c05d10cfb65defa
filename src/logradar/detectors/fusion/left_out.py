"""Scores of normal sessions as if each had never been seen, though all were learnt."""

from __future__ import annotations

from typing import Final

import numpy as np

from logradar.core.distinct import count_distinct
from logradar.core.sequences import Sequences
from logradar.detectors.base import Floats, Incremental

FOLDS: Final = 10
_NOTHING: Final = Sequences.from_lists([])


def left_out(detector: Incremental, rows: Sequences) -> Floats:
    """One score for each of the distinct ``rows``, by a detector like ``detector`` that learnt all others.

    A row that stands for several sessions stays known when one of them is left out. Those that stand for one
    are left out a tenth at a time (cross-conformal; Vovk, 2015), by their hash, so that their order is nothing.
    """
    scores = _learnt(detector, rows)._score(rows).rows.copy()
    once = np.flatnonzero(rows.counts == 1)
    fold = rows.fingerprints()[once] % np.uint64(FOLDS)
    for number in np.unique(fold):
        out = once[fold == number]
        kept = np.setdiff1d(np.arange(len(rows)), out)
        if len(kept):
            rest = rows.take(kept)
            known = Sequences(rest.values, rest.offsets, rows.counts[kept], rest.inverse)
            scores[out] = _learnt(detector, known)._score(rows.take(out)).rows
    return scores


def _learnt(detector: Incremental, rows: Sequences) -> Incremental:
    fresh = type(detector)(detector.settings, detector.seed)
    fresh._fit(count_distinct([rows]), _NOTHING, None)
    return fresh
