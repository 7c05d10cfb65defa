"""The settings of a run: each room's own settings under one roof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field, model_validator

from logradar.alerting.threshold import ThresholdSettings
from logradar.core.config import Config, load_config, validated
from logradar.core.errors import ConfigError
from logradar.detectors.base import Detector, detectors
from logradar.evaluation.splits import SplitSettings
from logradar.parsing.sessions import SessionSettings
from logradar.parsing.templates import ParsingSettings
from logradar.sources.opening.opening import InputSettings

SIMPLE = ("new_template", "length", "count_vector", "ngram")


class RunSettings(Config):
    """Everything that can be set for a run; saved with the bundle and with every result."""

    seed: int = Field(0, ge=0, description="makes the run repeatable")
    input: InputSettings = InputSettings()
    events: Literal["given", "mined"] = Field(
        "given", description="templates of day files: their own event ids, or what is mined from their lines"
    )
    parsing: ParsingSettings = ParsingSettings()
    sessions: SessionSettings = SessionSettings()
    split: SplitSettings = SplitSettings()
    detector: str = Field("ensemble", description="the detector that raises alerts; `logradar detectors` lists them")
    beside: tuple[str, ...] = Field(SIMPLE, description="detectors that are trained and measured beside it")
    detectors: dict[str, dict[str, Any]] = Field(default_factory=dict, description="settings of detectors, by name")
    threshold: ThresholdSettings = ThresholdSettings()
    replay: int = Field(
        20_000, ge=0, description="distinct normal sequences that a bundle keeps, for feedback and to go on learning"
    )
    memory_mb: int = Field(
        256, ge=1, description="MB of distinct sequences that a training holds; what is more rests on disk"
    )

    @model_validator(mode="after")
    def _known_detectors(self) -> RunSettings:
        for name in (self.detector, *self.beside, *self.detectors):
            try:
                kind = detectors.load(name)
            except ConfigError as error:
                raise ValueError(str(error)) from None
            validated(kind.Settings, self.detectors.get(name, {}), f"detectors.{name}")
        return self

    @property
    def inputs(self) -> frozenset[str]:
        """The columns of SESSIONS that the detectors read."""
        return frozenset[str]().union(*(self.make(name).inputs for name in (self.detector, *self.beside)))

    def make(self, name: str, resume: bool = False) -> Detector:
        """A new detector of that name with its settings from here; ``resume`` goes on with its training."""
        kind = detectors.load(name)
        below = validated(kind.Settings, self.detectors.get(name, {}), f"detectors.{name}")
        training = getattr(below, "training", None)
        if resume and training is not None:
            below = below.model_copy(update={"training": training.model_copy(update={"resume": True})})
        return kind(below, self.seed)


def run_settings(
    file: Path | None = None,
    overrides: Iterable[str] | None = None,
    given: Mapping[str, Any] = MappingProxyType({}),
) -> RunSettings:
    """Settings from a YAML file, ``key.sub=value`` overrides and values by path, in rising order."""
    return load_config(RunSettings, file, overrides or (), given)
