"""Files of alerts: JSON for people and programs, Parquet for tables, CSV with a row for each alert."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.csv_cells import harmless
from logradar.core.errors import InputError

OUTPUTS: Final = (".json", ".parquet", ".csv")
_FLAT: Final = {
    "alert_id": pl.String,
    "session_id": pl.String,
    "service": pl.String,
    "raised_at": pl.String,
    "severity": pl.String,
    "score": pl.Float64,
    "source": pl.String,
    "line": pl.Int64,
    "reason": pl.String,
    "body": pl.String,
    "signature": pl.String,
}


def alert_json(row: dict[str, Any]) -> dict[str, Any]:
    """A row of ALERTS as JSON values, without the ids of its records."""
    signature = row["signature"] and orjson.loads(row["signature"])
    kept = {name: value for name, value in row.items() if name not in ("record_ids", "code")}
    return {**kept, "raised_at": _iso(row["raised_at"]), "signature": signature}


def write_alerts(alerts: pa.Table, document: Callable[[], dict[str, Any]], path: Path, kind: str | None = None) -> None:
    """Write ALERTS as json (``document``, which holds them too), parquet (ALERTS) or csv (a row each).

    ``kind`` names the format; None: as the name of the file ends. Raises `InputError` for another ending.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = f".{kind}" if kind else path.suffix
    if suffix == ".json":
        path.write_bytes(orjson.dumps(document(), option=orjson.OPT_INDENT_2))
    elif suffix == ".parquet":
        pq.write_table(alerts, path)
    elif suffix == ".csv":
        pl.DataFrame([_flat(row) for row in alerts.to_pylist()], schema=_FLAT).write_csv(path)
    else:
        raise InputError(f"Alerts are written as {', '.join(OUTPUTS)}; '{path}' has another ending.")


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    first = row["evidence"][0] if row["evidence"] else {}
    flat = {name: row[name] for name in ("alert_id", "session_id", "service", "severity", "score", "signature")}
    evidence = {name: first.get(name) for name in ("source", "line", "reason", "body")}
    whole = {**flat, "raised_at": _iso(row["raised_at"]), **evidence}
    return {name: harmless(value) if isinstance(value, str) else value for name, value in whole.items()}


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
