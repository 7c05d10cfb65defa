"""Detection: sessions in, scores out; nothing of it is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException

from logradar.serving.api.answers import answer, shown
from logradar.serving.api.asking import LARGEST, whole
from logradar.serving.api.context import Context, routes_of
from logradar.serving.detection.route import ACTIVE, RoutePlan
from logradar.serving.scoring_requests import Asked
from logradar.serving.store.bundles import RESTING

SESSIONS: Final = 500
LINES: Final = 20_000  # of all sessions of a request together
_EVENT: Final = 2**31
_Event = Annotated[int, Field(ge=-_EVENT, lt=_EVENT, strict=True), BeforeValidator(whole)]
_Name = Annotated[int, Field(ge=-LARGEST, le=LARGEST, strict=True), BeforeValidator(whole)]
Line = Annotated[str, Field(max_length=100_000)]


class SessionToScore(BaseModel):
    """A session: its log lines, or the event ids of a session of RADAR's day files."""

    model_config = ConfigDict(extra="ignore")  # day files hold token_ids and more, which says nothing new

    session_id: Annotated[str, Field(max_length=1000)] | _Name | None = Field(
        None, description="Its name; it comes back in the answer."
    )
    service: str | None = Field(None, max_length=1000, description="The service that wrote the lines.")
    lines: list[Line] = Field([], max_length=LINES, description="Its log lines in their order, as they stand in files.")
    event_sequence: list[_Event] | None = Field(
        None, max_length=LINES, description="Ids of its events, for a bundle that was trained on day files."
    )
    service_name: str | None = Field(None, max_length=1000, description="The same as `service`, as day files name it.")
    original_logs: list[Line] = Field([], max_length=LINES, description="The same as `lines`, as day files name it.")
    has_error: bool | None = Field(None, strict=True, description="Whether one of its lines is an error.")
    has_warn: bool | None = Field(None, strict=True, description="Whether one of its lines is a warning.")


class DetectRequest(BaseModel):
    """Sessions to score."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "sessions": [
                    {
                        "session_id": "blk_38865049064139660",
                        "lines": ["081109 203615 148 INFO dfs.DataNode: Receiving block blk_38865049064139660"],
                    }
                ]
            }
        },
    )

    sessions: list[SessionToScore] = Field(max_length=SESSIONS, description="At most 500, of at most 20,000 lines.")
    bundle: str | None = Field(
        None, max_length=100, description="Name of the bundle; without it the one at work for the session's service."
    )


_EXAMPLE: Final = {
    "sessions": [
        {
            "session_id": "blk_38865049064139660",
            "service": None,
            "bundle": "hdfs",
            "anomaly_score": 3.2,
            "threshold": 1.1,
            "is_anomaly": True,
            "silenced": False,
            "severity": "medium",
            "severity_score": 41.7,
            "severity_parts": {"confidence": 0.9, "level": 0.6},
            "evidence": [{"line": 6, "body": "Exception writing block", "reason": "never seen in training"}],
            "parts": 1,
        }
    ]
}


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("detection")

    @routes.post(
        "/detect", dependencies=context.reads, summary="Score sessions", responses=shown(_EXAMPLE, words="The scores.")
    )
    def detect(request: Request, asked: DetectRequest) -> Response:
        """Score whole sessions and say what is unusual about them.

        The scores are those of `logradar detect` for the same lines. Nothing is stored and nobody is notified. Send
        what belongs to one request, block or trace as one session. `anomaly_score` is null for a session without lines.
        """
        total = sum(len(one.lines) + len(one.original_logs) + len(one.event_sequence or ()) for one in asked.sessions)
        if total > LINES:
            raise HTTPException(413, f"A request has at most {LINES:,} lines, and this has {total:,}: send several.")
        groups: dict[tuple[str, Path], list[int]] = {}
        for number, one in enumerate(asked.sessions):
            groups.setdefault(_bundle(context, asked.bundle, one.service or one.service_name), []).append(number)
        found: dict[int, dict[str, Any]] = {}
        for (name, folder), numbers in groups.items():
            scorer = context.scorers.of(folder)
            sessions = [_asked(asked.sessions[number], number, scorer.reads_lines) for number in numbers]
            scored = scorer.score(sessions)
            found |= {number: {**one, "bundle": name} for number, one in zip(numbers, scored, strict=True)}
        return answer({"sessions": [found[number] for number in sorted(found)]})

    router.include_router(routes)


def _asked(one: SessionToScore, number: int, reads_lines: bool) -> Asked:
    name = str(number) if one.session_id is None else str(one.session_id)
    lines = one.lines or one.original_logs
    if reads_lines and lines:  # lines say more than ids of events that another preprocessing gave
        return Asked(name, one.service or one.service_name, lines)
    return Asked(name, one.service or one.service_name, lines, one.event_sequence, one.has_error, one.has_warn)


def _bundle(context: Context, name: str | None, service: str | None) -> tuple[str, Path]:
    """Name and folder of the bundle that judges sessions of this service."""
    plans = context.service.worker.routes.plans
    if name is not None:
        for plan in sorted(plans, key=lambda one: one.role != ACTIVE):
            if plan.name == name:
                return plan.name, plan.bundle
        for row in context.store.bundles():
            if row["bundle"] == f"{name}/{RESTING}":
                return name, Path(row["path"])
        raise HTTPException(404, f"There is no bundle '{name[:60]}'; GET /api/v1/bundles lists them.")
    active = [plan for plan in plans if plan.role == ACTIVE]
    named = [plan for plan in active if takes(plan, service)]
    rest = [plan for plan in active if not plan.services]
    for plan in (*named, *rest, *active):
        return plan.name, plan.bundle
    raise HTTPException(409, "No bundle is at work, so nothing can be scored: train or activate one first.")


def takes(plan: RoutePlan, service: str | None) -> bool:
    """Whether a bundle names this service."""
    from fnmatch import fnmatchcase

    from logradar.core.tables import NO_SERVICE

    return any(fnmatchcase(service or NO_SERVICE, glob) for glob in plan.services)
