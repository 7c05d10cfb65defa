"""The report: one HTML page from a run folder that needs no network, no script and no other file.

Log lines are hostile: everything is escaped, what cannot be seen is written out, and the page
forbids itself to run or load anything (Content-Security-Policy).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from logradar import __version__
from logradar.evaluation import plots, summary, time_plots
from logradar.evaluation.run import Run
from logradar.evaluation.toplist import top
from logradar.evaluation.wording import figure, joined, moment, number, percent, visible

if TYPE_CHECKING:
    from markupsafe import Markup

_SERVICES = 12  # rows of the table by service


@dataclass(frozen=True)
class Picture:
    """A plot on the page: its SVG, what it shows in words, and its place: half, wide, or alone in its row."""

    svg: Markup
    caption: str
    place: str


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    Anything that the folder lacks is left out. A bundle is sealed, so its report stands beside it
    as ``<bundle>-report.html``. Raises `InputError` when there is nothing to report or a file is
    damaged.
    """
    run = Run.read(folder)
    place = folder.absolute()
    path = place.with_name(f"{place.name}-report.html") if run.sealed else place / "report.html"
    handle, draft = tempfile.mkstemp(prefix=".report-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(render(run))
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)
    return path


def render(run: Run) -> str:
    """The page as text."""
    from jinja2 import ChainableUndefined, Environment, FunctionLoader
    from markupsafe import Markup

    page = files("logradar.evaluation") / "page"
    environment = Environment(
        loader=FunctionLoader(lambda name: (page / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=ChainableUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "percent": percent, "number": number, "moment": moment}
    columns, rows = summary.table(run)
    alerts = run.alerts.get("alerts", [])
    return environment.get_template("report.html").render(
        style=Markup((page / "report.css").read_text(encoding="utf-8")),
        run=run,
        facts=run.evaluation,
        title=str(run.evaluation.get("title") or run.folder.absolute().name),
        version=__version__,
        headline=summary.headline(run),
        lead=summary.lead(run),
        cards=summary.cards(run),
        columns=columns,
        rows=rows,
        notes=summary.notes_on_detectors(run),
        sameness=_sameness(run.evaluation),
        faults=_faults(run),
        services=_services(run),
        pictures=_pictures(run),
        entries=top(alerts),
        alerts=len(alerts),
        settings=_flat(run.settings),
        origin=_origin(run),
    )


def _pictures(run: Run) -> list[Picture]:
    from markupsafe import Markup

    drawn = [(svg, caption, wide) for svg, caption, wide in _drawn(run) if svg is not None]
    halves = [place for place, (_, _, wide) in enumerate(drawn) if not wide]
    alone = halves[-1] if len(halves) % 2 else None
    return [
        Picture(Markup(svg.decode()), caption, "wide" if wide else "alone" if place == alone else "half")
        for place, (svg, caption, wide) in enumerate(drawn)
    ]


def _drawn(run: Run) -> Iterator[tuple[bytes | None, str, bool]]:
    scores, main, facts = run.scores_of(), run.main, run.evaluation
    main = main if main in scores else next(iter(scores), "")
    threshold = _threshold(run, main)
    table = run.scores
    if table is not None and main:
        known = table["label"].is_not_null().to_numpy() if "label" in table.columns else np.zeros(len(table), bool)
        labels = table["label"].fill_null(False).to_numpy() if known.any() else None
        alarmed = _alarmed(run, scores[main], threshold)
        if alarmed is not None:
            starts = table["start"].to_numpy() if "start" in table.columns else np.zeros(len(table))
            yield time_plots.alert_timeline(starts, alarmed, labels), _TIMELINE[labels is not None], True
        if labels is not None and known.all():
            yield plots.pr_curves(labels, scores, main, threshold), _PR, False
            yield plots.roc_curves(labels, scores, main, threshold), _ROC, False
        yield plots.score_histogram(labels, scores[main], threshold, name=main), _SCORES, False
    cells = [facts.get(key) for key in ("tp", "fp", "tn", "fn")]
    if all(isinstance(cell, (int, float)) for cell in cells):
        yield plots.confusion_matrix(*cells), _CONFUSION, False
    if kinds := _fault_kinds(run):
        yield plots.fault_recall(kinds, run.main), _FAULTS, False
    for name, rows in run.history.items():
        yield time_plots.training_curve(rows, name=name), _TRAINING, False


_TIMELINE = {
    True: "Alerts above the line, found anomalies and false alarms apart; anomalies that were missed hang below it.",
    False: "Sessions that stand out, by the time they began.",
}
_PR = (
    "How many alarms are right (up) for how many anomalies found (right), over all thresholds. The ring is the "
    "threshold in use; the number is the area (average precision)."
)
_ROC = "Anomalies found (up) against normal sessions alarmed (right), over all thresholds. The number is the area."
_SCORES = "How many sessions have which score, counted on a logarithmic axis. Right of the dashed line is an alarm."
_CONFUSION = "What was said against what the labels say."
_FAULTS = "Share of each kind of fault that was found, with its 95 % interval; the diamond is the best single detector."
_TRAINING = "Loss over epochs; the star is the epoch that was kept."


def _threshold(run: Run, main: str) -> float | None:
    alerts = run.alerts.get("alerts") or [{}]
    for holder in (run.detectors.get(main, {}), run.evaluation if main == run.main else {}, alerts[0]):
        if isinstance(value := holder.get("threshold"), (int, float)):
            return float(value)
    return None


def _alarmed(run: Run, scores: Any, threshold: float | None) -> Any:
    """Which sessions were alarmed: by the threshold, or as the alerts say."""
    if threshold is not None and (run.evaluation or run.scores is None):
        return scores > threshold
    if run.alerts and run.scores is not None and "session_id" in run.scores.columns:
        named = [str(alert.get("session_id")) for alert in run.alerts.get("alerts", [])]
        return run.scores["session_id"].cast(pl.String).is_in(named).fill_null(False).to_numpy()
    return None


def _sameness(facts: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The main detector on all sessions, without repeats, and on what training never had."""
    rows = [("all sessions", facts), ("one per distinct sequence", facts.get("distinct"))]
    rows.append(("only sequences never seen in training", facts.get("unseen_only")))
    return [(name, one) for name, one in rows if isinstance(one, dict) and one.get("sessions") is not None]


def _fault_kinds(run: Run) -> dict[str, dict[str, Any]]:
    faults = run.evaluation.get("faults")
    if not isinstance(faults, dict):
        return {}
    return {
        str(kind): one
        for kind, one in faults.items()
        if isinstance(one, dict) and isinstance(one.get("recall"), dict) and isinstance(one.get("sessions"), int)
    }


def _faults(run: Run) -> dict[str, Any]:
    kinds = _fault_kinds(run)
    names = sorted(
        {name for one in kinds.values() for name in one["recall"]}, key=lambda name: (name != run.main, name)
    )
    missed = [kind for kind, one in kinds.items() if not any(one["recall"].values())]
    note = f"No detector finds {joined(missed)}." if missed else "Every kind is found by at least one detector."
    return {"names": names, "kinds": kinds, "note": note} if kinds else {}


def _services(run: Run) -> list[dict[str, Any]]:
    """Sessions, alarms and, with labels, anomalies by service, where there are several."""
    scores, table = run.scores_of(), run.scores
    if table is None or not {"service", "session_id"} <= set(table.columns) or run.main not in scores:
        return []
    alarmed = _alarmed(run, scores[run.main], _threshold(run, run.main))
    if alarmed is None or table["service"].n_unique() < 2:
        return []
    label = pl.col("label") if "label" in table.columns else pl.lit(None, pl.Boolean)
    return (
        table.with_columns(pl.Series("alarmed", alarmed), label.alias("label"))
        .group_by(pl.col("service").cast(pl.String).fill_null("–"))
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
    """Where the figures come from: what is needed to get them again."""
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
