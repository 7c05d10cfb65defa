"""Reviewing: what people say of alerts and of kinds of training sessions changes a copy, which then goes to work."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from logradar.alerting.review import Word
from logradar.core.errors import BundleError, ConfigError, InputError
from logradar.pipeline.feedback import Verdicts, give_feedback
from logradar.pipeline.review import review
from logradar.serving.detection.route import ACTIVE, RoutePlan
from logradar.serving.service import Service

_ONE: Final = threading.Lock()  # two people at once: each changes what the other one left
_PAGE: Final = 1_000


def questions(service: Service, name: str, most: int) -> dict[str, Any]:
    """The document of `logradar review --json` on the active bundle of this name, with ``most`` questions.

    Raises `ConfigError` where there is no such bundle, and `BundleError` where it cannot be reviewed.
    """
    return review(_plan(service, name).bundle, most=most) | {"bundle": name}


def answer(
    service: Service, name: str, words: Mapping[str, Word], *, by: str, undo: Iterable[str] = (), most: int = 10
) -> dict[str, Any]:
    """Take in answers by kind: a copy of the bundle is fitted anew and takes its place. Returns the new document."""
    with _ONE:
        plan = _plan(service, name)
        document: dict[str, Any] = {}

        def amend(copy: Path) -> None:
            try:
                document.update(review(copy, words=words, undo=tuple(undo), most=most))
            except (InputError, BundleError) as error:  # nobody knows the copy by its folder
                raise type(error)(str(error).replace(str(copy), name)) from None

        copy = service.shelf.put(name, plan.bundle, change=amend)
        if document["fitted_anew"]:
            put_to_work(service, plan, copy, by=by)
        for kind, word in words.items():
            service.store.review(name, kind, word, by)
    return document | {"bundle": name}


def give(service: Service, alert_ids: Sequence[str], verdict: str, *, by: str, note: str = "") -> dict[str, Any]:
    """`Service.feedback`, one at a time."""
    with _ONE:
        return service.feedback(alert_ids, verdict, by, note)


def withdraw(service: Service, number: int, *, by: str) -> None:
    """Take feedback back, in the store and in the bundle that heeds it. Raises `InputError` where there is none."""
    with _ONE:
        row = _feedback(service, number)
        if row["sort"] == "alert" and (alert := service.store.alert(row["subject_id"])) is not None:
            plan = next((one for one in _plans(service) if one.name == alert["bundle"]), None)
            if plan is not None:
                _undo(service, plan, row["subject_id"], by)
        service.store.withdraw_feedback(number)


def _undo(service: Service, plan: RoutePlan, alert_id: str, by: str) -> None:
    try:
        copy = service.shelf.put(
            plan.name,
            plan.bundle,
            change=lambda folder: give_feedback(folder, None, Verdicts(undo=(alert_id,))),
        )
    except InputError:  # the bundle was changed since, and does not have this verdict any more
        return
    put_to_work(service, plan, copy, by=by)


def put_to_work(service: Service, plan: RoutePlan, copy: Path, *, by: str) -> None:
    """Let an amended copy take the place of a plan's bundle.

    The store still knows where the bundle came from, so that a restart with the same settings keeps what people said.
    """
    key = f"{plan.name}/{plan.role}"
    before = _row(service, key)
    service.activate(copy, plan.name, role=plan.role, services=plan.services, by=by)
    now = _row(service, key)
    if before is not None and now is not None and "from" in before["document"]:
        facts = {**now["document"], "from": before["document"]["from"]}
        service.store.add_bundle(key, now["path"], role=now["role"], services=now["services"], document=facts)


def _row(service: Service, key: str) -> dict[str, Any] | None:
    return next((one for one in service.store.bundles() if one["bundle"] == key), None)


def _feedback(service: Service, number: int) -> dict[str, Any]:
    cursor: str | None = None
    while True:
        page = service.store.feedbacks(cursor=cursor, limit=_PAGE)
        for row in page.items:
            if row["id"] == number:
                return row
        if (cursor := page.next_cursor) is None:
            raise InputError(f"There is no feedback with the number {number}.")


def _plans(service: Service) -> list[RoutePlan]:
    return [plan for plan in service.worker.routes.plans if plan.role == ACTIVE]


def _plan(service: Service, name: str) -> RoutePlan:
    found = next((plan for plan in _plans(service) if plan.name == name), None)
    if found is None:
        raise ConfigError(f"No active bundle has the name '{name[:60]}'.")
    return found
