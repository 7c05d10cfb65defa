"""Bundles: which are at work, whether they still fit the logs, what a shadow would find, and new ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from logradar.core.errors import InputError
from logradar.serving.comparison import comparison
from logradar.serving.dashboard.evidence import alert_row
from logradar.serving.dashboard.log_clock import last_day
from logradar.serving.dashboard.site import FORM, Fields, Site, back, by
from logradar.serving.detection.route import ACTIVE, ROLES, SHADOW, RoutePlan
from logradar.serving.learning import NAME
from logradar.serving.store.database import now_us
from logradar.serving.store.jobs import RUNNING, WAITING

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")
_JOBS: Final = 8
_EXAMPLES: Final = 8
_HOURS: Final = {"1": "the last hour", "24": "the last day", "168": "the last 7 days", "": "all lines that are kept"}


def add(router: APIRouter, site: Site) -> None:
    """Add the routes."""

    @router.get("/bundles", dependencies=[site.reads])
    def bundles(request: Request) -> HTMLResponse:
        at_work = site.service.bundles()
        roles = {one["role"] for one in at_work if not one["draining"]}
        jobs = site.store.jobs(limit=_JOBS).items
        return site.page(
            request,
            "bundles.html",
            title="Bundles",
            active=[one for one in at_work if one["role"] == ACTIVE],
            shadow=[one for one in at_work if one["role"] == SHADOW],
            comparison=_compared(site) if SHADOW in roles else None,
            jobs=jobs,
            busy=any(one["state"] in (WAITING, RUNNING) for one in jobs),
            hours=_HOURS,
            learnt=NAME,
            learning=site.service.learning.sentence(),
        )

    @router.post("/bundles/work", dependencies=site.rules)
    def work(request: Request, said: Fields = FORM) -> Response:
        folder = said.get("folder", "").strip()
        role = said.get("role", ACTIVE)
        if not folder:
            raise InputError("Name the folder of a bundle, as `logradar train … -o FOLDER` wrote it on this machine.")
        if role not in ROLES:
            raise InputError(f"A bundle is {' or '.join(ROLES)}.")
        services = tuple(said.get("services", "").replace(",", " ").split())
        name = _name(said.get("name", ""))
        site.service.activate(Path(folder), name, role=role, services=services, by=by(request))
        return back("/dashboard/bundles", done="at_work")

    @router.post("/bundles/promote", dependencies=site.rules)
    def promote(request: Request, said: Fields = FORM) -> Response:
        plan = _plan(site, said.get("name", ""), SHADOW)
        place = said.get("place", "") or plan.name
        replaced = next((one for one in _plans(site, ACTIVE) if one.name == place), None)
        services = replaced.services if replaced is not None else plan.services
        site.service.activate(plan.bundle, _name(place), role=ACTIVE, services=services, by=by(request))
        site.service.deactivate(plan.name, SHADOW)
        return back("/dashboard/bundles", done="at_work")

    @router.post("/bundles/end", dependencies=site.rules)
    def end(said: Fields = FORM) -> Response:
        site.service.deactivate(said.get("name", ""), said.get("role", ""))
        return back("/dashboard/bundles", done="ended")

    @router.post("/bundles/train", dependencies=site.rules)
    def train(request: Request, said: Fields = FORM) -> Response:
        hours = said.get("hours", "")
        if hours not in _HOURS:
            raise InputError(f"Train on lines of {', '.join(one for one in _HOURS if one)} hours, or on all.")
        since = now_us() - int(hours) * 3_600_000_000 if hours else None
        site.service.learning.ask(by(request), since=since, name=_name(said["name"]) if said.get("name") else None)
        return back("/dashboard/bundles", done="training")


def _name(text: str) -> str:
    """A name for a bundle. Raises `InputError` for one that cannot be a name of a folder."""
    if _PLAIN.fullmatch(text.strip()) is None:
        raise InputError("A name has at most 61 letters, digits, dots, dashes and underscores; no dot first.")
    return text.strip()


def _compared(site: Site) -> dict[str, Any]:
    """What active and shadow bundles found since both are at work, with rows of alerts that only one of them has."""
    day = last_day(site.store)
    begun = [one["changed_at"] for one in site.store.bundles() if one["role"] == SHADOW]
    since = max([day.since, *(begun if day.live else [])])
    found = comparison(site.store, since=since)
    rows = {
        role: [alert_row({**one, "evidence": [{"reason": one["reason"]}]}) for one in examples[:_EXAMPLES]]
        for role, examples in found["examples"].items()
    }
    total = found["both"] + found["only_active"] + found["only_shadow"]
    return {**found, "rows": rows, "total": total, "since": since}


def _plans(site: Site, role: str) -> list[RoutePlan]:
    return [plan for plan in site.service.worker.routes.plans if plan.role == role]


def _plan(site: Site, name: str, role: str) -> RoutePlan:
    plan = next((one for one in _plans(site, role) if one.name == name), None)
    if plan is None:
        raise HTTPException(404, f"No {role} bundle has the name '{name[:40]}'.")
    return plan
