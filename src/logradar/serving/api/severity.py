"""Severity: how urgent something is, and what that comes from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from logradar.alerting.severity import Severity, SeveritySettings, Share, Signs, of_parts, parts_of
from logradar.core.tables import ERROR, WARN
from logradar.serving.api.answers import answer, shown
from logradar.serving.api.asking import LARGEST, one_of, whole
from logradar.serving.api.context import Context, routes_of
from logradar.serving.api.problems import missing

PROFILES: Final = ("logradar", "radar")
_Whole = Annotated[int, BeforeValidator(whole)]
_NAME: Final = Field(None, max_length=200)


class SignsToJudge(BaseModel):
    """What the severity is computed from."""

    model_config = ConfigDict(extra="forbid", strict=True)

    confidence: Share = Field(description="How sure it is that this is an anomaly, from 0 to 1.")
    level: _Whole | None = Field(
        None, ge=1, le=24, description="The worst SeverityNumber of OpenTelemetry; null: none."
    )
    services: list[str] = Field([], max_length=1000, description="Services with unusual lines.")
    all_services: list[str] = Field([], max_length=1000, description="Services with any lines.")
    errors: _Whole = Field(0, ge=0, le=LARGEST, description="Lines of level ERROR or worse.")
    warnings: _Whole = Field(0, ge=0, le=LARGEST, description="Lines of level WARN.")
    seconds: float = Field(0.0, ge=0, le=1e12, allow_inf_nan=False, description="How long it lasts.")


class SeverityRequest(BaseModel):
    """Exactly one of the three: signs, the id of an alert, or the id of an incident."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=one_of(
            {"signs": {"confidence": 0.9, "level": 17, "services": ["pay"], "errors": 3, "seconds": 60}},
            "signs",
            "alert_id",
            "incident_id",
        ),
    )

    signs: SignsToJudge | None = None
    alert_id: str | None = _NAME
    incident_id: str | None = _NAME

    @model_validator(mode="after")
    def _one(self) -> SeverityRequest:
        if len(self.model_fields_set) != 1 or all(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("give exactly one of signs, alert_id and incident_id")
        return self


_EXAMPLE: Final = {
    "of": "signs",
    "logradar": {
        "score": 61.2,
        "band": "high",
        "parts": {"confidence": 0.9, "level": 0.9, "services": 0.17, "service_weight": 0.5, "persistence": 0.5},
        "exact": True,
    },
    "radar": {
        "score": 53.3,
        "band": "medium",
        "parts": {"anomaly": 0.9, "errors": 0.3, "warnings": 0.0, "service_weight": 0.5, "services": 0.17},
        "exact": True,
    },
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("detection")

    @routes.post("/severity", dependencies=context.reads, summary="Say how urgent it is", responses=shown(_EXAMPLE))
    def severity(asked: SeverityRequest) -> Response:
        """Compute the severity of given signs, or show what that of an alert or an incident comes from.

        Both formulas are there: that of LogRadar (confidence times impact) and that of RADAR. `exact` is false where a
        formula needs more than an alert or incident keeps, and that was estimated from its evidence.
        """
        if asked.signs is not None:
            values = asked.signs.model_dump()
            signs = Signs(**values | {name: tuple(values[name]) for name in ("services", "all_services")})
            return answer({"of": "signs", **{name: _shown(_by(signs, name)) for name in PROFILES}})
        if asked.alert_id is not None:
            found = context.store.alert(asked.alert_id)
            if found is None:
                raise missing("alert", asked.alert_id)
            return answer({"of": "alert", **_of_alert(found)})
        assert asked.incident_id is not None
        incident = context.store.incident(asked.incident_id)
        if incident is None:
            raise missing("incident", asked.incident_id)
        parts = [_of_alert(one) for one in incident["alert_list"]]
        worst = {
            name: max((one[name] for one in parts), key=lambda one: one["score"], default=None) for name in PROFILES
        }
        now = {"score": incident["severity_score"], "band": incident["severity"]}
        return answer({"of": "incident", "now": now, **worst})

    router.include_router(routes)


def _by(signs: Signs, profile: Any) -> Severity:
    settings = SeveritySettings(profile=profile)
    return of_parts(parts_of(signs, settings), settings)


def _of_alert(alert: dict[str, Any]) -> dict[str, Any]:
    """Both severities of an alert: the one that it has, and the other one from what it keeps."""
    parts = alert["severity_parts"]
    own: Literal["radar", "logradar"] = "radar" if "anomaly" in parts else "logradar"
    levels = [one.get("level") or 0 for one in {one.get("line"): one for one in alert["evidence"]}.values()]
    errors = sum(level >= ERROR for level in levels)
    begin, end = alert.get("started_at"), alert.get("raised_at")
    signs = Signs(
        confidence=parts.get("confidence", parts.get("anomaly", 0.0)),
        level=alert["max_level"],
        services=tuple({one["service"] for one in alert["evidence"] if one.get("service")}),
        all_services=tuple(alert["services"]),
        errors=errors,
        warnings=sum(level >= WARN for level in levels) - errors,
        seconds=(datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() if begin and end else 0.0,
    )
    found = {name: _shown(_by(signs, name), exact=False) for name in PROFILES}
    found[own] = {"score": alert["severity_score"], "band": alert["severity"], "parts": parts, "exact": True}
    return found


def _shown(found: Severity, exact: bool = True) -> dict[str, Any]:
    return {"score": found.score, "band": found.band, "parts": dict(found.parts), "exact": exact}
