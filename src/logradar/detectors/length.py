"""Detector ``length``: sessions shorter or longer than any in training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from logradar.core.columns import HIGHEST_ID
from logradar.core.distinct import Distinct
from logradar.core.documents import Saved
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.detectors.base import Finding, Incremental, Scored


class _State(Saved):
    shortest: int = Field(ge=0, le=HIGHEST_ID)
    longest: int = Field(ge=0, le=HIGHEST_ID)

    @model_validator(mode="after")
    def _ordered(self) -> _State:
        if self.shortest > self.longest:
            raise ValueError(f"the shortest session, {self.shortest}, is longer than the longest, {self.longest}")
        return self


class Length(Incremental):
    """Says how far a session's number of events is outside the range seen in training.

    The score is 0 inside the range and log2 of the ratio to its nearer end outside: 1 means
    twice as long as the longest, or half as long as the shortest. Range rule as in Landauer
    et al., FSE 2024. Every event beyond the longest length scores 1. Where all training sessions
    have the same length, they may be windows, and the last window of a log is not full: then shorter ones score 0.
    """

    prefix_safe: ClassVar[bool] = True

    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        chunks = train.chunks()
        first = next(chunks).lengths
        self.shortest, self.longest = int(first.min()), int(first.max())
        for chunk in chunks:
            self._learn_more(chunk)

    def _learn_more(self, new: Sequences) -> None:
        self.shortest = min(self.shortest, int(new.lengths.min()))
        self.longest = max(self.longest, int(new.lengths.max()))

    @property
    def _windows(self) -> bool:
        return self.shortest == self.longest

    def _score(self, view: SessionView) -> Scored:
        sequences = view.sequences
        length = sequences.lengths + 1.0  # so that an empty session has a ratio, too
        shortest = 0 if self._windows else self.shortest
        beyond = np.log2(np.maximum(length / (self.longest + 1), (shortest + 1) / length))
        events = (sequences.positions >= self.longest).astype(np.float32)
        return Scored(np.maximum(beyond, 0.0), events)

    def _score_unfinished(self, view: SessionView) -> Scored:
        """Only what is too long already counts: a short session may still grow."""
        too_long = np.log2((view.sequences.lengths + 1.0) / (self.longest + 1))
        return Scored(np.maximum(too_long, 0.0), (view.sequences.positions >= self.longest).astype(np.float32))

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sequences = view.sequences
        expected = f"training sessions have {self.shortest:,} to {self.longest:,}"
        if self._windows:
            expected = f"every training session has {self.shortest:,}"
        for length in sequences.lengths:
            if length > self.longest:
                yield [
                    Finding(
                        f"too long: {length:,} events, {expected}; this event is the first too many",
                        position=self.longest,
                    )
                ]
            elif length < self.shortest and not self._windows:
                last = int(length) - 1 if length else None
                yield [Finding(f"too short: {length:,} events, {expected}; this event is the last", position=last)]
            else:
                yield []

    def _save(self, folder: Path) -> dict[str, Any]:
        return {"shortest": self.shortest, "longest": self.longest}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        saved = _State.of(state, "state")
        self.shortest, self.longest = saved.shortest, saved.longest
