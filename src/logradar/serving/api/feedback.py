"""Feedback: people say that an alert is a false alarm or a real anomaly, and detection heeds it at once."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.exceptions import HTTPException

from logradar.core.errors import InputError
from logradar.serving import reviewing
from logradar.serving.api.answers import Done, Listing, answer, listed, shown
from logradar.serving.api.asking import LARGEST, Cursor, Limit, one_of
from logradar.serving.api.context import Context, asker, routes_of
from logradar.serving.api.problems import missing
from logradar.serving.store.people import LONGEST_NOTE

Verdict = Literal["false_alarm", "anomaly"]
AlertId = Annotated[str, Field(min_length=1, max_length=200)]
_EXAMPLE: Final[dict[str, Any]] = {
    "id": 3,
    "sort": "alert",
    "subject_id": "5d41402abc4b2a76",
    "verdict": "false_alarm",
    "by": "mia",
    "note": "A planned restart.",
    "at": 1772355850000000,
}


class FeedbackRequest(BaseModel):
    """What somebody says of alerts, or of all alerts of an incident."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=one_of(
            {"verdict": "false_alarm", "alert_ids": ["5d41402abc4b2a76"], "note": "A planned restart."},
            "alert_ids",
            "incident_id",
        ),
    )

    verdict: Verdict = Field(description="false_alarm: alerts like these are harmless; anomaly: they are real.")
    alert_ids: list[AlertId] | None = Field(None, min_length=1, max_length=100, description="Alerts of one bundle.")
    incident_id: AlertId | None = Field(None, description="An incident, for all its alerts.")
    note: str = Field("", max_length=LONGEST_NOTE, description="Why, for others.")

    @model_validator(mode="after")
    def _one(self) -> FeedbackRequest:
        given = self.model_fields_set & {"alert_ids", "incident_id"}
        if len(given) != 1 or (self.alert_ids is None and self.incident_id is None):
            raise ValueError("give alert_ids or incident_id")
        return self


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("feedback")

    @routes.post(
        "/feedback",
        dependencies=context.writes,
        summary="Say what alerts are",
        responses=shown({"bundle": "hdfs", "alerts": 1, "accepted": 1, "confirmed": 0}),
    )
    def give_feedback(request: Request, said: FeedbackRequest) -> Response:
        """Say that alerts are false alarms or real anomalies. The bundle that raised them heeds it from now on.

        It is refused (400) where it would hide too much, such as messages that were never seen before.
        """
        ids = list(dict.fromkeys(said.alert_ids or ()))
        if said.incident_id is not None:
            incident = context.store.incident(said.incident_id)
            if incident is None:
                raise missing("incident", said.incident_id)
            ids = [one["alert_id"] for one in incident["alert_list"]]
            if not ids:
                raise HTTPException(409, "The incident has no alerts, only changes of rates; nothing can be learnt.")
        for one in ids:
            if context.store.alert(one) is None:
                raise missing("alert", one)
        found = reviewing.give(context.service, ids, said.verdict, by=asker(request), note=said.note)
        if said.incident_id is not None:
            context.store.feedback(said.verdict, asker(request), incident_id=said.incident_id, note=said.note)
        counts = {name: len(found[name]) for name in ("accepted", "confirmed")}
        return answer({"bundle": found["bundle"], "alerts": len(ids), **counts})

    @routes.get(
        "/feedback",
        dependencies=context.reads,
        summary="List feedback",
        responses=shown({"items": [_EXAMPLE], "next_cursor": None}, Listing),
    )
    def list_feedback(
        verdict: Annotated[Verdict | None, Query(description="Only this verdict.")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """List what people said of alerts and incidents, the last first."""
        return listed(context.store.feedbacks(verdict=verdict, cursor=cursor, limit=limit))

    @routes.delete(
        "/feedback/{number}",
        dependencies=context.writes,
        summary="Withdraw feedback",
        responses=shown({"done": "The feedback 3 is withdrawn."}, Done),
    )
    def withdraw_feedback(
        request: Request, number: Annotated[int, Path(ge=1, le=LARGEST, description="Its number.")]
    ) -> Response:
        """Take feedback back, as if it had not been given; detection heeds that at once as well."""
        try:
            reviewing.withdraw(context.service, number, by=asker(request))
        except InputError as error:
            raise HTTPException(404, str(error)) from None
        return answer({"done": f"The feedback {number} is withdrawn."})

    router.include_router(routes)
