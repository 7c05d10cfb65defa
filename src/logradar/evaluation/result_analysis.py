"""Analysis of results: how high the scores are, how many sessions are anomalous, and in which services."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import polars as pl

from logradar.core.errors import ConfigError
from logradar.core.tables import NO_SERVICE
from logradar.evaluation.result_files import Results

_QUANTILES: Final = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
FEWEST: Final = {"p90": 10, "p95": 20, "p99": 100}  # values that a percentile needs: of fewer it is the largest one


def analyze(path: Path, threshold: float | None = None) -> dict[str, Any]:
    """Facts about a file of results, as JSON values.

    A ``threshold`` replaces the decision in the file: a session is anomalous when its score is above it. A file of
    alerts has only the sessions that raised one, so there it can only reduce their number. ``scores_of`` says
    what the scores are about: all sessions, or the alerts only. ``share`` is None where the file does not say how
    many sessions there were. docs/reference-json.md lists the keys.
    """
    results = Results.read(path)
    table = results.table.with_columns(pl.when(pl.col("score").is_nan()).then(None).otherwise("score").alias("score"))
    unscored = table["score"].null_count()
    if threshold is not None:
        table = table.with_columns((pl.col("score") > threshold).alias("alarmed"))
        if results.kind == "alerts":
            table = table.filter("alarmed")
    elif len(table) and table["alarmed"].null_count() == len(table):
        raise ConfigError(f"'{path}' does not say which sessions are anomalous; give --threshold X.")
    alarmed = table.filter(pl.col("alarmed").fill_null(False))
    all_sessions = results.kind == "radar-json"
    anomalies = max(len(alarmed), results.raised or 0) if threshold is None else len(alarmed)
    return {
        "file": path.name,
        "kind": results.kind,
        "sessions": results.sessions,
        "anomalies": anomalies,
        "listed": len(alarmed),
        "share": anomalies / results.sessions if results.sessions else None,
        "threshold": threshold if threshold is not None else results.threshold,
        "scores_of": "all sessions" if all_sessions else "alerts",
        "score": _spread(table["score"]),
        "score_of_anomalies": _spread(alarmed["score"]),
        "score_of_normal": _spread(table.filter(~pl.col("alarmed"))["score"]) if all_sessions else None,
        "without_score": unscored,
        "services": _services(table, all_sessions),
        "severities": _counts(alarmed["severity"]),
        "detectors": _counts(alarmed["detector"]),
        "levels": _levels(table) if all_sessions else None,
        "from": alarmed["at"].min(),
        "until": alarmed["at"].max(),
    }


def _spread(scores: pl.Series) -> dict[str, float | None] | None:
    """Number of values, mean, standard deviation, extremes and quantiles; None without a score.

    A percentile of less than `FEWEST` values is None, because it would only repeat the largest value.
    """
    known = scores.drop_nulls()
    if not len(known):
        return None
    figures = {
        "values": len(known),
        "mean": known.mean(),
        "deviation": known.std() if len(known) > 1 else None,
        "min": known.min(),
        **{
            name: known.quantile(share, "lower") if len(known) >= FEWEST.get(name, 1) else None
            for name, share in _QUANTILES.items()
        },
        "max": known.max(),
    }
    return {name: None if value is None else float(value) for name, value in figures.items()}  # type: ignore[arg-type]


def _services(table: pl.DataFrame, all_sessions: bool) -> list[dict[str, Any]]:
    """Anomalies by service, most first; with their share where the table has all sessions."""
    anomalous = pl.col("alarmed").fill_null(False)
    rows = (
        table.group_by(pl.col("service").fill_null(NO_SERVICE))
        .agg(
            pl.len().alias("sessions") if all_sessions else pl.lit(None, pl.Int64).alias("sessions"),
            anomalous.sum().alias("anomalies"),
            anomalous.mean().alias("share") if all_sessions else pl.lit(None, pl.Float64).alias("share"),
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
    counts = {}
    for name in ("has_error", "has_warn"):
        affected = table.filter(pl.col(name).fill_null(False))
        counts[name] = {"sessions": len(affected), "anomalies": int(affected["alarmed"].sum())}
    return counts


def _counts(column: pl.Series) -> dict[str, int] | None:
    known = column.drop_nulls()
    counted = known.value_counts(sort=True)
    return dict(counted.iter_rows()) if len(known) else None
