"""Routes: all nouns of the API together, for one application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter

from logradar.serving.api import (
    alerts,
    bundles,
    detection,
    feed,
    feedback,
    flush,
    guide,
    health,
    incidents,
    jobs,
    keys,
    lines,
    rates,
    receivers,
    review,
    services,
    sessions,
    severity,
    templates,
)
from logradar.serving.api.context import LARGEST, Context

PREFIX: Final = "/api/v1"
_NOUNS: Final = (
    detection,
    severity,
    guide,
    incidents,
    alerts,
    sessions,
    templates,
    rates,
    services,
    lines,
    feedback,
    bundles,
    review,
    jobs,
    keys,
    receivers,
    flush,
    feed,
)


def api_router(context: Context, *, metrics: Callable[[], bytes] = bytes) -> APIRouter:
    """All routes of the API and those of health; ``metrics`` gives the text for Prometheus."""
    whole = APIRouter(max_body_size=LARGEST)
    router = APIRouter(prefix=PREFIX)
    for noun in _NOUNS:
        noun.add(router, context)
    whole.include_router(router)
    health.add(whole, context, metrics)
    return whole
