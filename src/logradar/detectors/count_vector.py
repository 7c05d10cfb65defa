"""Detector ``count_vector``: how often each template occurs, against the nearest normal session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.core.config import Config
from logradar.core.sequences import Sequences
from logradar.detectors.base import Detector, Finding, Scored

Matrix = npt.NDArray[np.float32]
_BLOCK = 1 << 24  # cells of one distance block: bounds memory to about 64 MB


class CountVectorSettings(Config):
    """Settings of ``count_vector``."""

    prototypes: int = Field(
        2000,
        ge=1,
        description="most frequent training vectors that distances are measured to; exact repeats of any score 0",
    )
    shown: int = Field(5, ge=1, description="templates told per session")


class CountVector(Detector):
    """Distance of a session's template counts to the nearest training session, order ignored.

    The score is the L1 distance over the number of events in the longer of the two sessions:
    0 for a count vector seen in training, above 0 for a new one, 2 at most. Event-count vectors as in
    Xu et al., SOSP 2009; the nearest-neighbour rule as in Landauer et al., FSE 2024.
    """

    Settings = CountVectorSettings

    def _fit(self, train: Sequences, valid: Sequences, folder: Path | None) -> None:
        vectors = _sorted(train).distinct()
        self._remember(np.unique(train.values), vectors, vectors.counts)

    def _remember(self, templates: npt.NDArray[np.int32], vectors: Sequences, counts: npt.NDArray[np.int64]) -> None:
        self.templates, self.vectors, self.counts = templates, vectors, counts
        self.known = np.sort(vectors.fingerprints())
        frequent = np.sort(np.argsort(-counts, kind="stable")[: self.settings.prototypes])
        self.prototypes = self._matrix(vectors.take(frequent))

    def _matrix(self, sequences: Sequences) -> Matrix:
        """One row of counts per sequence; the last column counts templates never seen in training."""
        width = len(self.templates) + 1
        column = np.searchsorted(self.templates, sequences.values)
        column[~np.isin(sequences.values, self.templates)] = width - 1
        cells = np.bincount(sequences.rows * width + column, minlength=len(sequences) * width)
        return cells.reshape(len(sequences), width).astype(np.float32)

    def _nearest(self, matrix: Matrix) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Index of, and distance to, the nearest prototype for each row."""
        from scipy.spatial.distance import cdist

        sizes = self.prototypes.sum(axis=1)
        nearest = np.empty(len(matrix), np.int64)
        distance = np.empty(len(matrix), np.float64)
        step = max(1, _BLOCK // (len(self.prototypes) + matrix.shape[1]))
        for start in range(0, len(matrix), step):
            block = matrix[start : start + step]
            longer = np.maximum(block.sum(axis=1)[:, None], sizes[None, :])
            ratio = cdist(block, self.prototypes, "cityblock") / np.maximum(longer, 1.0)
            nearest[start : start + step] = ratio.argmin(axis=1)
            distance[start : start + step] = ratio.min(axis=1)
        return nearest, distance

    def _score(self, sequences: Sequences) -> Scored:
        vectors = _sorted(sequences).distinct()
        distance = np.zeros(len(vectors))
        new = np.flatnonzero(~np.isin(vectors.fingerprints(), self.known))
        surplus = np.zeros((len(vectors), len(self.templates) + 1), np.float32)
        if len(new):
            matrix = self._matrix(vectors.take(new))
            nearest, distance[new] = self._nearest(matrix)
            surplus[new] = np.maximum(matrix - self.prototypes[nearest], 0)
        row = vectors.inverse[sequences.rows]
        column = np.searchsorted(self.templates, sequences.values)
        column[~np.isin(sequences.values, self.templates)] = len(self.templates)
        return Scored(distance[vectors.inverse], surplus[row, column])

    def _explain(self, sequences: Sequences) -> Iterator[list[Finding]]:
        matrix = self._matrix(sequences)
        nearest, _ = self._nearest(matrix)
        new = ~np.isin(_sorted(sequences).fingerprints(), self.known)
        for row, sequence in enumerate(sequences):
            yield self._findings(sequence, matrix[row], self.prototypes[nearest[row]]) if new[row] else []

    def _findings(self, sequence: npt.NDArray[np.int32], here: Matrix, usual: Matrix) -> list[Finding]:
        found = []
        for column in np.flatnonzero(here != usual):
            times, expected = int(here[column]), int(usual[column])
            weight = abs(times - expected) / max(len(sequence), 1)
            if column == len(self.templates):
                places = np.flatnonzero(~np.isin(sequence, self.templates))
                reason = f"{_times(times)} a template that no training session has"
                found.append(Finding(reason, int(places[0]), int(sequence[places[0]]), weight))
                continue
            template = int(self.templates[column])
            much = f"too {'often' if times > expected else 'rarely'}: {_times(times)}," if times else "missing:"
            reason = f"{much} the nearest normal session has it {_times(expected)}"
            places = np.flatnonzero(sequence == template)
            place = int(places[min(expected, len(places) - 1)]) if len(places) else None
            found.append(Finding(reason, place, template, weight))
        return sorted(found, key=lambda f: -f.weight)[: self.settings.shown]

    def _save(self, folder: Path) -> dict[str, Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        offsets = cast(pa.Int64Array, pa.array(self.vectors.offsets))
        rows = pa.LargeListArray.from_arrays(offsets, pa.array(self.vectors.values, pa.int32()))
        pq.write_table(pa.table({"vector": rows, "count": self.counts}), folder / "vectors.parquet")
        return {"templates": self.templates.tolist()}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        import pyarrow.parquet as pq

        table = pq.read_table(folder / "vectors.parquet")
        vectors = Sequences.from_arrow(table["vector"])
        self._remember(np.array(state["templates"], np.int32), vectors, table["count"].to_numpy())


def _sorted(sequences: Sequences) -> Sequences:
    """Each row in ascending order: two sessions have the same counts if these are equal."""
    order = np.lexsort((sequences.values, sequences.rows))
    return Sequences(sequences.values[order], sequences.offsets, sequences.counts, np.arange(len(sequences)))


def _times(count: int) -> str:
    return ("never", "once", "twice")[count] if count < 3 else f"{count:,} times"
