"""Detector ``ngram``: short runs of events that never followed each other in training."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.core.config import Config
from logradar.core.distinct import Distinct
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.tables import PADDING
from logradar.detectors.base import Finding, Incremental, Scored
from logradar.detectors.baselines.seen_rows import SeenRows

_MOST: Final = 1_000_000  # runs with counts, where the training sequences do not fit in memory


class NgramSettings(Config):
    """How long the runs of events are, and how many expected templates a finding names."""

    n: int = Field(2, ge=2, le=8, description="events in a run")
    shown: int = Field(3, ge=1, description="expected templates named per finding")


class Ngram(Incremental):
    """Counts runs of ``n`` events that never occurred in training.

    The start and the end of a session count as events, so that a wrong beginning or a missing end is
    found. Rule as in Landauer et al., FSE 2024 (new n-gram); the sequences-of-calls idea is
    Forrest et al., IEEE S&P 1996.

    Whether a run was seen is always known exactly (by a hash of 64 bits each). Where the training
    sequences do not fit in memory, the expected events that a finding names rest on the million most frequent runs.
    """

    Settings = NgramSettings
    prefix_safe: ClassVar[bool] = True

    @property
    def lowest_score(self) -> float:
        """That of a session all of whose runs are the most frequent one."""
        return float(-np.log10(self._known.rows.counts.max(initial=1)))

    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        with train.derived(self._weighted) as runs:
            self._remember(SeenRows.of(runs, _MOST))

    def _learn_more(self, new: Sequences) -> None:
        self._known.learn(self._weighted(new).distinct())
        self._remember(self._known)

    def _remember(self, known: SeenRows) -> None:
        self._known: SeenRows = known
        self._followers: Followers | None = None

    def _weighted(self, sequences: Sequences) -> Sequences:
        """All runs as rows; each counts as often as the sequence that it is part of."""
        runs, rows, _ = self._runs(sequences)
        flat = _rows(runs)
        return Sequences(flat.values, flat.offsets, sequences.counts[rows], flat.inverse)

    def _runs(self, sequences: Sequences) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """All runs, the row that each is part of, and the event that each belongs to (the end: to the last event)."""
        n, lengths = self.settings.n, sequences.lengths
        closed = np.zeros(len(sequences.values) + len(sequences), np.int32)
        offsets = sequences.offsets + np.arange(len(sequences) + 1)
        closed[np.arange(len(sequences.values)) + sequences.rows] = sequences.values
        ended = Sequences.of(closed, offsets)
        history, target = ended.windows(n - 1, pad=PADDING)
        event = sequences.offsets[:-1][ended.rows] + np.minimum(ended.positions, lengths[ended.rows] - 1)
        return np.column_stack([history, target]), ended.rows, event

    def _score(self, view: SessionView) -> Scored:
        return self._counted(view.sequences, ends=True)

    def _score_unfinished(self, view: SessionView) -> Scored:
        """The end of what has come so far is not the end of the session; other runs stay in it."""
        return self._counted(view.sequences, ends=False)

    def _counted(self, sequences: Sequences, ends: bool) -> Scored:
        runs, rows, event = self._runs(sequences)
        if not ends:
            inside = np.flatnonzero(np.append(rows[1:] == rows[:-1], False)) if len(rows) else np.empty(0, np.int64)
            runs, rows, event = runs[inside], rows[inside], event[inside]
        hashes = _rows(runs).fingerprints()
        new = ~self._known.has(hashes)
        events = np.zeros(len(sequences.values), np.float32)
        has_event = new & (sequences.lengths[rows] > 0)
        np.add.at(events, event[has_event], 1.0)
        count = np.bincount(rows[new], minlength=len(sequences)).astype(np.float64)
        rarest = np.full(len(sequences), np.inf)
        np.minimum.at(rarest, rows, self._known.times(hashes))
        frequent = np.where(np.isinf(rarest), self.lowest_score, -np.log10(rarest))  # no run yet: any may follow
        return Scored(np.where(count > 0, count, frequent), events)

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sequences = view.sequences
        runs, rows, _ = self._runs(sequences)
        starts = np.searchsorted(rows, np.arange(len(sequences) + 1))
        hashes = _rows(runs).fingerprints()
        new, times = ~self._known.has(hashes), self._known.times(hashes)
        lengths = sequences.lengths.tolist()
        for row, (start, end) in enumerate(pairwise(starts)):
            length, places = lengths[row], np.flatnonzero(new[start:end])
            findings = [self._finding(runs[start + place], place, length) for place in places.tolist()]
            yield findings or [_rarest(int(np.argmin(times[start:end])), int(times[start:end].min()), length)]

    def _finding(self, run: npt.NDArray[np.int32], place: int, length: int) -> Finding:
        if self._followers is None:
            self._followers = Followers(self._known.rows, self.settings.n)
        expected = [(t, p) for t, p in self._followers.of(run[:-1], self.settings.shown) if t != PADDING]
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
        self._known.save(folder / "runs.parquet", folder / "known.parquet", _MOST)
        return {"n": self.settings.n}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        known, n = SeenRows.load(folder / "runs.parquet", folder / "known.parquet"), self.settings.n
        if state != {"n": n} or (known.rows.lengths != n).any():
            raise ValueError(f"runs.parquet does not hold runs of {n}")
        self._remember(known)


def _rarest(place: int, times: int, length: int) -> Finding:
    """The run that is rarest in training."""
    what = "the session ended after these events" if place == length else "it came after the events before it"
    return Finding(
        f"seen before: {what} {times:,} time{'s' * (times != 1)} in training",
        min(place, length - 1) if length else None,
        weight=0.0,
    )


class Followers:
    """The events that came after the first ``n - 1`` events of runs, most frequent first."""

    def __init__(self, runs: Sequences, n: int) -> None:
        table = runs.values.reshape(-1, n)
        before = _rows(table[:, :-1]).fingerprints()
        order = np.lexsort((-runs.counts, before))
        self._before, self._after, self._counts = before[order], table[order, -1], runs.counts[order]

    def of(self, before: npt.NDArray[np.int32], most: int) -> list[tuple[int, float]]:
        """The ``most`` most frequent events after ``before``, each with its share."""
        key = _rows(before[None, :]).fingerprints()[0]
        start, stop = (int(np.searchsorted(self._before, key, side)) for side in ("left", "right"))
        total = int(self._counts[start:stop].sum())
        stop = min(stop, start + most)
        after, counts = self._after[start:stop].tolist(), self._counts[start:stop].tolist()
        return [(t, c / total) for t, c in zip(after, counts, strict=True)]


def _rows(table: npt.NDArray[np.int32]) -> Sequences:
    """Each row of a matrix as a sequence."""
    return Sequences.of(np.ascontiguousarray(table).ravel(), np.arange(len(table) + 1, dtype=np.int64) * table.shape[1])
