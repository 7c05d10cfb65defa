"""The report: one HTML page from a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from logradar.core.formatting import joined, moment, number
from logradar.core.tables import NO_SERVICE
from logradar.reporting import evaluation_summary as summary
from logradar.reporting.alert_list import top
from logradar.reporting.detection_page import TIMELINE
from logradar.reporting.figures import alarmed_in, gallery, labelled, placed
from logradar.reporting.html import fill, write
from logradar.reporting.incident_list import stories
from logradar.reporting.incident_plots import incident_timeline
from logradar.reporting.run_folder import Run

_SERVICES = 12  # rows of the table by service


def write_report(folder: Path, *, redact: bool = False) -> Path:
    """Write ``report.html`` into a run folder and return its path; ``report-redacted.html`` with ``redact``.

    The page leaves out what the folder does not have. A bundle is sealed, so its report is written next to it
    as ``<bundle>-report.html``. Raises `InputError` when there is nothing to report or a file is
    damaged.
    """
    run = Run.read(folder)
    place, name = folder.absolute(), "report.html"
    if redact:
        run, name = run.redacted(), "report-redacted.html"
    path = place.with_name(f"{place.name}-{name}") if run.sealed else place / name
    return write(render(run), path)


def render(run: Run) -> str:
    """The page as text."""
    columns, rows = summary.table(run)
    return fill(
        "report.html",
        run=run,
        facts=run.evaluation,
        title=str(run.evaluation.get("title") or run.folder.absolute().name),
        headline=summary.headline(run),
        lead=summary.lead(run),
        cards=summary.cards(run),
        caveats=summary.caveats(run),
        columns=columns,
        rows=rows,
        notes=summary.notes_on_detectors(run),
        repetition=_repetition(run.evaluation),
        faults=_faults(run),
        services=_services(run),
        delays=_delays(run),
        since=run.section("delay").get("from", ""),
        pictures=gallery(run),
        stories=stories(run.incidents),
        incident_pictures=placed([(incident_timeline(run.incidents), TIMELINE, True)]),
        entries=top(run.listed_alerts()),
        listed=len(run.listed_alerts()),
        settings=_flat(run.settings),
        origin=_origin(run),
    )


def _repetition(facts: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Figures of the main detector on all sessions, without repeats, and on sequences that training never had."""
    rows = [("all sessions", facts), ("one per distinct sequence", facts.get("distinct"))]
    rows.append(("only sequences never seen in training", facts.get("unseen_only")))
    return [(name, row) for name, row in rows if isinstance(row, dict) and row.get("sessions") is not None]


def _faults(run: Run) -> dict[str, Any]:
    kinds = run.faults
    names = sorted(
        {name for row in kinds.values() for name in row["recall"]}, key=lambda name: (name != run.main, name)
    )
    missed = [kind for kind, row in kinds.items() if not any(row["recall"].values())]
    note = f"No detector finds {joined(missed)}." if missed else "Every kind is found by at least one detector."
    return {"names": names, "kinds": kinds, "note": note} if kinds else {}


def _services(run: Run) -> list[dict[str, Any]]:
    """Sessions, alarms and, with labels, anomalies of each service; empty where there is only one."""
    table = labelled(run.scores)
    if table is None or "service" not in table.columns or run.main not in run.scored:
        return []
    alarmed = alarmed_in(run, table, run.main)
    if alarmed is None or table["service"].n_unique() < 2:
        return []
    label = pl.col("label") if "label" in table.columns else pl.lit(None, pl.Boolean)
    rows = (
        table.with_columns(pl.Series("alarmed", alarmed), label.alias("label"))
        .group_by(pl.col("service").cast(pl.String).fill_null(NO_SERVICE))
        .agg(
            pl.len().alias("sessions"),
            pl.col("alarmed").sum().alias("alerts"),
            pl.when(pl.col("label").is_not_null().any()).then(pl.col("label").sum()).alias("anomalies"),
            pl.when(pl.col("label").is_not_null().any())
            .then((pl.col("label") & pl.col("alarmed")).sum())
            .alias("found"),
        )
        .sort(["alerts", "sessions", "service"], descending=[True, True, False])
        .head(_SERVICES)
        .to_dicts()
    )
    return [row | _shares(row) for row in rows]


def _shares(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Precision, recall and F1 of one service; None where not defined."""
    hits, alerts, anomalies = row["found"], row["alerts"], row["anomalies"]
    return {
        "precision": hits / alerts if hits is not None and alerts else None,
        "recall": hits / anomalies if anomalies else None,
        "f1": 2 * hits / (alerts + anomalies) if anomalies else None,
    }


def _delays(run: Run) -> list[tuple[str, Mapping[str, Any]]]:
    """Detection delay of each detector, the main one first."""
    detectors = run.section("delay").get("detectors")
    if not isinstance(detectors, dict):
        return []
    delays = [(str(name), figures) for name, figures in detectors.items() if isinstance(figures, dict)]
    return sorted(delays, key=lambda item: (item[0] != run.main, item[0]))


def _flat(values: Mapping[str, Any], path: str = "") -> list[tuple[str, str]]:
    """Nested settings as ``key.sub`` and value."""
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            rows += _flat(value, name)
        else:
            rows.append((name, "–" if value is None or value == {} else str(value)))
    return rows


def _origin(run: Run) -> list[tuple[str, str]]:
    """Where the figures come from: what a reader needs to reproduce them."""
    facts = {**run.manifest, **run.settings, **run.evaluation}
    versions = facts.get("versions") or {"LogRadar": facts.get("version")}
    rows = [
        ("input", facts.get("input")),
        ("command", facts.get("command")),
        (
            "version",
            ", ".join(f"{k} {v}" for k, v in versions.items() if v) if isinstance(versions, dict) else versions,
        ),
        ("seed", facts.get("seed")),
        ("created", moment(facts["created"]) if facts.get("created") else None),
        ("seconds", number(facts.get("seconds")) if facts.get("seconds") is not None else None),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "")]
