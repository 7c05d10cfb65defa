"""Detector ``new_template``: events whose template was never seen in training."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from logradar.core.columns import HIGHEST_ID, numbers
from logradar.core.distinct import Distinct
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.tables import FIRST_TEMPLATE
from logradar.detectors.base import Finding, Incremental, Scored


class NewTemplate(Incremental):
    """Counts the events of a session whose template did not occur in training.

    The simplest detector, and on BGL the best published one (new-event rule in
    Landauer et al., "A critical review of common log data sets", FSE 2024).

    >>> import pyarrow as pa
    >>> from logradar.core.tables import SESSIONS
    >>> from logradar.core.training_set import TrainingSet
    >>> def sessions(*rows):
    ...     return pa.Table.from_pylist([{"session_id": str(i), "record_ids": [], "template_ids": row,
    ...         "gaps": []} for i, row in enumerate(rows)], schema=SESSIONS)
    >>> detector = NewTemplate()
    >>> detector.fit(TrainingSet.of_tables(sessions([3, 4], [3, 5]), sessions([3, 4])))
    >>> detector.score(sessions([3, 4], [3, 9, 9]))["score"].to_pylist()
    [0.0, 2.0]
    """

    prefix_safe: ClassVar[bool] = True

    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        self.known = np.empty(0, np.int32)
        for chunk in train.chunks():
            self._learn_more(chunk)

    def _learn_more(self, new: Sequences) -> None:
        ids = np.unique(new.values)
        self.known = np.union1d(self.known, ids[ids >= FIRST_TEMPLATE])  # UNKNOWN stays unknown

    def _score(self, view: SessionView) -> Scored:
        sequences = view.sequences
        new = ~np.isin(sequences.values, self.known)
        return Scored(sequences.sums(new), new.astype(np.float32))

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sequences = view.sequences
        new = np.flatnonzero(~np.isin(sequences.values, self.known))
        bounds = np.searchsorted(new, sequences.offsets)
        for start, (first, last) in zip(sequences.offsets.tolist(), pairwise(bounds.tolist()), strict=False):
            yield [
                Finding("never seen in training", position=place - start, template_id=int(sequences.values[place]))
                for place in new[first:last].tolist()
            ]

    def _save(self, folder: Path) -> dict[str, Any]:
        return {"known": self.known.tolist()}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        self.known = numbers(state["known"], np.int32, "'known'", (FIRST_TEMPLATE, HIGHEST_ID), "strictly")
