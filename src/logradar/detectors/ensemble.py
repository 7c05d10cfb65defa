"""Detector ``ensemble``: several detectors on one scale, the most surprised one speaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from logradar.core.config import Config, validated
from logradar.core.distinct import Distinct
from logradar.core.errors import ConfigError
from logradar.core.sequences import Sequences
from logradar.detectors.base import Detector, Finding, Floats, Scored, detectors


class EnsembleSettings(Config):
    """Settings of ``ensemble``."""

    members: tuple[str, ...] = Field(
        ("new_template", "length", "count_vector", "ngram"), description="names of the detectors it is made of"
    )
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict, description="settings of members, by name")


class Ensemble(Detector):
    """Puts the members' scores on one scale, their surprise on normal data, and takes the largest.

    A member's score becomes -log10 of the share of normal validation sessions that score as high
    or higher (an empirical p-value, as in conformal prediction: Vovk et al., 2005); beyond
    everything seen in validation it grows on by the member's own score. The score is the largest
    over the members, so that one sure member is enough.
    """

    Settings = EnsembleSettings

    def __init__(self, settings: Config | None = None, seed: int = 0) -> None:
        super().__init__(settings, seed)
        if not self.settings.members or self.name in self.settings.members:
            raise ConfigError("An ensemble needs one or more members, and none of them an ensemble.")
        self._members: dict[str, Detector] = {}
        for name in self.settings.members:
            kind = detectors.load(name)
            below = validated(kind.Settings, self.settings.settings.get(name, {}), f"settings.{name}")
            self._members[name] = kind(below, seed)

    @property
    def members(self) -> Mapping[str, Detector]:
        """The members by name, fitted when the ensemble is."""
        return self._members

    def _learn(self, train: Distinct, valid: Sequences, folder: Path | None) -> Floats:
        fused = np.zeros(len(valid))
        self.normal: dict[str, Floats] = {}
        for name, member in self._members.items():
            below = folder / name if folder else None
            member.validation_scores = scores = member._learn(train, valid, below)
            self.normal[name] = np.sort(scores)
            fused = np.maximum(fused, _surprise(scores, self.normal[name]))
        return fused

    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        self._learn(train, valid, folder)

    def _score(self, sequences: Sequences) -> Scored:
        best = np.full(len(sequences), -1.0)
        events = np.zeros(len(sequences.values), np.float32)
        for name, member in self._members.items():
            scored = member._score_as(sequences)
            surprise = _surprise(scored.rows, self.normal[name])
            ahead = surprise > best
            best = np.maximum(best, surprise)
            events = np.where(ahead[sequences.rows], scored.values, events)
        return Scored(best, events)

    def _explain(self, sequences: Sequences) -> Iterator[list[Finding]]:
        rows: list[list[Finding]] = [[] for _ in range(len(sequences))]
        for name, member in self._members.items():
            surprise = _surprise(member._score_as(sequences).rows, self.normal[name])
            for row, findings in enumerate(member._explain_as(sequences)):
                if surprise[row] <= 0:
                    continue
                rows[row] += [
                    replace(f, reason=f"{name}: {f.reason}", weight=float(surprise[row]) + 0.01 / (i + 1))
                    for i, f in enumerate(sorted(findings, key=lambda f: -f.weight))
                ]
        yield from rows

    def _save(self, folder: Path) -> dict[str, Any]:
        for name, member in self._members.items():
            member.save(folder / name)
        return {"normal": {name: scores.tolist() for name, scores in self.normal.items()}}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        self._members = {name: Detector.load(folder / name) for name in self.settings.members}
        self.normal = {name: np.array(scores, np.float64) for name, scores in state["normal"].items()}


def _surprise(scores: Floats, normal: Floats) -> Floats:
    """-log10 of the upper-tail p-value among ``normal`` (sorted), growing on beyond its largest."""
    count = len(normal)
    at_least = count - np.searchsorted(normal, scores, side="left")
    tail = -np.log10((at_least + 1) / (count + 1))
    top = normal[-1] if count else 0.0
    excess = np.maximum(scores - top, 0.0)
    return tail + excess / (1.0 + excess)  # below 1, so that order among members is kept
