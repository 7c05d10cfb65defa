"""Labels by which Alertmanager knows an incident: few values each, and as stable as the incident lets them be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from logradar.core.tables import NO_SERVICE

ALERT_NAME: Final = "LogRadarIncident"


def labels(incident: Mapping[str, Any], bundle: str) -> dict[str, str]:
    """The labels of a row of INCIDENTS that ``bundle`` found.

    The service is that of the first unusual line, which never changes, and not the likeliest cause, which may: with
    other labels it is another alert.
    """
    return {
        "alertname": ALERT_NAME,
        "incident_id": incident["incident_id"],
        "service": service_of(incident),
        "severity": incident["severity"],
        "kind": incident["kind"],
        "bundle": bundle,
    }


def service_of(incident: Mapping[str, Any]) -> str:
    """The service of the first unusual line, else the first one of the incident, else `NO_SERVICE`."""
    first = (incident.get("evidence") or {}).get("service")
    return first or next((name for name in incident["services"] if name), None) or NO_SERVICE
