"""Files of incidents: JSON for people and programs, Parquet for tables, CSV with a row for each incident."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.csv_cells import harmless
from logradar.core.errors import InputError
from logradar.core.files import draft_of
from logradar.core.formatting import iso

SUFFIXES: Final = (".json", ".parquet", ".csv")
_FLAT: Final = {
    "incident_id": pl.String,
    "status": pl.String,
    "severity": pl.String,
    "severity_score": pl.Float64,
    "initial_severity_score": pl.Float64,
    "started_at": pl.String,
    "last_at": pl.String,
    "title": pl.String,
    "services": pl.String,
    "alerts": pl.Int64,
    "rate_changes": pl.Int64,
    "candidates": pl.String,
    "source": pl.String,
    "line": pl.Int64,
    "body": pl.String,
    "reason": pl.String,
    "kind": pl.String,
    "again_of": pl.String,
    "code": pl.String,
}


def incident_json(row: dict[str, Any]) -> dict[str, Any]:
    """A row of INCIDENTS as JSON values; ``code`` is there where code is indexed."""
    evidence = row["evidence"]
    if row.get("code") is None:
        row = {name: value for name, value in row.items() if name != "code"}
    if evidence is not None:
        evidence = {**evidence, "timestamp": iso(evidence["timestamp"])}
    return {**row, "started_at": iso(row["started_at"]), "last_at": iso(row["last_at"]), "evidence": evidence}


def require_incident_file(path: Path) -> None:
    """Raise `InputError` unless incidents can be written to a file with this ending."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"Incidents are written as {', '.join(SUFFIXES)}; '{path}' has another ending.")


def write_incidents(incidents: pa.Table, path: Path) -> None:
    """Write INCIDENTS as json (a list), parquet or csv, by the ending of ``path``; whole or not at all.

    Raises `InputError` for another ending.
    """
    require_incident_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with draft_of(path.resolve() if path.is_symlink() else path) as draft:
        if path.suffix == ".json":
            rows = [incident_json(row) for row in incidents.to_pylist()]
            draft.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
        elif path.suffix == ".parquet":
            pq.write_table(incidents, draft)
        else:
            pl.DataFrame([_flat(row) for row in incidents.to_pylist()], schema=_FLAT).write_csv(draft)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    plain = incident_json(row)
    line = plain["evidence"] or {}
    flat = {name: plain.get(name, line.get(name)) for name in _FLAT}
    flat["services"] = " ".join(plain["services"])
    flat["candidates"] = "; ".join(f"{one['service']} ({one['reason']})" for one in plain["candidates"])
    flat["code"] = " ".join(f"{one['path']}:{one['line']}" for one in plain.get("code") or ()) or None
    return {name: harmless(value) if isinstance(value, str) else value for name, value in flat.items()}
