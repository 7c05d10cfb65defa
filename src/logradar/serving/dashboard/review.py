"""Review: people say of kinds of training sessions whether they are normal, and the bundle learns anew.

Answers rest in the store until somebody lets the bundle learn from them: that takes seconds, an answer takes none.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from logradar.alerting.review import Word
from logradar.core.errors import BundleError, InputError
from logradar.pipeline.review import Reviewed
from logradar.serving import reviewing
from logradar.serving.dashboard.site import FORM, Fields, Site, back, by
from logradar.serving.detection.route import ACTIVE, RoutePlan

_ASKED: Final = 8  # questions at once
_lock = threading.Lock()  # a loaded bundle is asked by one page at a time


def add(router: APIRouter, site: Site) -> None:
    """Add the routes."""

    @router.get("/review", dependencies=[site.reads])
    def review(request: Request, bundle: str = "") -> HTMLResponse:
        plans = plans_of(site)
        plan = next((one for one in plans if one.name == bundle), plans[0] if plans else None)
        values = {} if plan is None else _questions(site, plan)
        return site.page(request, "review.html", title="Review", plans=plans, plan=plan, **values)

    @router.post("/review", dependencies=site.writes)
    def answer(request: Request, said: Fields = FORM) -> Response:
        name = said.get("bundle", "")
        site.store.review(name, said.get("kind", ""), said.get("answer", ""), by(request))
        return back("/dashboard/review", bundle=name, done="answered")

    @router.post("/review/learn", dependencies=site.writes)
    def learn(request: Request, said: Fields = FORM) -> Response:
        name = said.get("bundle", "")
        plan = next((one for one in plans_of(site) if one.name == name), None)
        if plan is None:
            raise HTTPException(404, f"No bundle '{name[:40]}' is at work any more.")
        with _lock:
            waiting = _waiting(site, name, _loaded(plan.bundle))
        if not waiting:
            raise InputError("No answer waits: the bundle has learnt from all of them.")
        reviewing.answer(site.service, name, waiting, by=by(request))
        return back("/dashboard/review", bundle=name, done="learnt")


def plans_of(site: Site) -> list[RoutePlan]:
    """The bundles whose alerts people get."""
    return [plan for plan in site.service.worker.routes.plans if plan.role == ACTIVE]


@lru_cache(maxsize=4)
def _loaded(folder: Path) -> Reviewed:
    """The bundle in a folder of the shelf, which never changes. Raises `BundleError` where it has nothing to review."""
    return Reviewed(folder)


def _questions(site: Site, plan: RoutePlan) -> dict[str, Any]:
    with _lock:
        try:
            found = _loaded(plan.bundle)
        except BundleError:
            return {"nothing": True}
        waiting = _waiting(site, plan.name, found)
        found.review = found.bundle.review.add(waiting)
        document = found.document(_ASKED)
        return {**document, "waiting": len(waiting), "refusal": found.refusal}


def _waiting(site: Site, name: str, found: Reviewed) -> dict[str, Word]:
    """The answers that the bundle has not learnt from."""
    learnt: Mapping[str, Word] = found.bundle.review.words
    said = {one["kind"]: cast(Word, one["answer"]) for one in site.store.reviews(name)}
    return {kind: word for kind, word in said.items() if kind in found.numbers and learnt.get(kind) != word}
