"""Detect: score new logs with a bundle and tell what is not normal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.alerting.alerts import anomalous, make_alerts
from logradar.alerting.threshold import fit_threshold
from logradar.core.errors import InputError
from logradar.core.sequences import Sequences
from logradar.core.tables import ALERTS, UNKNOWN, empty
from logradar.parsing.given import GivenTemplates
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.corpus import Corpus, collect, opening
from logradar.pipeline.day_corpus import DayCorpus, DayStream, Piece
from logradar.pipeline.fitted import Fitted
from logradar.pipeline.on_disk import fill_on_disk, group_on_disk, is_large
from logradar.pipeline.tabulate import fill, group
from logradar.sources.inputs.opening import Opened

Told = Corpus | DayCorpus | Piece  # what can be asked for lines
Listener = Callable[[pa.Table, pa.Table, float, pa.Table | None], None]  # sessions, scores, threshold, as they stood
OUTPUTS = (".json", ".parquet", ".csv")


@dataclass
class Detected:
    """The outcome of a detection: ALERTS ranked by score, and figures about the input."""

    alerts: pa.Table
    figures: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The document of ``detect --json``."""
        return {**self.figures, "alerts": [_alert(row) for row in self.alerts.to_pylist()]}


def detect(
    bundle: Path,
    spec: str,
    given: dict[str, Any] | None = None,
    threshold: float | None = None,
    alerts_per_day: float | None = None,
    listen: Listener | None = None,
) -> Detected:
    """Alerts for INPUT ``spec``, by the bundle's main detector.

    ``given`` are input settings by path (``{"input.labels": …}``) that differ from the bundle's.
    ``threshold`` replaces the bundle's, ``alerts_per_day`` fits it anew on the validation scores
    that the bundle keeps. Templates never seen in training are counted, scored and told. ``listen`` is told
    the scores of all sessions, piece by piece.
    """
    fitted = Fitted.load(bundle)
    limit = choose_threshold(fitted, threshold, alerts_per_day)
    with opening(spec, input_settings(fitted, given)) as (opened, home):
        if isinstance(fitted.miner, GivenTemplates):
            told = _days(fitted, DayStream(must_group(opened), fitted.miner), limit, home, listen)
        else:
            told = _records(fitted, collect(opened, home), limit, home, listen)
    told.figures |= {"detector": fitted.settings.detector, "threshold": limit}
    return told


def _records(fitted: Fitted, corpus: Corpus, limit: float, home: Path, listen: Listener | None = None) -> Detected:
    sessions, unknown = 0, 0
    found = [empty(ALERTS)]
    for table in sessions_of(corpus, fitted, home, fitted.main.needs_values):
        scores = fitted.main.score(table)
        if listen:
            listen(table, scores, limit, None)
        rows = pa.array(anomalous(scores, limit))
        sessions += len(table)
        unknown += _unknown(table)
        if len(rows):
            found.append(alert(fitted, corpus, table.take(rows), scores.take(rows), limit))
    return Detected(_ranked(found), _figures(corpus, sessions, unknown))


def _days(fitted: Fitted, stream: DayStream, limit: float, home: Path, listen: Listener | None = None) -> Detected:
    """Piece by piece: what is in memory are some sessions and the alerts."""
    found, unknown = [empty(ALERTS)], 0
    for piece in stream.pieces(home / "units.jsonl"):
        scores = fitted.main.score(piece.sessions)
        if listen:
            listen(piece.sessions, scores, limit, piece.dated)
        rows = pa.array(anomalous(scores, limit))
        unknown += _unknown(piece.sessions)
        if len(rows):
            found.append(alert(fitted, piece, piece.sessions.take(rows), scores.take(rows), limit))
    return Detected(_ranked(found), _figures(stream, stream.sessions, unknown))


def _ranked(alerts: list[pa.Table]) -> pa.Table:
    whole = pa.concat_tables(alerts).unify_dictionaries()
    return whole.take(pa.array(np.argsort(-whole["score"].to_numpy(), kind="stable")))


