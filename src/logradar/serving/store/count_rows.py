"""Counts as rows: how often services and templates wrote, minute by minute; what comes is added to what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from logradar.core.tables import NO_SERVICE
from logradar.serving.store.errors import QueryError
from logradar.serving.store.schema import SERVICE_COUNTS, TEMPLATE_COUNTS, TEMPLATES
from logradar.serving.store.texts import Texts
from logradar.serving.store.upsert import upsert

BANDS: Final = {"all": "records", "warn": "warnings", "error": "errors"}  # and the column of each


def store_services(
    connection: Connection, texts: Texts, rows: Sequence[tuple[int, str | None, str, int]], now: int
) -> None:
    """Add (minute, service, band, count). Raises `QueryError` for another band."""
    if strange := {band for _, _, band, _ in rows if band not in BANDS}:
        raise QueryError(f"Records are counted as {', '.join(BANDS)}, not as '{min(strange)}'.")
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for minute, name, band, count in rows:
        key = (minute, texts.name(name or NO_SERVICE))
        if key not in found:
            found[key] = {"minute": minute, "service": key[1], **dict.fromkeys(BANDS.values(), 0), "stored_at": now}
        found[key][BANDS[band]] += count
    upsert(connection, SERVICE_COUNTS, list(found.values()), add=list(BANDS.values()), keep=("stored_at",))


def store_template_counts(
    connection: Connection, texts: Texts, rows: Sequence[tuple[str, int, int, int]], now: int
) -> None:
    """Add (bundle, template id, minute, count)."""
    found = [
        {"bundle": texts.name(bundle), "template_id": id_, "minute": minute, "count": count, "stored_at": now}
        for bundle, id_, minute, count in rows
    ]
    upsert(connection, TEMPLATE_COUNTS, found, add=("count",), keep=("stored_at",))


def store_templates(
    connection: Connection, texts: Texts, rows: Sequence[tuple[str, int, str, str, int, int, int, str | None]]
) -> None:
    """Add (bundle, template id, template, example, first at, last at, count, service)."""
    found = [
        {
            "bundle": texts.name(bundle),
            "template_id": id_,
            "template": texts.clean(template),
            "example": texts.clean(example),
            "service": texts.name(service or NO_SERVICE),
            "first_at": first,
            "last_at": last,
            "count": count,
            "search": texts.search(template, example),
        }
        for bundle, id_, template, example, first, last, count, service in rows
    ]
    upsert(
        connection,
        TEMPLATES,
        found,
        add=("count",),
        least=("first_at",),
        most=("last_at",),
        keep=("service",),
    )
