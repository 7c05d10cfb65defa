"""Detector ``ngram``: short runs of events that never followed each other in training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.core.config import Config
from logradar.core.sequences import Sequences
from logradar.core.tables import PADDING
from logradar.detectors.base import Detector, Finding, Scored


class NgramSettings(Config):
    """Settings of ``ngram``."""

    n: int = Field(2, ge=2, le=8, description="events in a run")
    shown: int = Field(3, ge=1, description="expected templates told per finding")


class Ngram(Detector):
    """Counts runs of ``n`` events that never occurred in training.

    Start and end of a session count as events, so that a wrong beginning or a missing end is
    found. Rule as in Landauer et al., FSE 2024 (new n-gram); the sequences-of-calls idea is
    Forrest et al., IEEE S&P 1996.
    """

    Settings = NgramSettings

    def _fit(self, train: Sequences, valid: Sequences, folder: Path | None) -> None:
        runs, rows, _ = self._runs(train)
        known = Sequences.of(runs.ravel(), np.arange(len(runs) + 1, dtype=np.int64) * self.settings.n)
        distinct = Sequences(known.values, known.offsets, train.counts[rows], known.inverse).distinct()
        self._remember(distinct.values.reshape(-1, self.settings.n), distinct.counts)

    def _remember(self, runs: npt.NDArray[np.int32], counts: npt.NDArray[np.int64]) -> None:
        self.runs, self.counts = runs, counts
        self.known = np.sort(_keys(runs))
        self.after: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for run, count in zip(runs.tolist(), counts.tolist(), strict=True):
            self.after[tuple(run[:-1])][run[-1]] += count

    def _runs(self, sequences: Sequences) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """All runs, the row each ends in, and the event each belongs to (the end: the last event)."""
        n, lengths = self.settings.n, sequences.lengths
        closed = np.zeros(len(sequences.values) + len(sequences), np.int32)
        offsets = sequences.offsets + np.arange(len(sequences) + 1)
        closed[np.arange(len(sequences.values)) + sequences.rows] = sequences.values
        ended = Sequences.of(closed, offsets)
        history, target = ended.windows(n - 1, pad=PADDING)
        event = sequences.offsets[:-1][ended.rows] + np.minimum(ended.positions, lengths[ended.rows] - 1)
        return np.column_stack([history, target]), ended.rows, event

    def _score(self, sequences: Sequences) -> Scored:
        runs, rows, event = self._runs(sequences)
        new = ~np.isin(_keys(runs), self.known)
        events = np.zeros(len(sequences.values), np.float32)
        has_event = new & (sequences.lengths[rows] > 0)
        np.add.at(events, event[has_event], 1.0)
        return Scored(np.bincount(rows[new], minlength=len(sequences)).astype(np.float64), events)

    def _explain(self, sequences: Sequences) -> Iterator[list[Finding]]:
        runs, rows, _ = self._runs(sequences)
        starts = np.searchsorted(rows, np.arange(len(sequences) + 1))
        new = ~np.isin(_keys(runs), self.known)
        for row, (start, end) in enumerate(pairwise(starts)):
            length = int(sequences.lengths[row])
            yield [self._finding(runs[i], int(i - start), length) for i in np.flatnonzero(new[start:end]) + start]

    def _finding(self, run: npt.NDArray[np.int32], place: int, length: int) -> Finding:
        follow = self.after.get(tuple(run[:-1].tolist()), Counter())
        total = follow.total()
        expected = [(t, c / total) for t, c in follow.most_common(self.settings.shown) if t != PADDING]
        if place == length:
            reason = "the session ends here; in training it never ended after these events"
        elif place == 0:
            reason = "no training session began with this"
        else:
            reason = (
                "never followed the event before it in training"
                if self.settings.n == 2
                else (f"never followed the {min(place, self.settings.n - 1)} events before it in training")
            )
        position = min(place, length - 1) if length else None
        return Finding(reason, position, int(run[-1]) if place < length else None, 1.0, expected)

    def _save(self, folder: Path) -> dict[str, Any]:
        return {"runs": self.runs.tolist(), "counts": self.counts.tolist()}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        runs = np.array(state["runs"], np.int32).reshape(-1, self.settings.n)
        self._remember(runs, np.array(state["counts"], np.int64))


def _keys(runs: npt.NDArray[np.int32]) -> npt.NDArray[np.uint64]:
    offsets = np.arange(len(runs) + 1, dtype=np.int64) * runs.shape[1]
    return Sequences.of(np.ascontiguousarray(runs).ravel(), offsets).fingerprints()