def _unknown(sessions: pa.Table) -> int:
    return int((Sequences.from_arrow(sessions["template_ids"]).values == UNKNOWN).sum())


def _figures(corpus: Corpus | DayStream, sessions: int, unknown: int) -> dict[str, Any]:
    return {
        "records": corpus.records,
        "sessions": sessions,
        "quarantined": corpus.quarantined,
        "unknown_templates": unknown,
    }


def must_group(opened: Opened) -> Opened:
    """The input, if it has event ids of its own; `InputError` if not."""
    if not opened.groups:
        raise InputError(
            f"The bundle was trained on event ids that stand in day files; not all files of '{opened.spec}' have them. "
            "Give day files alone, or train on lines with events=mined."
        )
    return opened


def input_settings(fitted: Fitted, given: dict[str, Any] | None) -> Any:
    """How the bundle's input was read, less what belongs to that input alone, with ``given`` on top."""
    kept = fitted.settings.input.for_others().model_copy(update={"source": None, "format": None})
    update = {path.removeprefix("input."): value for path, value in (given or {}).items()}
    return kept.model_copy(update=update)


def sessions_of(corpus: Corpus, fitted: Fitted, home: Path, values: bool = False) -> Iterator[pa.Table]:
    """SESSIONS of a corpus with the bundle's frozen templates and its way of grouping; one table, or many pieces.

    With ``values`` they carry the parameters of their events.
    """
    assert isinstance(fitted.miner, TemplateMiner)
    if not is_large(corpus):
        yield fill(corpus, fitted.miner, group(corpus, fitted.settings.sessions), values)
        return
    grouped = group_on_disk(corpus, fitted.settings.sessions, home)
    yield from fill_on_disk(corpus, fitted.miner, grouped, home, values).tables()


def choose_threshold(fitted: Fitted, value: float | None = None, alerts_per_day: float | None = None) -> float:
    """The bundle's threshold for its main detector, or the one asked for."""
    if value is not None:
        return value
    name = fitted.settings.detector
    if alerts_per_day is None:
        return fitted.thresholds[name].value
    wanted = fitted.settings.threshold.model_copy(update={"alerts_per_day": alerts_per_day})
    return fit_threshold(fitted.validation[name], wanted, fitted.facts.get("sessions_per_day")).value


def alert(
    fitted: Fitted, corpus: Corpus | DayCorpus | Piece, sessions: pa.Table, scores: pa.Table, limit: float
) -> pa.Table:
    """ALERTS for sessions that are known to be anomalous."""
    return make_alerts(
        sessions,
        scores,
        fitted.main.explain(sessions),
        fitted.texts,
        corpus.lines,
        detector=fitted.settings.detector,
        threshold=limit,
    )


def write_alerts(detected: Detected, path: Path, kind: str | None = None) -> None:
    """Write alerts as json (the whole document), parquet (ALERTS) or csv (a row each); else as the file's name ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = f".{kind}" if kind else path.suffix
    if suffix == ".json":
        path.write_bytes(orjson.dumps(detected.to_json(), option=orjson.OPT_INDENT_2))
    elif suffix == ".parquet":
        pq.write_table(detected.alerts, path)
    elif suffix == ".csv":
        flat = pl.DataFrame([_flat(row) for row in detected.alerts.to_pylist()], schema=_FLAT)
        flat.write_csv(path)
    else:
        raise InputError(f"Alerts are written as {', '.join(OUTPUTS)}; '{path}' has another ending.")


def _alert(row: dict[str, Any]) -> dict[str, Any]:
    row.pop("record_ids")
    row.pop("code")
    return {**row, "raised_at": row["raised_at"].isoformat()}


_FLAT = {
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
}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    first = row["evidence"][0] if row["evidence"] else {}
    flat = {name: row[name] for name in ("alert_id", "session_id", "service", "severity", "score")}
    return {
        **flat,
        "raised_at": row["raised_at"].isoformat(),
        **{n: first.get(n) for n in ("source", "line", "reason", "body")},
    }
