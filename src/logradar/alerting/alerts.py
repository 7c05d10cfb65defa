"""Alerts: anomalous sessions reported to a person, ranked, each with the log lines that show the anomaly."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.alerting.confidence import UNKNOWN_CONFIDENCE
from logradar.alerting.evidence import Facts, Lines, choose, facts_of, record_of, shown, unusual
from logradar.alerting.severity import SeveritySettings, Signs, severity
from logradar.core.tables import ALERTS, ERROR, FINDINGS, SCORES, SESSIONS, WARN, check

_LOOKED_AT: Final = 50  # findings of one session


def anomalous(scores: pa.Table, threshold: float) -> np.ndarray:
    """Row numbers of SCORES above ``threshold``, highest score first; equal scores keep the order of the table."""
    values = check(scores, SCORES)["score"].to_numpy()
    above = np.flatnonzero(values > threshold)
    return above[np.argsort(-values[above], kind="stable")]


def make_alerts(
    sessions: pa.Table,
    scores: pa.Table,
    findings: pa.Table,
    templates: Mapping[int, str],
    lines: Lines,
    *,
    detector: str,
    threshold: float,
    confidence: Sequence[float] | None = None,
    severities: SeveritySettings | None = None,
    signatures: Sequence[str | None] | None = None,
    session_ids: Sequence[str] | None = None,
    confirmed: Sequence[str | None] | None = None,
) -> pa.Table:
    """ALERTS for SESSIONS that are known to be anomalous, one for each session, in the same order.

    ``scores`` and ``findings`` are those of these sessions. ``templates`` are texts by template id. ``lines`` returns
    the LOG_RECORDS of given record ids, in any order. The evidence of an alert is at most `EVIDENCE_SHOWN` lines,
    each with its file and line number, what is unusual about it, and what the detector expected instead.
    ``confidence`` is how sure each alert is, from 0 to 1 (0.5 where it is not given); ``severities`` say how urgency
    is computed from it. ``signatures`` describe as JSON how each session differs from normal ones; ``session_ids`` are
    their names where ``sessions`` are numbered, because a name comes twice. An alert is raised when its session ends,
    in event time. ``confirmed`` are ids of earlier alerts of the same sort that a person called real; the first line of
    the evidence says so. Raises `TableError` where a table does not fit its schema.
    """
    rows = check(sessions, SESSIONS).to_pylist()
    reasons: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for finding in check(findings, FINDINGS).to_pylist():
        if len(reasons[finding["session_id"]]) < _LOOKED_AT:
            reasons[finding["session_id"]].append(finding)
    facts = facts_of(sessions, lines)
    chosen = [choose(known, reasons[row["session_id"]]) for row, known in zip(rows, facts, strict=True)]
    wanted = {record_of(row["record_ids"], one.place) for row, some in zip(rows, chosen, strict=True) for one in some}
    records = _by_id(lines, wanted | {row["record_ids"][0] for row in rows if row["record_ids"]})
    settings = severities or SeveritySettings()
    signed = signatures if signatures is not None else [None] * len(rows)
    names = session_ids if session_ids is not None else [row["session_id"] for row in rows]
    sure = confidence if confidence is not None else [UNKNOWN_CONFIDENCE] * len(rows)
    values = check(scores, SCORES)["score"].to_pylist()
    alerts = []
    for number, (row, known) in enumerate(zip(rows, facts, strict=True)):
        body = records.get(row["record_ids"][0], {}).get("body") if row["record_ids"] else None
        places = unusual(known, reasons[row["session_id"]])
        urgent = severity(_signs(row, known, places, sure[number]), settings)
        services = known.of_services(np.concatenate([places, np.arange(len(known.services))])) or [*_named(row)]
        lines_shown = shown(chosen[number], row["record_ids"], records, templates)
        if confirmed is not None and confirmed[number] is not None and lines_shown:
            lines_shown[0]["reason"] += f"; confirmed before as an anomaly (alert {confirmed[number]})"
        alerts.append(
            {
                "alert_id": alert_id(detector, names[number], row["start"], body),
                "session_id": names[number],
                "service": services[0] if len(places) and services else row["service"],
                "services": services,
                "started_at": row["start"],
                "raised_at": row["end"] or row["start"],
                "detector": detector,
                "score": values[number],
                "threshold": threshold,
                "max_level": row["max_level"],
                "severity": urgent.band,
                "severity_score": urgent.score,
                "severity_parts": [{"name": name, "value": value} for name, value in urgent.parts.items()],
                "record_ids": row["record_ids"],
                "evidence": lines_shown,
                "code": None,
                "signature": signed[number],
            }
        )
    return check(pa.Table.from_pylist(alerts, schema=ALERTS), ALERTS)


def _signs(row: Mapping[str, Any], facts: Facts, places: npt.NDArray[np.int64], confidence: float) -> Signs:
    errors, warned = int((facts.levels >= ERROR).sum()), int((facts.levels >= WARN).sum())
    return Signs(
        confidence=confidence,
        level=max(row["max_level"] or 0, WARN if facts.alarming else 0) or None,
        services=tuple(facts.of_services(places)),
        all_services=tuple(facts.of_services(np.arange(len(facts.services)))),
        errors=errors,
        warnings=warned - errors,
        seconds=(row["end"] - row["start"]).total_seconds() if row["start"] and row["end"] else 0.0,
    )


def _named(row: Mapping[str, Any]) -> Iterator[str]:
    if row["service"] is not None:
        yield row["service"]


def alert_id(detector: str, session_id: str, start: datetime | None = None, first_line: str | None = None) -> str:
    """Sixteen hex digits from the detector and what identifies a session: its name, its start and its first line.

    The same session gives the same id in a batch, in a stream and in every run, so that feedback can name it. Two
    logs whose sessions have equal names (``log[0]``) and begin in the same second have different ids.
    """
    parts = (detector, session_id, start.isoformat() if start else "", first_line or "")
    return hashlib.blake2b("\0".join(parts).encode(errors="replace"), digest_size=8).hexdigest()


def _by_id(lines: Lines, wanted: set[int]) -> dict[int, dict[str, Any]]:
    ids = sorted(wanted - {-1})
    if not ids:
        return {}
    records = lines(ids).select(["record_id", "source", "line", "timestamp", "level", "service", "body"])
    wanted_rows = pc.is_in(records["record_id"], pa.array(ids))
    return {row["record_id"]: row for row in records.filter(wanted_rows).to_pylist()}
