"""Evidence: an alert as a page shows it: its lines with what is unusual about them, and how its severity came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from logradar.core.formatting import level_word, real
from logradar.core.plain_reasons import in_plain_words
from logradar.core.tables import SEVERITIES
from logradar.reporting.alert_list import Clipped, Entry, clip, top


@dataclass(frozen=True)
class FirstLine:
    """The line that an incident began with: what, where, why it is unusual, and what was expected instead."""

    body: Clipped
    level: str
    service: str
    where: str
    at: Any
    reason: str
    expected: list[tuple[str, str, float]]
    of_training: bool


@dataclass(frozen=True)
class AlertRow:
    """An alert in a list."""

    id: str
    session: str
    service: str
    severity: str
    score: float
    reason: str
    at: Any
    over: bool
    verdict: str


def entry_of(alert: Mapping[str, Any]) -> Entry:
    """An alert with its lines, shortened to what a person reads."""
    return top([alert], 1)[0]


def first_line(evidence: Any) -> FirstLine | None:
    """The first unusual line of an incident; None where it has none."""
    if not isinstance(evidence, Mapping) or not (evidence.get("body") or evidence.get("reason")):
        return None
    source, number = evidence.get("source"), evidence.get("line")
    level = evidence.get("level")
    return FirstLine(
        clip(str(evidence.get("body") or "")),
        level_word(level) if isinstance(level, int) else "",
        str(evidence.get("service") or ""),
        f"{source}:{number:,}" if source and isinstance(number, int) else str(source or ""),
        evidence.get("timestamp"),
        in_plain_words(str(evidence["reason"])).replace("<*>", "…") if evidence.get("reason") else "",
        [_expected(one) for one in evidence.get("expected") or () if isinstance(one, Mapping)],
        evidence.get("record_id") is None,
    )


def alert_row(one: Mapping[str, Any]) -> AlertRow:
    """The row of an alert of the store."""
    severity = str(one.get("severity"))
    reasons = [str(line["reason"]) for line in one.get("evidence") or () if line.get("reason")]
    reason = in_plain_words(reasons[0]).replace("<*>", "…") if reasons else "no single line explains it"
    return AlertRow(
        str(one["alert_id"]),
        clip(str(one.get("session_id") or ""), head=120, lines=1, most=120).head,
        str(one.get("service") or ""),
        severity if severity in SEVERITIES else "low",
        float(one.get("severity_score") or 0),
        clip(reason, head=160, lines=1, most=160).head,
        one.get("raised_at"),
        bool(one.get("over", True)),
        str(one.get("verdict") or ""),
    )


def severity_parts(alert: Mapping[str, Any]) -> list[tuple[str, float]]:
    """What the severity was computed from: a name, and a share of 0 to 1."""
    parts = alert.get("severity_parts")
    named = parts.items() if isinstance(parts, Mapping) else ()
    return [(str(name).replace("_", " "), min(1.0, max(0.0, value))) for name, value in named if real(value)]


def _expected(row: Mapping[str, Any]) -> tuple[str, str, float]:
    text = str(row.get("template") or f"template {row.get('template_id')}").replace("<*>", "…")
    share = row.get("probability")
    text = clip(text, head=200, lines=2, most=200).head
    return (text, f"{share:.0%}", 100 * share) if real(share) and 0 <= share <= 1 else (text, "", 0.0)
