"""Empirical p-values: how few normal sessions score as high."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.columns import MOST, Columns, numbers

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EmpiricalPValues:
    """Distinct ``scores`` of normal sessions, ascending, and how many sessions have each."""

    scores: Floats
    sessions: Ints

    @classmethod
    def of(cls, scores: Floats, sessions: Ints) -> EmpiricalPValues:
        """From scores in any order, with the number of sessions that have each."""
        distinct, place = np.unique(scores, return_inverse=True)
        counts = np.zeros(len(distinct), np.int64)
        np.add.at(counts, place, sessions)
        return cls(distinct, counts)

    @property
    def highest(self) -> float:
        """A surprise that no score reaches."""
        return float(np.log10(int(self.sessions.sum()) + 1.0)) + 1.0

    def surprise(self, scores: Floats) -> Floats:
        """-log10 of the p-value of each score: 0 where every normal session scores as high.

        The p-value is (sessions that score as high + 1) / (sessions + 1), as in conformal prediction (Vovk et
        al., 2005). Above all of them the surprise still grows with the score, by less than 1, so that order is kept.
        """
        total = int(self.sessions.sum())
        as_high = np.append(np.cumsum(self.sessions[::-1])[::-1], 0)[np.searchsorted(self.scores, scores, "left")]
        beyond = np.maximum(scores - (self.scores[-1] if len(self.scores) else 0.0), 0.0)
        surprises: Floats = -np.log10((as_high + 1) / (total + 1)) + beyond / (1.0 + beyond)
        return surprises


def positive_part(scores: Floats) -> Floats:
    """Scores of a detector where all below 0 are 0: there nothing is new."""
    return np.maximum(scores, 0.0)


def save_scales(scales: Mapping[str, EmpiricalPValues], file: Path) -> None:
    """Write scales by name as one Parquet file."""
    names = [name for name, scale in scales.items() for _ in range(len(scale.scores))]
    scores = np.concatenate([np.empty(0), *(scale.scores for scale in scales.values())])
    sessions = np.concatenate([np.empty(0, np.int64), *(scale.sessions for scale in scales.values())])
    pq.write_table(pa.table({"member": names, "score": scores, "sessions": sessions}), file, compression="zstd")


def load_scales(names: list[str], file: Path) -> dict[str, EmpiricalPValues]:
    """What `save_scales` wrote; a name without a score has an empty scale. `ValueError` where it is no scale."""
    saved = Columns(file, ["member"]).only("member", "score", "sessions")
    of = np.array(saved.texts("member").to_pylist(), dtype=object)
    scores = saved.numbers("score", np.float64, (0, None))
    sessions = saved.numbers("sessions", np.int64, (1, MOST))
    if not set(of) <= set(names):
        raise ValueError(f"{file.name} has the scale of a detector that is no member")
    for name in names:
        numbers(scores[of == name], np.float64, f"the scale of {name}", ascending="strictly")
    return {name: EmpiricalPValues(scores[of == name], sessions[of == name]) for name in names}
