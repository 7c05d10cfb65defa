"""The list of alerts on the page: ranked, with their lines shortened to what a person reads.

A page must stay small even with 500 alerts, sessions of thousands of lines and bodies of megabytes.
So the list has the most urgent alerts only, of each the lines around its findings, and of a long body the
beginning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from logradar.core.formatting import NO_TIME, NONE, level_word, moment, number
from logradar.core.plain_reasons import of_one_line
from logradar.core.stack_trace import essence
from logradar.core.tables import SEVERITIES

TOP: Final = 50
_LINES = 24  # lines shown of one alert; of a longer session only the lines around its findings
_AROUND = 2  # lines shown before and after a finding
_FINDINGS = 12  # lines with a finding shown of one alert
_HEAD, _HEAD_LINES, _MOST = 480, 8, 12_000  # characters and lines shown at once; characters kept in all
_SPARE = 40  # a text that is longer than its head by so few characters is shown whole


@dataclass(frozen=True)
class Clipped:
    """The ``head`` of a text, the ``rest`` to unfold, and the number of characters that are ``left`` out."""

    head: str
    rest: str = ""
    left: int = 0


@dataclass(frozen=True)
class Reason:
    """Why a line is a finding, and the ``expected`` events: template, probability as text, width of its bar in %."""

    text: Clipped
    expected: list[tuple[Clipped, str, float]]


@dataclass(frozen=True)
class InCode:
    """A place in the source code that writes a line; ``url`` is empty where it cannot be looked at."""

    where: str
    function: str
    text: str
    note: str
    url: str


@dataclass(frozen=True)
class Line:
    """A log line, or a finding about the session as a whole (no ``where`` and no ``body``).

    ``where`` is short (file name and line number), ``path`` is the whole source, ``facts`` are time, level and service.
    A line without reasons is context.
    """

    where: str
    path: str
    body: Clipped | None
    reasons: list[Reason]
    facts: str = ""
    code: tuple[InCode, ...] = ()
    skipped: int = 0  # above 0: not a line, but the place where this many lines are left out


@dataclass(frozen=True)
class Entry:
    """One alert on the page."""

    rank: int
    title: str
    service: str
    when: str
    detector: str
    score: str
    threshold: str
    share: float  # score in per cent of the highest one on the page, for a bar
    severity: str
    parts: str
    label: bool | None
    reason: Clipped | None
    lines: list[Line]
    findings: int


def top(alerts: Sequence[Mapping[str, Any]], count: int = TOP) -> list[Entry]:
    """The ``count`` most urgent alerts: by the number of the severity, then by score; equal ones keep their order.

    Alerts of older files have no such number; they are ranked by the band of their severity.
    """
    ranked = sorted(alerts, key=lambda alert: (_urgency(alert), -_severity(alert), -_score(alert)))[:count]
    finite = [abs(score) for alert in ranked if math.isfinite(score := _score(alert))]
    highest = max(finite, default=0.0) or 1.0
    return [_entry(rank, alert, highest) for rank, alert in enumerate(ranked, 1)]


def clip(text: str, head: int = _HEAD, lines: int = _HEAD_LINES, most: int = _MOST) -> Clipped:
    """Shorten a text for the page: ``head`` characters or ``lines`` lines at first, ``most`` characters in all.

    >>> clip("x" * 100, head=2, most=5)
    Clipped(head='xx', rest='xxx', left=95)
    """
    ends = [place for place, letter in enumerate(text[:head]) if letter == "\n"]
    end = ends[lines - 1] if len(ends) >= lines else head
    if end == head and len(text) <= head + _SPARE:
        return Clipped(text)
    return Clipped(text[:end], text[end:most], max(0, len(text) - most))


def _urgency(alert: Mapping[str, Any]) -> int:
    """0 for the most urgent severity; what is not known comes last."""
    severity = str(alert.get("severity") or "")
    return SEVERITIES[::-1].index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _severity(alert: Mapping[str, Any]) -> float:
    score = alert.get("severity_score")
    return float(score) if isinstance(score, (int, float)) and not math.isnan(score) else -math.inf


def _parts(alert: Mapping[str, Any]) -> str:
    """The severity and what it was computed from, in words."""
    score, parts = _severity(alert), alert.get("severity_parts")
    if not math.isfinite(score) or not isinstance(parts, Mapping):
        return ""
    named = (f"{str(name).replace('_', ' ')} {number(value)}" for name, value in parts.items())
    return f"severity {score:.0f} of 100: {', '.join(named)}"


def _score(alert: Mapping[str, Any]) -> float:
    score = alert.get("score")
    return float(score) if isinstance(score, (int, float)) and not math.isnan(score) else -math.inf


def _entry(rank: int, alert: Mapping[str, Any], highest: float) -> Entry:
    evidence = alert.get("evidence")
    lines = lines_of(
        [row for row in evidence if isinstance(row, Mapping)] if isinstance(evidence, list) else [], alert.get("code")
    )
    reasons = [reason.text for line in lines for reason in line.reasons]
    score = _score(alert)
    label = alert.get("label")
    return Entry(
        rank,
        str(alert.get("session_id") or alert.get("alert_id") or NONE),
        str(alert.get("service") or ""),
        moment(alert.get("raised_at")) if alert.get("raised_at") else NO_TIME,
        str(alert.get("detector") or ""),
        number(alert.get("score")),
        number(alert.get("threshold")),
        max(0.0, min(100.0, 100 * score / highest)) if not math.isnan(score) else 0.0,
        str(alert.get("severity") or ""),
        _parts(alert),
        label if isinstance(label, bool) else None,
        clip(reasons[0].head, head=160, most=160) if reasons else None,
        list(_shortened(lines)),
        len(reasons),
    )


def lines_of(evidence: Sequence[Mapping[str, Any]], code: Any = None) -> list[Line]:
    """The lines of the evidence of an alert: one per record, with all its reasons, in the order of first mention.

    ``code`` are the places in source code that the alert names, where it does.
    """
    by_record: dict[Any, list[Mapping[str, Any]]] = {}
    for place, row in enumerate(evidence):
        record = row.get("record_id")
        by_record.setdefault(record if isinstance(record, int) else f"no record {place}", []).append(row)
    places = [row for row in code if isinstance(row, Mapping)] if isinstance(code, list) else []
    return [_line(rows, [one for one in places if one.get("record_id") == key]) for key, rows in by_record.items()]


def _shortened(lines: Sequence[Line]) -> Iterator[Line]:
    findings = [place for place, line in enumerate(lines) if line.reasons]
    shown = range(len(lines)) if len(lines) <= _LINES else _near(len(lines), findings[:_FINDINGS])
    last = -1
    for place in shown:
        if place > last + 1:
            yield Line("", "", None, [], skipped=place - last - 1)
        last = place
        yield lines[place]
    if last + 1 < len(lines):
        yield Line("", "", None, [], skipped=len(lines) - last - 1)


def _near(count: int, findings: Sequence[int]) -> list[int]:
    if not findings:
        return list(range(_LINES))
    reached = {near for place in findings for near in range(place - _AROUND, place + _AROUND + 1)}
    return sorted(near for near in reached if 0 <= near < count)


def _in_code(row: Mapping[str, Any]) -> InCode:
    url = str(row.get("url") or "")
    function, text, note = (str(row.get(name) or "")[:300] for name in ("function", "text", "note"))
    link = url if url.startswith(("https://", "http://")) else ""
    return InCode(f"{row.get('path')}:{row.get('line')}", function, text, note, link)


def _line(rows: Sequence[Mapping[str, Any]], code: Sequence[Mapping[str, Any]] = ()) -> Line:
    evidence = rows[0]
    source, line, body = evidence.get("source"), evidence.get("line"), evidence.get("body")
    path = str(source or "")
    where = path.replace("\\", "/").rpartition("/")[2] + (f":{line}" if line is not None else "")
    shown = _body(str(body)) if body is not None else None
    return Line(where, path, shown, _reasons(rows), _facts(evidence), tuple(map(_in_code, code)))


def _body(body: str) -> Clipped:
    """A record; a stack trace by its first frames and its cause, to be unfolded."""
    first = essence(body)
    if len(first) < 2:
        return clip(body)
    head = clip("\n".join(first)).head
    return Clipped(head, body[:_MOST], max(0, len(body) - _MOST))


def _facts(evidence: Mapping[str, Any]) -> str:
    level = evidence.get("level")
    clock = moment(evidence["timestamp"]) if evidence.get("timestamp") else ""
    word = level_word(level) if isinstance(level, int) else ""
    return " · ".join(part for part in (clock, word, str(evidence.get("service") or "")) if part)


def _reasons(rows: Sequence[Mapping[str, Any]]) -> list[Reason]:
    """The reasons of one line, each once; what was expected goes with the first that is left, where its own is not."""
    given = [row for row in rows if row.get("reason")]
    found: list[Reason] = []
    orphans: list[tuple[Clipped, str, float]] = []
    for row, sentence in zip(given, of_one_line([str(row["reason"]) for row in given]), strict=True):
        expected = row.get("expected")
        bars = [_expected(one) for one in expected if isinstance(one, Mapping)] if isinstance(expected, list) else []
        if sentence is None:
            orphans += bars
        else:
            found.append(Reason(clip(_in_words(sentence), head=400), bars))
    if found:
        found[0].expected.extend(orphans)
    return found


def _in_words(template: str) -> str:
    """A template as a person reads it: an ellipsis where the words differ from line to line."""
    return template.replace("<*>", "…")


def _expected(row: Mapping[str, Any]) -> tuple[Clipped, str, float]:
    template = row.get("template")
    text = _in_words(str(template)) if template is not None else f"template {row.get('template_id')}"
    share = row.get("probability")
    if not isinstance(share, (int, float)) or not 0 <= share <= 1:
        return clip(text, head=200, lines=2, most=2_000), "", 0.0
    return (
        clip(text, head=200, lines=2, most=2_000),
        f"{share:.1%}" if share < 0.995 else f"{share:.0%}",
        100 * float(share),
    )
