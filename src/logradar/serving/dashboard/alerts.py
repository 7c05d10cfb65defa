"""Alerts: one of them with its lines, why they are unusual, and how urgent that is; and lists of them."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from logradar.serving import reviewing
from logradar.serving.dashboard.code_places import code_places
from logradar.serving.dashboard.evidence import alert_row, entry_of, severity_parts
from logradar.serving.dashboard.site import FORM, Fields, Site, back, by
from logradar.serving.detection.route import ACTIVE, SHADOW

_LISTED: Final = 50


def add(router: APIRouter, site: Site) -> None:
    """Add the routes."""

    @router.get("/alerts", dependencies=[site.reads])
    def alerts(
        request: Request,
        text: str = "",
        severity: str = "",
        service: str = "",
        incident: str = "",
        session: str = "",
        cursor: str | None = None,
    ) -> HTMLResponse:
        page = site.store.alerts(
            text=text.strip(),
            severity=severity or None,
            service=service.strip() or None,
            incident_id=incident or None,
            session_id=session or None,
            cursor=cursor,
            limit=_LISTED,
        )
        rows = [alert_row(one) for one in page.items]
        return site.page(request, "alerts.html", title="Alerts", alerts=rows, cursor=page.next_cursor)

    @router.get("/alerts/{alert_id}", dependencies=[site.reads])
    def alert(request: Request, alert_id: str, role: str = ACTIVE) -> HTMLResponse:
        one = site.store.alert(alert_id, role=SHADOW if role == SHADOW else ACTIVE)
        if one is None:
            raise HTTPException(404, "There is no such alert. Alerts that are old are forgotten.")
        return site.page(
            request,
            "alert.html",
            title=f"Alert {one['session_id']}",
            one=one,
            entry=entry_of(one),
            parts=severity_parts(one),
            code=code_places([one, *(one.get("evidence") or ())], site.service.settings.source_url),
        )

    @router.post("/alerts/{alert_id}/verdict", dependencies=site.writes)
    def verdict(request: Request, alert_id: str, said: Fields = FORM) -> Response:
        word = said.get("verdict", "")
        reviewing.give(site.service, [alert_id], word, by=by(request), note=said.get("note", "").strip())
        return back(f"/dashboard/alerts/{alert_id}", done=word)
