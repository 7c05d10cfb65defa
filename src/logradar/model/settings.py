"""The settings of a run: each room's own settings under one roof."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from logradar.alerting.incident_groups import IncidentSettings
from logradar.alerting.severity import SeveritySettings
from logradar.alerting.threshold import ThresholdSettings
from logradar.core.config import Config, load_config, put, validated
from logradar.core.errors import ConfigError
from logradar.core.redaction.settings import RedactionSettings
from logradar.detectors.base import Detector, detectors
from logradar.evaluation.splits import SplitSettings
from logradar.model.rates.settings import RateSettings
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
    severity: SeveritySettings = SeveritySettings()
    incidents: IncidentSettings = IncidentSettings()
    rates: RateSettings = RateSettings()
    redaction: RedactionSettings = RedactionSettings()
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

    @property
    def networks(self) -> list[str]:
        """The paths of the settings of all networks that are trained, such as ``detectors.deeplog``.

        A member of an ensemble is at ``detectors.ensemble.settings.deeplog``.
        """
        return [path for path, kind in self._kinds() if "training" in kind.model_fields]

    def _kinds(self) -> list[tuple[str, type[Config]]]:
        """Where the settings of each detector are that is trained, and their class; members of an ensemble too."""
        found: list[tuple[str, type[Config]]] = []
        for name in dict.fromkeys((self.detector, *self.beside)):
            detector = self.make(name)
            found.append((f"detectors.{name}", detector.Settings))
            found += [(f"detectors.{name}.settings.{inner}", one.Settings) for inner, one in detector.members.items()]
        return found

    @classmethod
    def known_paths(cls, values: Mapping[str, Any]) -> Iterator[str]:
        """As `Config.known_paths`, with the settings of the detectors that ``values`` name; else of all detectors."""
        yield from super().known_paths(values)
        try:
            named = cls.model_validate(
                {key: values[key] for key in ("detector", "beside", "detectors") if key in values}
            )
        except ValidationError:
            named = cls()
        kinds = named._kinds()
        if not named.networks:  # a setting of a network may be meant for one that is not chosen yet
            kinds += [(f"detectors.{name}", detectors.load(name).Settings) for name in detectors.names()]
        for path, kind in dict(kinds).items():
            yield from (f"{path}.{below}" for below in kind.known_paths({}))

    def with_training(self, values: Mapping[str, Any]) -> RunSettings:
        """These settings with ``values``, such as ``{"epochs": 3}``, in the training of every network.

        Raises `ConfigError` where no network is trained, and for values that a training cannot have.
        """
        if not values:
            return self
        if not self.networks:
            able = [name for name in detectors.names() if "training" in detectors.load(name).Settings.model_fields]
            raise ConfigError(
                f"Only networks have the settings of a training ({', '.join(values)}), and none is trained: the "
                f"detector is '{self.detector}'. Choose one with --detector NAME ({', '.join(able)})."
            )
        chosen = deepcopy(self.detectors)
        for path in self.networks:
            for key, value in values.items():
                put(chosen, [*path.split(".")[1:], "training", key], value)
        checked = validated(RunSettings, {"detector": self.detector, "beside": self.beside, "detectors": chosen})
        return self.model_copy(update={"detectors": checked.detectors})

    @property
    def unused(self) -> list[str]:
        """Sentences on settings of detectors that are not trained; they change nothing."""
        paths = [path for path, _ in self._kinds()]
        idle = [name for name in self.detectors if f"detectors.{name}" not in paths]
        return [
            f"The settings 'detectors.{name}' change nothing: {name} is neither the detector nor beside it"
            + next((f"; as a member its settings are '{path}'." for path in paths if path.endswith(f".{name}")), ".")
            for name in idle
        ]

    def make(self, name: str, resume: bool = False) -> Detector:
        """A new detector of that name with its settings from here; ``resume`` goes on with its training."""
        kind = detectors.load(name)
        chosen = self.with_training({"resume": True}) if resume and self.networks else self
        return kind(validated(kind.Settings, chosen.detectors.get(name, {}), f"detectors.{name}"), self.seed)


def run_settings(
    file: Path | None = None,
    overrides: Iterable[str] | None = None,
    given: Mapping[str, Any] = MappingProxyType({}),
    training: Mapping[str, Any] = MappingProxyType({}),
) -> RunSettings:
    """Settings from a YAML file, ``key.sub=value`` overrides and values by path, in rising order.

    ``training`` is set for every network that is trained, see `RunSettings.with_training`.
    """
    return load_config(RunSettings, file, overrides or (), given).with_training(training)
