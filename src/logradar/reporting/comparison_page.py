"""The page of a comparison: one HTML file from the document of `logradar compare` and the scores of every session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logradar.reporting import comparison_plots as plots
from logradar.reporting import comparison_summary as summary
from logradar.reporting.curve_plots import DetectorCurves
from logradar.reporting.figures import ON_PR, ON_ROC, placed
from logradar.reporting.html import fill, write
from logradar.reporting.run_folder import SCORE

if TYPE_CHECKING:
    from logradar.evaluation.curves import Bools

_SERVICES: Final = 20  # rows of the table by service
_SHOWN: Final = 12  # detectors in one picture
_RANKING = (
    "Dots are the measured values. Lines are 95 % intervals of a paired bootstrap, which measures all detectors on the "
    "same resampled sessions. A hollow dot on the right means that chance alone may explain the difference."
)
_AREA = "The same for the area under the precision-recall curve, which needs no threshold."
_COMBINED = (
    "Each column is a combination of detectors (filled dots). The bar counts the sessions on which exactly these "
    "detectors raised an alarm and the others did not."
)
_ALIKE = (
    "Below the diagonal: of the sessions with an alarm of either detector, the share with an alarm of both. Above the "
    "diagonal: agreement over all sessions beyond chance; 1 is perfect, 0 is what chance gives."
)
_TIME = "Each cell is a span of time. The darker it is, the more of its sessions raised an alarm (logarithmic)."
_RATES = "Share of the sessions on which each detector raises an alarm at its own threshold, with their number."


def write_comparison(document: Mapping[str, Any], scores: pl.DataFrame, path: Path) -> Path:
    """Write the page and return its path.

    ``scores`` has one row per session: ``start``, ``label`` and a column ``score:<detector>`` each.
    """
    return write(render(document, scores), path)


def render(document: Mapping[str, Any], scores: pl.DataFrame) -> str:
    """The page as text."""
    columns, rows = summary.table(document)
    names = list(document["detectors"])
    return fill(
        "compare.html",
        facts=document,
        title=document["title"],
        headline=summary.headline(document),
        lead=summary.lead(document),
        cards=summary.cards(document),
        labelled=document["anomalies"] is not None,
        columns=columns,
        rows=rows,
        names=names,
        pairs=summary.against_best(document),
        pictures=placed(_pictures(document, scores)),
        services=dict(list(document["services"].items())[:_SERVICES]),
        delays=[(name, document["delay"][name]) for name in names if name in (document["delay"] or {})],
        since=next((figures["from"] for figures in (document["delay"] or {}).values()), ""),
        audits=_audits(document["bundles"]),
    )


def _pictures(document: Mapping[str, Any], scores: pl.DataFrame) -> Iterator[tuple[bytes | None, str, bool]]:
    figures = document["detectors"]
    names = list(figures)[:_SHOWN]
    shown = {name: figures[name] for name in names}
    values = {name: scores[f"{SCORE}{name}"].to_numpy() for name in names}
    thresholds = {name: figures[name]["threshold"] for name in names}
    alarmed: dict[str, Bools] = {name: values[name] > thresholds[name] for name in names}
    labels = scores["label"].to_numpy().astype(bool) if document["anomalies"] is not None else None
    if labels is not None and labels.any():
        best = names[0]
        curves = DetectorCurves(labels, values, best, thresholds[best], others=thresholds)
        yield plots.ranking(shown, document["differences"]), _RANKING, True
        yield curves.precision_recall(), ON_PR, False
        yield curves.roc(), ON_ROC, False
        yield plots.ranking(shown, document["differences"], "pr_auc", "PR-AUC"), _AREA, True
    agreement = document["agreement"]
    places = {name: place for place, name in enumerate(agreement["names"]) if name in shown}
    patterns = _among(agreement["patterns"], names)
    yield plots.combinations(names, patterns, labels is not None), _COMBINED, True
    jaccard, kappa = (
        [[agreement[key][i][j] for j in places.values()] for i in places.values()] for key in ("jaccard", "kappa")
    )
    yield plots.agreement_matrix(list(places), jaccard, kappa), _ALIKE, False
    yield plots.alert_rates(shown), _RATES, False
    starts = scores["start"].dt.replace_time_zone(None).to_numpy().astype("M8[us]")
    yield plots.alarms_over_time(starts, alarmed, labels), _TIME, True


def _among(patterns: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """The combinations of the detectors ``names``; combinations that differ only in other detectors are added up."""
    merged: dict[tuple[str, ...], dict[str, Any]] = {}
    for pattern in patterns:
        kept = tuple(name for name in pattern["detectors"] if name in names)
        if pattern["detectors"] and not kept and not pattern["anomalies"]:
            continue
        total = merged.setdefault(kept, {"detectors": list(kept), "sessions": 0, "anomalies": 0})
        total["sessions"] += pattern["sessions"]
        total["anomalies"] += pattern["anomalies"] or 0
    return sorted(merged.values(), key=lambda pattern: (not pattern["detectors"], -pattern["sessions"]))


def _audits(bundles: Mapping[str, Mapping[str, Any]]) -> list[tuple[list[str], list[str]]]:
    """The notes of the audits, each set of notes with the bundles that it is about."""
    bundles_of: dict[tuple[str, ...], list[str]] = {}
    for name, facts in bundles.items():
        bundles_of.setdefault(tuple(facts["audit"]["notes"]), []).append(name)
    return [(names, list(notes)) for notes, names in bundles_of.items()]
