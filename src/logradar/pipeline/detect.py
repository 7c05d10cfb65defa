"""Detect: score new logs with a bundle and tell what is not normal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logradar.alerting.alerts import anomalous, make_alerts
from logradar.alerting.threshold import Threshold, ThresholdSettings, fit_threshold
from logradar.core.config import validated
from logradar.core.errors import ConfigError, InputError
from logradar.core.tables import ALERTS, empty
from logradar.model.bundle import Bundle, input_settings
from logradar.parsing.given_templates import GivenTemplates
from logradar.parsing.templates import TemplateMiner
from logradar.scoring.drift_monitor import DriftMonitor
from logradar.scoring.signatures import SessionSignature, signatures, suppressed_by
from logradar.sources.opening.opening import Opened
from logradar.storage.day_files import DayCorpus, DayStream, Piece
from logradar.storage.grouping import fill_on_disk, group_on_disk, is_large
from logradar.storage.records import Corpus, collect, opening
from logradar.storage.tabulate import fill, group

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
    precision: float | None = None,
) -> Detected:
    """Alerts for INPUT ``spec``, by the bundle's main detector; what feedback explains is counted, not told.

    ``given`` are input settings by path (``{"input.labels": …}``) that differ from the bundle's.
    ``threshold`` replaces the bundle's, ``alerts_per_day`` fits it anew on the validation scores that the
    bundle keeps, ``precision`` on these and on those of labelled anomalies. Templates never seen in
    training are counted, scored and told. ``listen`` is told the scores of all sessions, piece by piece.
    """
    fitted = Bundle.load(bundle)
    limit = plan_threshold(fitted, threshold, alerts_per_day, precision)
    with opening(spec, input_settings(fitted, {"input.use_labels": False, **(given or {})})) as (opened, home):
        if isinstance(fitted.miner, GivenTemplates):
            told = _days(fitted, DayStream(require_event_ids(opened), fitted.miner), limit, home, listen)
        else:
            told = _records(fitted, collect(opened, home), limit, home, listen)
    told.figures |= {
        "detector": fitted.settings.detector,
        "threshold": limit.value,
        "notes": notes(limit, alerts_per_day, precision),
    }
    return told


def _records(fitted: Bundle, corpus: Corpus, limit: Threshold, home: Path, listen: Listener | None = None) -> Detected:
    sessions, raised = 0, Raised(fitted, limit, listen)
    for table in sessions_of(corpus, fitted, home, fitted.main.needs_values):
        sessions += len(table)
        raised.add(corpus, table)
    return Detected(_ranked(raised.alerts), _figures(corpus, sessions) | raised.figures())


def _days(fitted: Bundle, stream: DayStream, limit: Threshold, home: Path, listen: Listener | None = None) -> Detected:
    """Piece by piece: what is in memory are some sessions and the alerts."""
    raised = Raised(fitted, limit, listen)
    for piece in stream.pieces(home / "units.jsonl"):
        raised.add(piece, piece.sessions, piece.dated)
    return Detected(_ranked(raised.alerts), _figures(stream, stream.sessions) | raised.figures())


class Raised:
    """Alerts of pieces of an input, less those that feedback silences; ``listen`` is told all scores."""

    def __init__(self, fitted: Bundle, limit: Threshold, listen: Listener | None = None) -> None:
        self._fitted, self._limit, self._listen, self._watch = fitted, limit, listen, DriftMonitor()
        self.alerts, self._silenced = [empty(ALERTS)], 0

    def add(self, told: Told, sessions: pa.Table, dated: Any = None) -> None:
        """Score SESSIONS and raise alerts."""
        scores = self._fitted.main.score(sessions)
        if self._listen:
            self._listen(sessions, scores, self._limit.value, dated)
        rows = pa.array(anomalous(scores, self._limit.value))
        silent = np.empty(0, np.int64)
        if len(rows):
            judged = judge(self._fitted, told, sessions.take(rows), scores.take(rows))
            silent = rows.to_numpy()[~judged.loud]
            self._silenced += judged.silent
            if len(judged.sessions):
                self.alerts.append(alert(self._fitted, told, judged, self._limit.value))
        self._watch.add(sessions, scores, silent)

    def figures(self) -> dict[str, Any]:
        """What is told beside the alerts."""
        return {
            "unknown_templates": self._watch.unknown,
            "silenced": self._silenced,
            "drift": self._watch.drift(self._fitted, self._limit),
        }


def _ranked(alerts: list[pa.Table]) -> pa.Table:
    whole = pa.concat_tables(alerts).unify_dictionaries()
    return whole.take(pa.array(np.argsort(-whole["score"].to_numpy(), kind="stable")))


def _figures(corpus: Corpus | DayStream, sessions: int) -> dict[str, Any]:
    return {"records": corpus.records, "sessions": sessions, "quarantined": corpus.quarantined}


def require_event_ids(opened: Opened) -> Opened:
    """The input, if it has event ids of its own; `InputError` if not."""
    if not opened.groups:
        raise InputError(
            f"The bundle was trained on event ids that stand in day files; not all files of '{opened.spec}' have them. "
            "Give day files alone, or train on lines with events=mined."
        )
    return opened


def sessions_of(corpus: Corpus, fitted: Bundle, home: Path, values: bool = False) -> Iterator[pa.Table]:
    """SESSIONS of a corpus with the bundle's frozen templates and its way of grouping; one table, or many pieces.

    With ``values`` they carry the parameters of their events.
    """
    assert isinstance(fitted.miner, TemplateMiner)
    if not is_large(corpus):
        yield fill(corpus, fitted.miner, group(corpus, fitted.settings.sessions), values)
        return
    grouped = group_on_disk(corpus, fitted.settings.sessions, home)
    yield from fill_on_disk(corpus, fitted.miner, grouped, home, values).tables()


_ENOUGH: Final = 200  # validation sessions, of which one is as many as the default quantile lets through


def plan_threshold(
    fitted: Bundle, value: float | None = None, alerts_per_day: float | None = None, precision: float | None = None
) -> Threshold:
    """The bundle's threshold for its main detector, or the one asked for in one of three ways; never two at once."""
    if sum(wish is not None for wish in (value, alerts_per_day, precision)) > 1:
        raise ConfigError("Ask for a threshold in one way: a score, alerts per day, or a precision.")
    name = fitted.settings.detector
    scores, rate = fitted.validation[name], fitted.facts.get("sessions_per_day")
    if value is not None:
        above = float((scores > value).mean()) if len(scores) else 0.0
        return Threshold(value, 1.0 - above, len(scores), above * rate if rate else None, "given")
    if alerts_per_day is None and precision is None:
        return fitted.thresholds[name]
    wanted = validated(ThresholdSettings, {"alerts_per_day": alerts_per_day, "precision": precision}, "threshold")
    return fit_threshold(scores, wanted, rate, fitted.marked.get(name))


