"""Analysis of results: how high scores are, how much is anomalous, and in which services."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import polars as pl

from logradar.core.errors import ConfigError
from logradar.core.tables import NO_SERVICE
from logradar.evaluation.result_files import Results

_QUANTILES: Final = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def analyze(path: Path, threshold: float | None = None) -> dict[str, Any]:
    """Facts about a file of results, ready for JSON.

    ``threshold`` decides anew what is anomalous (score above it); of alerts, which hold only what was alarmed, it keeps
    some. Scores are those of ``scores_of``: all sessions, or the alerts alone. ``share`` is None where the
    file does not say how many sessions there were. docs/reference-json.md lists the keys.
    """
    results = Results.read(path)
    table = results.table.with_columns(pl.when(pl.col("score").is_nan()).then(None).otherwise("score").alias("score"))
    unscored = table["score"].null_count()
    if threshold is not None:
        table = table.with_columns((pl.col("score") > threshold).alias("alarmed"))
        if results.kind == "alerts":
            table = table.filter("alarmed")
    elif len(table) and table["alarmed"].null_count() == len(table):
        raise ConfigError(f"'{path}' does not say what is anomalous; give --threshold X.")
    alarmed = table.filter(pl.col("alarmed").fill_null(False))
    every = results.kind == "radar-json"
    anomalies = max(len(alarmed), results.raised or 0) if threshold is None else len(alarmed)
    return {
        "file": path.name,
        "kind": results.kind,
        "sessions": results.sessions,
        "anomalies": anomalies,
        "told": len(alarmed),
        "share": anomalies / results.sessions if results.sessions else None,
        "threshold": threshold if threshold is not None else results.threshold,
        "scores_of": "all sessions" if every else "alerts",
        "score": _spread(table["score"]),
        "score_of_anomalies": _spread(alarmed["score"]),
        "score_of_normal": _spread(table.filter(~pl.col("alarmed"))["score"]) if every else None,
        "without_score": unscored,
        "services": _services(table, every),
        "severities": _counts(alarmed["severity"]),
        "detectors": _counts(alarmed["detector"]),
        "levels": _levels(table) if every else None,
        "from": alarmed["at"].min(),
        "until": alarmed["at"].max(),
    }


def _spread(scores: pl.Series) -> dict[str, float | None] | None:
    """Mean, deviation, extremes and quantiles; None without a score."""
    known = scores.drop_nulls()
    if not len(known):
        return None
    figures = {
        "mean": known.mean(),
        "deviation": known.std() if len(known) > 1 else None,
        "min": known.min(),
        **{name: known.quantile(share, "lower") for name, share in _QUANTILES.items()},
        "max": known.max(),
    }
    return {name: None if value is None else float(value) for name, value in figures.items()}  # type: ignore[arg-type]


def _services(table: pl.DataFrame, every: bool) -> list[dict[str, Any]]:
    """Anomalies by service, most first; with their share where all sessions are there."""
    odd = pl.col("alarmed").fill_null(False)
    rows = (
        table.group_by(pl.col("service").fill_null(NO_SERVICE))
        .agg(
            pl.len().alias("sessions") if every else pl.lit(None, pl.Int64).alias("sessions"),
            odd.sum().alias("anomalies"),
            odd.mean().alias("share") if every else pl.lit(None, pl.Float64).alias("share"),
            pl.col("score").mean().alias("score_mean"),
            pl.col("score").min().alias("score_min"),
            pl.col("score").max().alias("score_max"),
        )
        .sort(["anomalies", "service"], descending=[True, False])
    )
    return rows.to_dicts()


def _levels(table: pl.DataFrame) -> dict[str, dict[str, int]] | None:
    """Sessions with errors and with warnings, and how many of these are anomalous."""
    if table["has_error"].null_count() == len(table):
        return None
    odd = pl.col("alarmed").fill_null(False)
    found = {}
    for name in ("has_error", "has_warn"):
        some = table.filter(pl.col(name).fill_null(False))
        found[name] = {"sessions": len(some), "anomalies": len(some.filter(odd))}
    return found


def _counts(column: pl.Series) -> dict[str, int] | None:
    known = column.drop_nulls()
    counted = known.value_counts(sort=True)
    return dict(counted.iter_rows()) if len(known) else None
