"""Route: one bundle that scores the records of some services, as they arrive."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa

from logradar.core.errors import ConfigError
from logradar.core.tables import NO_SERVICE
from logradar.model.bundle import Bundle
from logradar.scoring.stream import Step, Stream
from logradar.serving.intake.rows import log_records

ACTIVE: Final = "active"
SHADOW: Final = "shadow"  # scores beside the active one, for a comparison; nobody is notified
ROLES: Final = (ACTIVE, SHADOW)


@dataclass(frozen=True)
class RoutePlan:
    """What a route is to be: ``services`` are globs (none: all that no other route takes), ``bundle`` is its folder."""

    name: str
    bundle: Path
    services: tuple[str, ...] = ()
    role: str = ACTIVE

    def document(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return {"name": self.name, "bundle": str(self.bundle), "services": list(self.services), "role": self.role}

    @classmethod
    def of(cls, document: dict[str, Any]) -> RoutePlan:
        """The plan that `document` gave. Raises `ConfigError` for another role."""
        if document["role"] not in ROLES:
            raise ConfigError(f"A bundle is {' or '.join(ROLES)}; '{document['role']}' is neither.")
        return cls(document["name"], Path(document["bundle"]), tuple(document["services"]), document["role"])


@dataclass
class Route:
    """A bundle at work. ``draining``: it was replaced, and gets only what belongs to its open sessions until a tick."""

    plan: RoutePlan
    bundle: Bundle
    stream: Stream
    until: int | None = None
    templates: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: RoutePlan, most_open: int | None = None) -> Route:
        """The route of a plan, whose open sessions hold at most ``most_open`` records.

        Raises the errors of `Bundle.load`, and `ConfigError` for a bundle of day files.
        """
        bundle = Bundle.load(plan.bundle)
        stream = Stream(bundle, bundle.thresholds[bundle.settings.detector], several=True, most_open=most_open)
        return cls(plan, bundle, stream, templates=bundle.texts)

    @property
    def draining(self) -> bool:
        """Whether another route has taken its place."""
        return self.until is not None

    def takes(self, service: str | None) -> bool:
        """Whether it names this service."""
        return any(fnmatchcase(service or NO_SERVICE, glob) for glob in self.plan.services)

    def records(self, rows: pl.DataFrame) -> pa.Table:
        """LOG_RECORDS of rows, with this bundle's session keys."""
        return log_records(rows, self.bundle.settings.input.session_key)

    def step(self, records: pa.Table) -> Step:
        """What records bring."""
        return self.stream.step(records)


def shares(routes: list[Route], services: list[str | None]) -> list[list[str | None]]:
    """The services of each route that is not draining: those that it names, else those that no other of its role does.

    >>> shares([], ["pay"])
    []
    """
    found: list[list[str | None]] = []
    for route in routes:
        if route.draining:
            found.append([])
            continue
        others = [other for other in routes if other.plan.role == route.plan.role and not other.draining]
        if route.plan.services:
            found.append([one for one in services if route.takes(one)])
        else:
            found.append([one for one in services if not any(other.takes(one) for other in others)])
    return found
