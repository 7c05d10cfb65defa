"""Incidents: one of them as a story, and what people say of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from logradar.core.errors import InputError
from logradar.core.rate_words import what_changed
from logradar.core.tables import NO_SERVICE
from logradar.reporting.alert_list import clip
from logradar.serving import reviewing
from logradar.serving.dashboard.code_places import code_places
from logradar.serving.dashboard.evidence import alert_row, first_line
from logradar.serving.dashboard.incident_rows import incident_row, size_of
from logradar.serving.dashboard.site import FORM, Fields, Site, back, by
from logradar.serving.dashboard.time_line import time_line
from logradar.serving.dashboard.times import moment_of
from logradar.serving.detection.route import ACTIVE, SHADOW

_CLOCK: Final = re.compile(r"\b(\d\d:\d\d:\d\d)\b")
_DRAWN: Final = 500  # alerts of the time line
_LISTED: Final = 20  # alerts that are listed
_JUDGED: Final = 100  # alerts that a verdict about an incident is about, at most
_RATES: Final = 12
_VERDICTS: Final = 200  # of the last ones, among which those about an incident are looked for


def add(router: APIRouter, site: Site) -> None:
    """Add the routes."""
    _add_story(router, site)
    path = "/incidents/{incident_id}"

    @router.post(path + "/acknowledge", dependencies=site.writes)
    def acknowledge(request: Request, incident_id: str, said: Fields = FORM) -> Response:
        if said.get("withdraw"):
            site.store.withdraw_acknowledgement(incident_id, by(request))
            return _back(incident_id, "withdrawn")
        site.store.acknowledge(incident_id, by(request), said.get("note", "").strip())
        return _back(incident_id, "acknowledged")

    @router.post(path + "/note", dependencies=site.writes)
    def note(request: Request, incident_id: str, said: Fields = FORM) -> Response:
        text = said.get("note", "").strip()
        if not text:
            raise InputError("The note is empty: write something, then send it.")
        site.store.note(incident_id, by(request), text)
        return _back(incident_id, "noted")

    @router.post(path + "/verdict", dependencies=site.writes)
    def verdict(request: Request, incident_id: str, said: Fields = FORM) -> Response:
        alerts = site.store.alerts(incident_id=incident_id, limit=_JUDGED).items
        if not alerts:
            raise InputError("This incident has no alert that could be judged: only rates changed.")
        word, who, note = said.get("verdict", ""), by(request), said.get("note", "").strip()
        reviewing.give(site.service, [one["alert_id"] for one in alerts], word, by=who, note=note)
        site.store.feedback(word, who, incident_id=incident_id, note=note)
        return _back(incident_id, word)


def _add_story(router: APIRouter, site: Site) -> None:
    @router.get("/incidents/{incident_id}", dependencies=[site.reads])
    def story(request: Request, incident_id: str, role: str = ACTIVE) -> HTMLResponse:
        one = site.store.incident(incident_id, role=SHADOW if role == SHADOW else ACTIVE)
        if one is None:
            raise HTTPException(404, "There is no such incident. Incidents that are over and old are forgotten.")
        alerts = site.store.alerts(incident_id=one["incident_id"], role=one["role"], limit=_DRAWN)
        changes, evidence = one["rate_change_list"], one.get("evidence")
        row = incident_row(one)
        return site.page(
            request,
            "incident.html",
            title=row.title,
            one=one,
            row=row,
            size=size_of(one),
            seconds=_seconds(one),
            first=first_line(evidence),
            around=_around(evidence),
            candidates=list(_candidates(one.get("candidates") or ())),
            line=time_line(alerts.items, changes, int(one.get("alerts") or 0)),
            changes=[(what_changed(change), change) for change in changes[:_RATES]],
            more_changes=max(0, len(changes) - _RATES),
            code=code_places([evidence, *alerts.items], site.service.settings.source_url),
            alerts=[alert_row(alert) for alert in alerts.items[:_LISTED]],
            linked=len(alerts.items),
            verdict=_verdict(site, one["incident_id"]),
        )


def _back(incident_id: str, done: str) -> Response:
    return back(f"/dashboard/incidents/{incident_id}", done=done)


def _seconds(one: Mapping[str, Any]) -> float | None:
    first, last = moment_of(one.get("started_at")), moment_of(one.get("last_at"))
    return max(0.0, (last - first).total_seconds()) if first and last else None


def _around(evidence: Any) -> dict[str, str]:
    """The words of the address of the lines around the first unusual one."""
    time = moment_of(evidence.get("timestamp")) if isinstance(evidence, Mapping) else None
    if time is None:
        return {}
    span = timedelta(seconds=30)
    return {"since": f"{time - span:%Y-%m-%dT%H:%M:%S}", "until": f"{time + span:%Y-%m-%dT%H:%M:%S}"}


def _candidates(places: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, float]]:
    """Services where the cause may be, why, and their share of the unusual lines in per cent."""
    for place in places:
        if place.get("service") not in (None, NO_SERVICE):
            share = place.get("share")
            width = 100 * min(1.0, max(0.0, share)) if isinstance(share, float | int) else 0.0
            reason = _CLOCK.sub(r"\1 UTC", str(place.get("reason") or ""))  # these times are written, not marked up
            yield str(place["service"]), clip(reason, head=200).head, width


def _verdict(site: Site, incident_id: str) -> dict[str, Any] | None:
    """What people said of the incident last."""
    said = site.store.feedbacks(limit=_VERDICTS).items
    return next((one for one in said if one["sort"] == "incident" and one["subject_id"] == incident_id), None)
