"""Results that `detect` or RADAR wrote, in any of their file formats, as one table."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from logradar.core.errors import InputError

Kind = Literal["alerts", "radar-json"]

ROWS: Final = {
    "session_id": pl.String,
    "score": pl.Float64,
    "alarmed": pl.Boolean,
    "service": pl.String,
    "severity": pl.String,
    "detector": pl.String,
    "at": pl.String,
    "has_error": pl.Boolean,
    "has_warn": pl.Boolean,
}
_RADAR: Final = {
    "session_id": pl.String,
    "anomaly_score": pl.Float64,
    "is_anomaly": pl.Boolean,
    "service_name": pl.String,
    "has_error": pl.Boolean,
    "has_warn": pl.Boolean,
}
_ALERT: Final = {
    "session_id": pl.String,
    "score": pl.Float64,
    "service": pl.String,
    "severity": pl.String,
    "detector": pl.String,
    "raised_at": pl.String,
    "threshold": pl.Float64,
}
_FORMS: Final = (
    "alerts as .json, .parquet or .csv (`logradar detect … -o FILE`) and RADAR's result JSON (`--format radar-json`)"
)


@dataclass(frozen=True)
class Results:
    """``table`` has one row (`ROWS`) per session of the file.

    A file of the kind ``radar-json`` has all sessions, one of the kind ``alerts`` those that raised an alert.
    ``sessions`` is how many there were in all, ``threshold`` the one that was used, ``raised`` how many alerts there
    were where the file has only the first of them; None where the file does not say.
    """

    path: Path
    kind: Kind
    table: pl.DataFrame
    sessions: int | None
    threshold: float | None
    raised: int | None = None

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read a file, or ``alerts.json`` of a run folder; `InputError` for anything else."""
        file = path / "alerts.json" if path.is_dir() else path
        if not file.is_file():
            raise InputError(f"There is no file '{file}' to analyze; this command reads {_FORMS}.")
        if file.suffix == ".parquet":
            return _alerts(file, _whole(file, lambda path: pl.read_parquet(path, glob=False)), None, None)
        if file.suffix == ".csv":
            return _alerts(
                file, _whole(file, lambda path: pl.read_csv(path, infer_schema=False, glob=False)), None, None
            )
        return _of_json(file)


def _of_json(path: Path) -> Results:
    with path.open("rb") as file:
        first = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if first == b"[":
        return _radar(path)
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{path}' is not JSON ({error}); this command reads {_FORMS}.") from None
    alerts = document.get("alerts") if isinstance(document, dict) else None
    if not isinstance(alerts, list) or not all(isinstance(alert, dict) for alert in alerts):
        raise InputError(f"'{path}' contains no results; this command reads {_FORMS}.")
    table = pl.DataFrame([{name: alert.get(name) for name in _ALERT} for alert in alerts], strict=False)
    sessions, threshold, raised = (document.get(key) for key in ("sessions", "threshold", "raised"))
    results = _alerts(
        path,
        table,
        sessions if isinstance(sessions, int) else None,
        float(threshold) if isinstance(threshold, (int, float)) else None,
    )
    return replace(results, raised=raised) if isinstance(raised, int) else results


def _radar(path: Path) -> Results:
    try:
        rows = pl.read_json(path, schema=_RADAR)
    except pl.exceptions.PolarsError:
        rows = _with_nan(path)
    if "anomaly_score" not in rows.columns or (len(rows) and rows["anomaly_score"].null_count() == len(rows)):
        raise InputError(f"'{path}' has no anomaly_score; this command reads {_FORMS}.")
    names = {"anomaly_score": "score", "is_anomaly": "alarmed", "service_name": "service"}
    table = _rows(rows.rename(names), path)
    return Results(path, "radar-json", table, len(table), None)


def _with_nan(path: Path) -> pl.DataFrame:
    """Rows of JSON as Python writes it, with NaN and Infinity."""
    try:
        rows = json.loads(path.read_bytes())
        if not all(isinstance(row, dict) for row in rows):
            raise TypeError("not every entry is an object")
        columns = {name: [row.get(name) for row in rows] for name in _RADAR}
        columns["session_id"] = [None if value is None else str(value) for value in columns["session_id"]]
        return pl.DataFrame(columns, schema=_RADAR)
    except (ValueError, TypeError, RecursionError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"'{path}' is not a JSON file of results ({str(error).splitlines()[0]}); this command reads {_FORMS}."
        ) from None


def _whole(path: Path, read: Any) -> pl.DataFrame:
    try:
        table: pl.DataFrame = read(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"'{path}' cannot be read ({str(error).splitlines()[0]}); write it again.") from None
    return table


def _alerts(path: Path, table: pl.DataFrame, sessions: int | None, threshold: float | None) -> Results:
    if len(table.columns) and "score" not in table.columns:
        raise InputError(f"'{path}' has no column 'score'; this command reads {_FORMS}.")
    rows = _rows(table.rename({"raised_at": "at"}, strict=False).with_columns(pl.lit(True).alias("alarmed")), path)
    if threshold is None and "threshold" in table.columns and len(table):
        threshold = table["threshold"].cast(pl.Float64, strict=False).min()  # type: ignore[assignment]
    return Results(path, "alerts", rows, sessions, threshold)


def _rows(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The columns of `ROWS`; a column that the table does not have is null."""
    try:
        return table.select(
            (pl.col(name) if name in table.columns else pl.lit(None)).cast(kind).alias(name)
            for name, kind in ROWS.items()
        )
    except pl.exceptions.PolarsError as error:
        raise InputError(f"'{path}' has values that cannot be read: {str(error).splitlines()[0]}.") from None
