"""Results: what a step found, as rows of the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import polars as pl
import pyarrow as pa

from logradar.alerting.files import alert_json, change_json
from logradar.alerting.incident_files import incident_json
from logradar.core.tables import ERROR, NO_SERVICE, UNKNOWN, WARN
from logradar.retrieval.alert_links import AlertLinks
from logradar.scoring.stream import Step
from logradar.serving.detection.route import Route

MINUTE: Final = 60_000_000  # microseconds
EXAMPLE: Final = 2_000  # characters of an example line


def linked(step: Step, links: AlertLinks) -> Step:
    """The step with the code that wrote the lines of its alerts and incidents; nothing else of it changes."""
    return replace(
        step,
        alerts=links.alerts(step.alerts),
        early=links.alerts(step.early),
        incidents=links.incidents(step.incidents),
    )


def alert_rows(step: Step) -> list[dict[str, Any]]:
    """Alerts of a step as documents; ``over`` says whether the session is over."""
    early = [{**alert_json(row), "over": False} for row in step.early.to_pylist()]
    return early + [{**alert_json(row), "over": True} for row in step.alerts.to_pylist()]


def incident_rows(step: Step) -> list[dict[str, Any]]:
    """Incidents of a step as documents."""
    return [incident_json(row) for row in step.incidents.to_pylist()]


def change_rows(step: Step) -> list[dict[str, Any]]:
    """Rate changes of a step as documents."""
    return [change_json(row) for row in step.rate_changes.to_pylist()]


def count_rows(rows: pl.DataFrame) -> list[tuple[int, str, str, int]]:
    """Records by minute, service and band (all, warn, error); records without a time count when they arrived."""
    if not len(rows):
        return []
    moment = pl.coalesce(pl.col("timestamp").dt.epoch("us"), "arrived")
    minutes = rows.select(
        minute=moment // MINUTE * MINUTE, service=pl.col("service").fill_null(NO_SERVICE), level=pl.col("level")
    )
    level = pl.col("level").fill_null(0)
    counts = minutes.group_by("minute", "service").agg(
        all=pl.len(), warn=((level >= WARN) & (level < ERROR)).sum(), error=(level >= ERROR).sum()
    )
    return [
        (minute, service, band, count)
        for minute, service, *numbers in counts.sort("minute", "service").rows()
        for band, count in zip(("all", "warn", "error"), numbers, strict=True)
        if count
    ]


def template_rows(route: Route, rows: pl.DataFrame, events: pa.Table) -> Iterator[tuple[Any, ...]]:
    """For each template of the rows: bundle, id, text, example, first and last time, count and service."""
    if not len(rows):
        return
    for row in (
        _with_templates(rows, events)
        .group_by("template_id")
        .agg(
            pl.col("body").first(),
            pl.col("moment").min().alias("first"),
            pl.col("moment").max().alias("last"),
            pl.len(),
            pl.col("service").first(),
        )
        .sort("template_id")
        .rows()
    ):
        number, body, first, last, count, service = row
        text = route.templates.get(number, "a message that training does not have" if number == UNKNOWN else "")
        yield route.plan.name, number, text, body[:EXAMPLE], first, last, count, service or NO_SERVICE


def template_counts(route: Route, rows: pl.DataFrame, events: pa.Table) -> list[tuple[str, int, int, int]]:
    """Bundle, template id, minute and count."""
    if not len(rows):
        return []
    minute = (pl.col("moment") // MINUTE * MINUTE).alias("minute")
    counts = _with_templates(rows, events).group_by("template_id", minute).len().sort("template_id", "minute")
    return [(route.plan.name, *row) for row in counts.rows()]


def _with_templates(rows: pl.DataFrame, events: pa.Table) -> pl.DataFrame:
    moment = pl.coalesce(pl.col("timestamp").dt.epoch("us"), "arrived").alias("moment")
    return rows.select("body", "service", moment, pl.Series("template_id", events["template_id"].to_numpy()))
