"""Alerts: anomalous sessions told to a person, ranked, each with the lines that gave it away."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logradar.alerting.severity import severity
from logradar.core.tables import ALERTS, FINDINGS, SCORES, SESSIONS, UNKNOWN, check

EVIDENCE_SHOWN: Final = 5
_UNSEEN = "(a message that training did not have)"

Lines = Callable[[list[int]], pa.Table]


def anomalous(scores: pa.Table, threshold: float) -> np.ndarray:
    """Row numbers of SCORES above the threshold, highest score first, ties in order of the table."""
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
    signatures: Sequence[str | None] | None = None,
    session_ids: Sequence[str] | None = None,
) -> pa.Table:
    """ALERTS for SESSIONS that are known to be anomalous, in the order given.

    ``scores`` and ``findings`` belong to these sessions; ``lines`` fetches the LOG_RECORDS of
    given record ids (in any order). Evidence is at most five findings a session, each with its raw
    line, file and line number, and what was expected instead. ``signatures`` say as JSON what is unusual about
    each. ``session_ids`` are the names of the sessions where ``sessions`` are numbered, because names come twice.
    """
    rows = check(sessions, SESSIONS).to_pylist()
    reasons: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for finding in check(findings, FINDINGS).to_pylist():
        if len(reasons[finding["session_id"]]) < EVIDENCE_SHOWN:
            reasons[finding["session_id"]].append(finding)
    for row in rows:
        for finding in reasons[row["session_id"]]:
            finding["record_id"] = _record(row["record_ids"], finding["position"])
    firsts = [row["record_ids"][0] if row["record_ids"] else None for row in rows]
    records = _by_id(lines, [*firsts, *(f["record_id"] for found in reasons.values() for f in found)])
    alerts = []
    signed = signatures if signatures is not None else [None] * len(rows)
    names = session_ids if session_ids is not None else [row["session_id"] for row in rows]
    values = check(scores, SCORES)["score"].to_pylist()
    for row, name, first, score, signature in zip(rows, names, firsts, values, signed, strict=True):
        body = records.get(first, {}).get("body") if first is not None else None
        alerts.append(
            {
                "alert_id": alert_id(detector, name, row["start"], body),
                "session_id": name,
                "service": row["service"],
                "raised_at": row["end"] or row["start"],
                "detector": detector,
                "score": score,
                "threshold": threshold,
                "severity": severity(score, threshold, row["max_level"]),
                "record_ids": row["record_ids"],
                "evidence": [_evidence(f, templates, records) for f in reasons[row["session_id"]]],
                "code": None,
                "signature": signature,
            }
        )
    return check(pa.Table.from_pylist(alerts, schema=ALERTS), ALERTS)


def alert_id(detector: str, session_id: str, start: datetime | None = None, first_line: str | None = None) -> str:
    """Sixteen hex digits from the detector and what identifies a session: its name, its start and its first line.

    The same session gives the same id in a batch, in a stream and in every run, so that feedback can name it. Two
    logs whose sessions have equal names (``log[0]``) and begin in the same second have different ids.
    """
    parts = (detector, session_id, start.isoformat() if start else "", first_line or "")
    return hashlib.blake2b("\0".join(parts).encode(errors="replace"), digest_size=8).hexdigest()


def _record(record_ids: list[int], position: int | None) -> int | None:
    if not record_ids:
        return None
    return record_ids[-1 if position is None else min(position, len(record_ids) - 1)]


def _by_id(lines: Lines, wanted: Iterable[int | None]) -> dict[int, dict[str, Any]]:
    ids = sorted({number for number in wanted if number is not None})
    if not ids:
        return {}
    found = lines(ids).select(["record_id", "source", "line", "body"])
    return {row["record_id"]: row for row in found.filter(pc.is_in(found["record_id"], pa.array(ids))).to_pylist()}


def _evidence(
    finding: dict[str, Any], templates: Mapping[int, str], records: Mapping[int, dict[str, Any]]
) -> dict[str, Any]:
    record = records.get(finding["record_id"], {})
    about = finding["template_id"]
    reason = finding["reason"]
    if about is not None and finding["position"] is None:
        reason = f"«{templates.get(about, _UNSEEN)}» {reason}"
    return {
        "record_id": finding["record_id"],
        "source": record.get("source"),
        "line": record.get("line"),
        "body": record.get("body"),
        "reason": reason,
        "expected": [
            {
                "template_id": item["template_id"],
                "template": _UNSEEN if item["template_id"] == UNKNOWN else templates.get(item["template_id"], _UNSEEN),
                "probability": item["probability"],
            }
            for item in finding["expected"]
        ],
    }
