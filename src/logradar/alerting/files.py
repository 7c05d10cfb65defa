"""Files of alerts: JSON for people and programs, Parquet for tables, CSV with a row for each alert."""

from __future__ import annotations

from collections.abc import Iterator
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

OUTPUTS: Final = (".json", ".parquet", ".csv")
_TOGETHER: Final = 1_000  # alerts that are Python objects at once
_FLAT: Final = {
    "alert_id": pl.String,
    "session_id": pl.String,
    "service": pl.String,
    "services": pl.String,
    "started_at": pl.String,
    "raised_at": pl.String,
    "max_level": pl.Int8,
    "severity": pl.String,
    "severity_score": pl.Float64,
    "severity_parts": pl.String,
    "score": pl.Float64,
    "source": pl.String,
    "line": pl.Int64,
    "timestamp": pl.String,
    "level": pl.Int8,
    "reason": pl.String,
    "body": pl.String,
    "signature": pl.String,
    "code": pl.String,
}


def alert_json(row: dict[str, Any]) -> dict[str, Any]:
    """A row of ALERTS as JSON values, without the ids of its records; ``code`` is there where code is indexed."""
    signature = row["signature"] and orjson.loads(row["signature"])
    left_out = ("record_ids",) if row.get("code") is not None else ("record_ids", "code")
    kept = {name: value for name, value in row.items() if name not in left_out}
    evidence = [{**one, "timestamp": iso(one["timestamp"])} for one in row["evidence"]]
    parts = {part["name"]: part["value"] for part in row["severity_parts"]}
    moments = {name: iso(row[name]) for name in ("started_at", "raised_at")}
    return {**kept, **moments, "severity_parts": parts, "evidence": evidence, "signature": signature}


def change_json(row: dict[str, Any]) -> dict[str, Any]:
    """A row of RATE_CHANGES as JSON values, without the id of its record."""
    kept = {name: value for name, value in row.items() if name != "record_id"}
    return {**kept, **{name: iso(row[name]) for name in ("started_at", "last_at", "found_at")}}


def document_pieces(document: dict[str, Any], alerts: pa.Table) -> Iterator[bytes]:
    """The JSON ``document`` of a detection (all but its alerts) with ALERTS, in pieces.

    An outage has so many alerts that memory would not hold the text of all. It ends without a line feed.
    """
    empty = orjson.dumps({**document, "alerts": []}, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    if not len(alerts):
        yield empty
        return
    yield empty.removesuffix(b"]\n}")
    mark = b"\n    "
    for batch in alerts.to_batches(max_chunksize=_TOGETHER):
        for row in batch.to_pylist():
            yield mark + orjson.dumps(alert_json(row), option=orjson.OPT_INDENT_2).replace(b"\n", b"\n    ")
            mark = b",\n    "
    yield b"\n  ]\n}"


def write_alerts(alerts: pa.Table, document: dict[str, Any], path: Path, kind: str | None = None) -> None:
    """Write ALERTS as json (in the ``document`` of a detection), parquet or csv (a row each).

    Parquet and CSV hold the alerts alone: no incident and no rate change. The file is there whole or not at all.
    ``kind`` names the format; None: as the name of the file ends. Raises `InputError` for another ending.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = f".{kind}" if kind else path.suffix
    if suffix not in OUTPUTS:
        raise InputError(f"Alerts are written as {', '.join(OUTPUTS)}; '{path}' has another ending.")
    with draft_of(path.resolve() if path.is_symlink() else path) as draft:  # a link stays one
        if suffix == ".json":
            with draft.open("wb") as file:
                file.writelines(document_pieces(document, alerts))
        elif suffix == ".parquet":
            pq.write_table(alerts, draft)
        else:
            pl.DataFrame([_flat(row) for row in alerts.to_pylist()], schema=_FLAT).write_csv(draft)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row of CSV: the first line of the evidence is the only one; lists are texts."""
    whole = alert_json(row)
    first = whole["evidence"][0] if whole["evidence"] else {}
    flat = {name: whole.get(name) for name in _FLAT}
    flat |= {name: first.get(name) for name in ("source", "line", "timestamp", "level", "reason", "body")}
    flat["services"] = " ".join(whole["services"])
    flat["severity_parts"] = " ".join(f"{name}={value:.3f}" for name, value in whole["severity_parts"].items())
    flat["signature"] = row["signature"]
    flat["code"] = " ".join(f"{one['path']}:{one['line']}" for one in row.get("code") or ()) or None
    return {name: harmless(value) if isinstance(value, str) else value for name, value in flat.items()}