def notes(limit: Threshold, alerts_per_day: float | None, precision: float | None = None) -> list[str]:
    """What a user should know of a threshold, as sentences."""
    if precision is not None and limit.precision is not None and limit.precision < precision:
        return [
            f"A precision of {precision:g} was asked for; on the labels of the validation part {limit.precision:.3g} "
            f"is the most, above a score of {limit.value:.4g}."
        ]
    if alerts_per_day is not None and limit.method == "largest":
        return [
            f"{alerts_per_day:g} alerts a day are less than one of {limit.sessions:,} validation sessions: the largest "
            "of their scores is the threshold, and how often others exceed it is not known."
        ]
    if alerts_per_day is None:
        return []
    told, expected = [], limit.false_alarms_per_day
    if expected is not None and expected < alerts_per_day / 2:
        many = f"{expected:.2g}" if expected < 10 else f"{expected:,.0f}"
        told = [
            f"{alerts_per_day:g} alerts a day were asked for; of normal sessions only about {many} a day score above "
            f"{limit.value:.4g}: there are no more, or all others score alike."
        ]
    if limit.sessions < _ENOUGH:
        told.append(
            f"The threshold rests on {limit.sessions:,} validation sessions; with fewer than {_ENOUGH} of them there "
            "may be far more or fewer alerts than were asked for."
        )
    return told


@dataclass
class Judged:
    """Anomalous SESSIONS that remain when feedback has silenced ``silent`` others; ``loud`` says which remained."""

    sessions: pa.Table
    scores: pa.Table
    findings: pa.Table
    odd: list[SessionSignature | None]
    loud: np.ndarray

    @property
    def silent(self) -> int:
        """How many are explained by feedback."""
        return int((~self.loud).sum())

    def first(self, most: int) -> Judged:
        """The first ``most`` of them."""
        some = self.sessions.slice(0, most)
        findings = self.findings.filter(pc.is_in(self.findings["session_id"], some["session_id"].combine_chunks()))
        return replace(self, sessions=some, scores=self.scores.slice(0, most), findings=findings, odd=self.odd[:most])


def judge(fitted: Bundle, told: Told, sessions: pa.Table, scores: pa.Table) -> Judged:
    """What is odd about sessions that are known to be anomalous, and which of them feedback leaves."""
    findings = fitted.main.explain(sessions)
    odd = signatures(fitted, sessions, findings, told.lines)
    loud = np.array([by is None for by in suppressed_by(fitted, odd)], bool)
    if not loud.all():
        kept = pa.array(loud)
        sessions, scores = sessions.filter(kept), scores.filter(kept)
        findings = findings.filter(pc.is_in(findings["session_id"], sessions["session_id"].combine_chunks()))
        odd = [one for one, remains in zip(odd, loud.tolist(), strict=True) if remains]
    return Judged(sessions, scores, findings, odd, loud)


def alert(fitted: Bundle, told: Told, judged: Judged, limit: float) -> pa.Table:
    """ALERTS for the sessions that remain."""
    return make_alerts(
        judged.sessions,
        judged.scores,
        judged.findings,
        fitted.texts,
        told.lines,
        detector=fitted.settings.detector,
        threshold=limit,
        signatures=[one.signature.model_dump_json() if one else None for one in judged.odd],
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
    signature = row["signature"] and orjson.loads(row["signature"])
    return {**row, "raised_at": row["raised_at"] and row["raised_at"].isoformat(), "signature": signature}


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
    "signature": pl.String,
}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    first = row["evidence"][0] if row["evidence"] else {}
    flat = {name: row[name] for name in ("alert_id", "session_id", "service", "severity", "score", "signature")}
    return {
        **flat,
        "raised_at": row["raised_at"] and row["raised_at"].isoformat(),
        **{n: first.get(n) for n in ("source", "line", "reason", "body")},
    }
