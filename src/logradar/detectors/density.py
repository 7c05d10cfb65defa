"""Detector ``density``: how few training sessions are like a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from logradar.core.config import Config
from logradar.core.distinct import Distinct
from logradar.core.formatting import how_often
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.detectors.base import Finding, Floats, Incremental, Scored
from logradar.detectors.baselines.count_tails import Rarity
from logradar.detectors.baselines.seen_rows import SeenRows, most_frequent
from logradar.detectors.baselines.session_density import Prototypes


class DensitySettings(Config):
    """How far sessions may differ to be alike, and how many like it a session needs to be normal."""

    bandwidth: float = Field(
        2.0,
        gt=0,
        description="distance at which a session counts 1/e: one more event of a kind that every session has is 1 away",
    )
    share: float = Field(
        0.03, gt=0, lt=1, description="a session scores above 0 where less than this share of training is like it"
    )
    prototypes: int = Field(2000, ge=1, description="most frequent training vectors, to which distances are measured")
    shown: int = Field(3, ge=1, description="templates named per session at most")


class Density(Incremental):
    """Minus the natural logarithm of the share of training sessions that are like a session, above ``share``.

    A session is like another one by how often each template occurs (`baselines.session_density`). Where training
    sessions repeat each other this is a smooth form of `count_vector`: a session that was seen once in 5,000 is
    still rare, and a new one that differs little from a frequent one is not. So a few anomalies among the training
    sessions do not make others like them normal.

    Each distinct training vector counts as often as it occurred; those beyond the ``prototypes`` most frequent ones
    count for a session that is equal to them only, and once.
    """

    Settings = DensitySettings
    _prototypes: Prototypes | None = None  # built when first needed

    @property
    def lowest_score(self) -> float:
        """That of a session to which all training sessions are equal."""
        return float(np.log(self.settings.share))

    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        with train.derived(Sequences.sorted) as vectors:
            self._known = SeenRows.of(vectors, self.settings.prototypes)
            self._rarity = Rarity.none()
            for chunk in vectors.chunks():
                self._rarity = self._rarity.and_of(chunk)
        self._prototypes = None

    def _learn_more(self, new: Sequences) -> None:
        rows = new.sorted().distinct()
        self._known.learn(rows)
        self._rarity = self._rarity.and_of(rows)
        self._prototypes = None

    def _compared(self) -> Prototypes:
        if self._prototypes is None:
            frequent = most_frequent(self._known.rows, self.settings.prototypes)
            order = np.argsort(frequent.fingerprints(), kind="stable")  # so that sums are equal, however it was learnt
            rows = frequent.take(order)
            rows = Sequences(rows.values, rows.offsets, frequent.counts[order], rows.inverse)
            self._prototypes = Prototypes.of(rows, self._rarity)
        return self._prototypes

    def _rows(self, sequences: Sequences) -> tuple[Floats, np.ndarray, Sequences]:
        """Scores, nearest prototypes, and the sorted rows."""
        rows = sequences.sorted()
        prototypes = self._compared()
        rarity, chosen = prototypes.rarity(rows, self.settings.bandwidth)
        hashes = rows.fingerprints()
        apart = self._known.has(hashes) & ~np.isin(hashes, prototypes.rows.fingerprints())
        alone = np.log(self._rarity.total)  # of a session that one training session is equal to
        rarity = np.where(apart, -np.logaddexp(-rarity, -alone), rarity)
        return np.maximum(rarity, 0.0) + self.lowest_score, chosen, rows

    def _score(self, view: SessionView) -> Scored:
        scores, _, _ = self._rows(view.sequences)
        return Scored(scores, np.zeros(len(view.sequences.values), np.float32))

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        scores, chosen, rows = self._rows(view.sequences)
        prototypes = self._compared().rows
        for row, sequence in enumerate(view.sequences):
            share = np.exp(self.lowest_score - scores[row])
            like = f"like {_share(share)} of the training sessions"
            if scores[row] <= 0:
                yield [Finding(like, weight=0.0)]
                continue
            yield [Finding(like, weight=float(scores[row])), *self._apart(sequence, rows[row], prototypes[chosen[row]])]

    def _apart(self, sequence: np.ndarray, row: np.ndarray, other: np.ndarray) -> list[Finding]:
        """How a sorted ``row`` differs from the frequent one that it is most like, most telling first."""
        templates = np.union1d(row, other)
        here, there = (np.bincount(np.searchsorted(templates, one), minlength=len(templates)) for one in (row, other))
        prototypes = self._compared()
        place = np.searchsorted(prototypes.templates, templates)
        known = np.append(prototypes.templates, -1)[place] == templates
        apart = prototypes.weights[np.where(known, place, -1)] * np.abs(np.sqrt(here) - np.sqrt(there))
        findings = []
        for column in np.argsort(-apart, kind="stable")[: self.settings.shown].tolist():
            if not apart[column]:
                break
            template, times, expected = int(templates[column]), int(here[column]), int(there[column])
            places = np.flatnonzero(sequence == template)
            at = int(places[min(expected, len(places) - 1)]) if len(places) else None
            reason = (
                f"{how_often(times)} instead of {how_often(expected)} as in the training sessions that are most like it"
            )
            findings.append(Finding(reason, at, template, float(apart[column])))
        return findings

    def _save(self, folder: Path) -> dict[str, Any]:
        self._known.save(folder / "prototypes.parquet", folder / "known.parquet", self.settings.prototypes)
        self._rarity.save(folder / "counts.parquet")
        return {"total": self._rarity.total}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        self._rarity = Rarity.load(folder / "counts.parquet")
        if state["total"] != self._rarity.total:
            raise ValueError("counts.parquet is of another training")
        self._known = SeenRows.load(folder / "prototypes.parquet", folder / "known.parquet")
        self._known.require(self._rarity.templates.astype(np.int32), ascending=True)
        if int(self._known.rows.counts.sum()) > self._rarity.total:
            raise ValueError(f"its prototypes stand for more than all {self._rarity.total:,} sessions")
        self._prototypes = None


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0005 else f"1 in {min(1 / share, 1e9):,.0f}"
