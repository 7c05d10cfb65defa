"""Severity: how urgent an alert is for a person, from 0 to 100 and as one of four bands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field

from logradar.core.config import Config
from logradar.core.tables import ERROR, FATAL, SEVERITIES, WARN

BANDS: Final[Mapping[str, float]] = MappingProxyType({"critical": 80.0, "high": 60.0, "medium": 40.0, "low": 0.0})
SYSLOG: Final = MappingProxyType({"critical": 2, "high": 3, "medium": 4, "low": 5})  # RFC 5424: crit, err, warning, …
OTEL: Final = MappingProxyType({"critical": 21, "high": 17, "medium": 13, "low": 9})  # FATAL, ERROR, WARN, INFO
PAGERDUTY: Final = MappingProxyType(  # the values of ``severity`` in PagerDuty's Common Event Format
    {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}
)

_LEVELS: Final = ((FATAL, 1.0), (ERROR, 0.9), (WARN, 0.6))
_QUIET: Final = 0.25  # the part of the level where nothing warns: what is missing is rarely logged as an error
_SERVICES: Final = 6  # services that are as bad as any more
_LONG: Final = 3600.0  # seconds that are as bad as any more

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1000)]
Parts = Mapping[str, float]


class ImpactWeights(Config):
    """How much each part of the impact counts, relative to the others."""

    level: Weight = Field(0.65, description="weight of the worst level among the lines")
    services: Weight = Field(0.15, description="weight of how many services have unusual lines")
    service_weight: Weight = Field(0.1, description="weight of how important these services are")
    persistence: Weight = Field(0.1, description="weight of how long it lasts")


class SeveritySettings(Config):
    """How urgent an alert is."""

    profile: Literal["logradar", "radar"] = Field(
        "logradar", description="formula: confidence times impact, or the sum that RADAR uses"
    )
    prior: float = Field(
        0.01,
        gt=0,
        lt=1,
        description="share of sessions that are anomalous, where no labels of the training data say it",
    )
    services: dict[str, Share] = Field(
        default_factory=dict, description="how important a service is, from 0 to 1, by its name"
    )
    other_services: Share = Field(0.5, description="how important all other services are, from 0 to 1")
    weights: ImpactWeights = ImpactWeights()

    def weight_of(self, services: Iterable[str]) -> float:
        """The weight of the most important of ``services``; that of any other service where there is none."""
        return max((self.services.get(name, self.other_services) for name in services), default=self.other_services)


@dataclass(frozen=True)
class Signs:
    """What the severity of an alert is computed from.

    ``confidence`` is from 0 to 1, ``level`` the worst SeverityNumber (None: no line has a level), ``services`` those of
    the unusual lines, ``all_services`` those of all lines. ``errors`` and ``warnings`` count lines, ``seconds`` is how
    long it lasts.
    """

    confidence: float
    level: int | None = None
    services: tuple[str, ...] = ()
    all_services: tuple[str, ...] = ()
    errors: int = 0
    warnings: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Severity:
    """``score`` from 0 to 100, its ``band`` (one of `SEVERITIES`), and the ``parts`` that gave it, each from 0 to 1."""

    score: float
    band: str
    parts: Parts

    @property
    def syslog(self) -> int:
        """The severity of RFC 5424 for a message about it: 2 (critical) to 5 (notice)."""
        return SYSLOG[self.band]

    @property
    def otel(self) -> int:
        """OpenTelemetry's SeverityNumber for a record about it: 21 (FATAL) to 9 (INFO)."""
        return OTEL[self.band]

    @property
    def pagerduty(self) -> str:
        """PagerDuty's word for it: critical, error, warning or info."""
        return PAGERDUTY[self.band]


def band(score: float) -> str:
    """The band of a score from 0 to 100, one of `SEVERITIES`."""
    return next(name for name, least in BANDS.items() if score >= least or name == SEVERITIES[0])


def severity(signs: Signs, settings: SeveritySettings) -> Severity:
    """How urgent an alert with these ``signs`` is. It rises with each of them, and is 0 where the confidence is."""
    return of_parts(parts_of(signs, settings), settings)


def parts_of(signs: Signs, settings: SeveritySettings) -> dict[str, float]:
    """The parts of the severity by name, each from 0 to 1, as the profile of ``settings`` has them."""
    confidence = _share(signs.confidence)
    if settings.profile == "radar":
        return {
            "anomaly": confidence,
            "errors": _share(signs.errors / 10),
            "warnings": _share(signs.warnings / 20),
            "service_weight": settings.weight_of(signs.all_services),
            "services": _share(len(set(signs.all_services)) / _SERVICES),
        }
    level = next((part for least, part in _LEVELS if (signs.level or 0) >= least), _QUIET)
    return {
        "confidence": confidence,
        "level": level,
        "services": _share(len(set(signs.services)) / _SERVICES),
        "service_weight": settings.weight_of(signs.services),
        "persistence": persistence(signs.seconds),
    }


def persistence(seconds: float) -> float:
    """How long ``seconds`` are, from 0 to 1, which is an hour or more; each doubling counts the same."""
    return _share(math.log1p(max(seconds, 0.0)) / math.log1p(_LONG))


def of_parts(parts: Parts, settings: SeveritySettings) -> Severity:
    """The severity that ``parts`` give by the formula of ``settings``.

    Raises `KeyError` where ``parts`` are those of another profile.
    """
    if settings.profile == "radar":
        anomaly, errors, warnings, weight, services = (
            parts[name] for name in ("anomaly", "errors", "warnings", "service_weight", "services")
        )
        whole = 0.4 * anomaly + 0.3 * errors + 0.1 * warnings + 0.15 * weight + 0.05 * services
        score = 100.0 * whole if anomaly else 0.0
    else:
        weights = settings.weights.model_dump()
        total = sum(weights.values())
        impact = sum(weight * parts[name] for name, weight in weights.items()) / total if total else 0.0
        score = 100.0 * parts["confidence"] * impact
    score = round(min(max(score, 0.0), 100.0), 1)
    return Severity(score, band(score), parts)


def risen(initial: Parts, current: Parts, settings: SeveritySettings) -> Severity:
    """The severity of something that had the parts ``initial`` and has ``current`` now: of each part the higher one.

    So what is open may rise, and does not fall because its next lines are calm. An incident does this with the parts
    of every alert that it takes in, with ``persistence`` and ``services`` of its own.
    """
    return of_parts(
        {name: max(initial.get(name, 0.0), current.get(name, 0.0)) for name in {**initial, **current}}, settings
    )


def _share(value: float) -> float:
    return 0.0 if math.isnan(value) else min(max(value, 0.0), 1.0)
