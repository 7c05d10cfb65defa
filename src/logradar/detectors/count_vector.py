"""Detector ``count_vector``: how often each template occurs, against the nearest normal session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.core.columns import HIGHEST_ID, numbers
from logradar.core.config import Config
from logradar.core.distinct import Distinct, count_distinct
from logradar.core.formatting import how_often
from logradar.core.ragged_kernels import ordered
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.tables import UNKNOWN
from logradar.detectors.base import Finding, Incremental, Scored
from logradar.detectors.baselines.count_tails import Rarity
from logradar.detectors.baselines.nearest_counts import nearest, postings, surpluses
from logradar.detectors.baselines.seen_rows import SeenRows, most_frequent

Cells = npt.NDArray[np.int64]


class CountVectorSettings(Config):
    """How many training vectors `CountVector` keeps, and how many templates a finding names."""

    prototypes: int = Field(
        2000,
        ge=1,
        description="most frequent training vectors, to which distances are measured; a vector seen before scores 0",
    )
    shown: int = Field(5, ge=1, description="templates named per session at most")


class CountVector(Incremental):
    """Distance of a session's template counts to the nearest training session, in any order, times their rarity.

    The score is 0 for a count vector seen once in training, and lower for a more frequent one: minus log10 of its
    count (also 0 for a vector that is not among the prototypes). For a new vector it is the L1 distance divided by the
    number of events in the longer of the two sessions (2 at most), times the surprise of its rarest
    count: -log10 of the share of training sessions that have that template as often or more extremely. So a
    new mix of common counts scores low, and a missing step that every training session had scores high.
    Event-count vectors as in Xu et al., SOSP 2009; the nearest-neighbour rule as
    in Landauer et al., FSE 2024.

    Whether a vector was seen is always known exactly (by a hash of 64 bits each). Where the training
    sequences do not fit in memory, prototypes are chosen among the most frequent training vectors and
    all vectors that validation adds: a training vector that only validation makes frequent is no prototype.
    """

    Settings = CountVectorSettings
    _index: tuple[SeenRows, tuple[npt.NDArray[np.int64], ...]] | None = None  # built when first needed

    @classmethod
    def of_counts(cls, rows: Sequences, settings: Config | None = None) -> CountVector:
        """Fitted on distinct sorted rows of template ids with their counts, of which the order is lost."""
        found = cls(settings)
        found._fit(count_distinct([rows]), rows, None)
        return found

    @property
    def counts(self) -> Sequences:
        """What it knows: distinct sorted rows of template ids with their counts, all of them or the most frequent."""
        return self._known.rows

    def merge(self, other: CountVector) -> None:
        """Know what ``other`` knows too, as if both had learnt together; template ids must mean the same."""
        self._learn_more(other.counts)

    def renumber(self, ids: Mapping[int, int]) -> CountVector:
        """The same with other numbers for templates. Raises `KeyError` for a template that ``ids`` does not have."""
        known = self.counts
        values = np.array([ids[value] for value in known.values.tolist()], np.int32)
        rows = Sequences(values, known.offsets, known.counts, known.inverse).sorted()
        return CountVector.of_counts(rows, self.settings)

    @property
    def lowest_score(self) -> float:
        """That of the most frequent count vector."""
        return float(-np.log10(self._known.rows.counts.max(initial=1)))

    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        self._templates = np.empty(0, np.int32)
        for chunk in train.chunks():
            self._templates = np.union1d(self._templates, chunk.values)
        with train.derived(Sequences.sorted) as vectors:
            self._known = SeenRows.of(vectors, self.settings.prototypes)
            self._rarity = Rarity.none()
            for chunk in vectors.chunks():
                self._rarity = self._rarity.and_of(chunk)
        self._index = None

    def _learn_more(self, new: Sequences) -> None:
        self._templates = np.union1d(self._templates, new.values)
        rows = new.sorted().distinct()
        self._known.learn(rows)
        self._rarity = self._rarity.and_of(rows)
        self._index = None

    def _compared(self) -> tuple[SeenRows, tuple[npt.NDArray[np.int64], ...]]:
        """The prototypes, and an index from templates to them."""
        if self._index is None:
            frequent = most_frequent(self._known.rows, self.settings.prototypes)
            entries = postings(frequent.values, frequent.offsets, self._templates)
            self._index = SeenRows(frequent, frequent.fingerprints()), (*entries, frequent.lengths)
        return self._index

    def _nearest(self, rows: Sequences) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Index of, and distance to, the nearest prototype for each sorted row."""
        return nearest(rows.values, rows.offsets, self._templates, *self._compared()[1])

    def _score(self, view: SessionView) -> Scored:
        sequences = view.sequences
        places = ordered(sequences.values, sequences.offsets)
        rows = Sequences.of(sequences.values[places], sequences.offsets)
        hashes = rows.fingerprints()
        new = ~self._known.has(hashes)
        prototypes, _ = self._compared()
        unseen, scores = rows.take(np.flatnonzero(new)), -np.log10(prototypes.times(hashes))
        chosen, distance = self._nearest(unseen)
        scores[new] = distance * self._rarity.of(unseen)
        rest = prototypes.rows
        events = np.zeros(len(rows.values), np.float32)
        surplus = surpluses(unseen.values, unseen.offsets, self._templates, chosen, rest.values, rest.offsets)
        events[places[new[rows.rows]]] = surplus
        return Scored(scores, events)

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sequences = view.sequences
        rows = sequences.sorted()
        hashes = rows.fingerprints()
        new = ~self._known.has(hashes)
        chosen, _ = self._nearest(rows.take(np.flatnonzero(new)))
        prototypes, _ = self._compared()
        nearest_of, times = iter(chosen.tolist()), prototypes.times(hashes)
        for row, sequence in enumerate(sequences):
            if new[row]:
                yield self._findings(sequence, self._cells(sequence), self._cells(prototypes.rows[next(nearest_of)]))
            else:
                yield [Finding(f"seen before: the same counts {how_often(int(times[row]))} in training", weight=0.0)]

    def _cells(self, sequence: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """How often each template occurs; the last cell counts templates never seen in training."""
        column = np.searchsorted(self._templates, sequence)
        known = (
            self._templates[np.minimum(column, len(self._templates) - 1)] == sequence if len(self._templates) else False
        )
        return np.bincount(np.where(known, column, len(self._templates)), minlength=len(self._templates) + 1)

    def _findings(self, sequence: npt.NDArray[np.int32], here: Cells, nearest_cells: Cells) -> list[Finding]:
        findings = []
        columns = np.flatnonzero(here != nearest_cells)
        apart = np.abs(here[columns] - nearest_cells[columns])
        for column in columns[np.argsort(-apart, kind="stable")[: self.settings.shown]].tolist():
            times, expected = int(here[column]), int(nearest_cells[column])
            weight = abs(times - expected) / max(len(sequence), 1)
            if column == len(self._templates):
                places = np.flatnonzero(~np.isin(sequence, self._templates))
                reason = f"{times:,} line{'s' * (times != 1)} with messages that no training session has"
                findings.append(Finding(reason, int(places[0]), int(sequence[places[0]]), weight))
                continue
            template = int(self._templates[column])
            much = f"too {'often' if times > expected else 'rarely'}: {how_often(times)}," if times else "missing:"
            reason = f"{much} the nearest normal session has it {how_often(expected)}"
            places = np.flatnonzero(sequence == template)
            place = int(places[min(expected, len(places) - 1)]) if len(places) else None
            findings.append(Finding(reason, place, template, weight))
        return findings

    def _save(self, folder: Path) -> dict[str, Any]:
        self._known.save(folder / "prototypes.parquet", folder / "known.parquet", self.settings.prototypes)
        self._rarity.save(folder / "counts.parquet")
        return {"templates": self._templates.tolist()}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        self._templates = numbers(state["templates"], np.int32, "'templates'", (UNKNOWN, HIGHEST_ID), "strictly")
        self._known = SeenRows.load(folder / "prototypes.parquet", folder / "known.parquet")
        self._known.require(self._templates, ascending=True)
        self._rarity = Rarity.load(folder / "counts.parquet")
        if not np.isin(self._rarity.templates, self._templates).all():
            raise ValueError("counts.parquet has a template that no training session has")
        self._index = None
