"""The page of a comparison: one HTML file from the document of `logradar compare` and the scores of every session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logradar.reporting import comparison_plots as drawn
from logradar.reporting import comparison_summary as standing
from logradar.reporting import plots
from logradar.reporting.figures import placed
from logradar.reporting.html import fill, write
from logradar.reporting.run_folder import SCORE

if TYPE_CHECKING:
    from logradar.evaluation.curves import Bools

_SERVICES: Final = 20  # rows of the table by service
_SHOWN: Final = 12  # detectors in one picture
_STANDING = (
    "Dots are measured, lines are 95 % intervals of a paired bootstrap: all detectors are measured on the same "
    "resampled sessions. Hollow on the right: chance alone may explain the difference."
)
_AREA = "The same for the area under the precision-recall curve, which needs no threshold."
_PR = (
    "How many alarms are right (up) for how many anomalies found (right), over all thresholds. Rings are the "
    "thresholds in use; the number is the area (average precision)."
)
_ROC = "Anomalies found (up) against normal sessions alarmed (right), over all thresholds. The number is the area."
_COMBINED = {
    True: "Each column is a combination of detectors (filled dots) that alarmed the same sessions, and no other did.",
    False: "Each column is a combination of detectors (filled dots); bars count the sessions that just these alarmed.",
}
_ALIKE = (
    "Below the diagonal: of the sessions that either alarmed, the share that both did. Above: agreement over all "
    "sessions beyond chance; 1 is perfect, 0 what chance gives."
)
_TIME = "Each cell is a stretch of time; the darker, the more sessions that began in it were alarmed (logarithmic)."
_RATES = "How many sessions each detector alarms at its own threshold; the number is how many that is."


def write_comparison(document: Mapping[str, Any], scores: pl.DataFrame, path: Path) -> Path:
    """Write the page and return its path.

    ``scores`` has one row per session: ``start``, ``label`` and a column ``score:<detector>`` each.
    """
    return write(render(document, scores), path)


def render(document: Mapping[str, Any], scores: pl.DataFrame) -> str:
    """The page as text."""
    columns, rows = standing.table(document)
    names = list(document["detectors"])
    return fill(
        "compare.html",
        facts=document,
        title=document["title"],
        headline=standing.headline(document),
        lead=standing.lead(document),
        cards=standing.cards(document),
        labelled=document["anomalies"] is not None,
        columns=columns,
        rows=rows,
        names=names,
        pairs=standing.against_best(document),
        pictures=placed(_pictures(document, scores)),
        services=dict(list(document["services"].items())[:_SERVICES]),
        delays=[(name, document["delay"][name]) for name in names if name in (document["delay"] or {})],
        since=next((one["from"] for one in (document["delay"] or {}).values()), ""),
        audits=_audits(document["bundles"]),
    )


def _pictures(document: Mapping[str, Any], scores: pl.DataFrame) -> Iterator[tuple[bytes | None, str, bool]]:
    figures = document["detectors"]
    names = list(figures)[:_SHOWN]
    shown = {name: figures[name] for name in names}
    values = {name: scores[f"{SCORE}{name}"].to_numpy() for name in names}
    alarmed: dict[str, Bools] = {name: values[name] > figures[name]["threshold"] for name in names}
    labels = scores["label"].to_numpy().astype(bool) if document["anomalies"] is not None else None
    if labels is not None and labels.any():
        best = names[0]
        limits = {name: figures[name]["threshold"] for name in names}
        yield drawn.standing(shown, document["differences"]), _STANDING, True
        yield plots.pr_curves(labels, values, best, limits[best], others=limits), _PR, False
        yield plots.roc_curves(labels, values, best, limits[best], others=limits), _ROC, False
        yield drawn.standing(shown, document["differences"], "pr_auc", "PR-AUC"), _AREA, True
    agreed = document["agreement"]
    some = {name: place for place, name in enumerate(agreed["names"]) if name in shown}
    patterns = _among(agreed["patterns"], names)
    yield drawn.combinations(names, patterns, labels is not None), _COMBINED[labels is not None], True
    matrices = [[[agreed[key][i][j] for j in some.values()] for i in some.values()] for key in ("jaccard", "kappa")]
    yield drawn.agreement_matrix(list(some), *matrices), _ALIKE, False
    yield drawn.alert_rates(shown), _RATES, False
    starts = scores["start"].dt.replace_time_zone(None).to_numpy().astype("M8[us]")
    yield drawn.alarms_over_time(starts, alarmed, labels), _TIME, True


def _among(patterns: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """The combinations of some of the detectors: those that the others make different are one."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in patterns:
        kept = tuple(name for name in one["detectors"] if name in names)
        if one["detectors"] and not kept and not one["anomalies"]:
            continue
        known = found.setdefault(kept, {"detectors": list(kept), "sessions": 0, "anomalies": 0})
        known["sessions"] += one["sessions"]
        known["anomalies"] += one["anomalies"] or 0
    return sorted(found.values(), key=lambda one: (not one["detectors"], -one["sessions"]))


def _audits(bundles: Mapping[str, Mapping[str, Any]]) -> list[tuple[list[str], list[str]]]:
    """What the audit says, with the bundles that it says it of."""
    said: dict[tuple[str, ...], list[str]] = {}
    for name, one in bundles.items():
        said.setdefault(tuple(one["audit"]["notes"]), []).append(name)
    return [(names, list(notes)) for notes, names in said.items()]
