"""The top list: alerts ranked for the page, their lines cut to what a person reads.

A page with 500 alerts of sessions with thousands of lines and bodies of megabytes must stay a
page: the list holds the most urgent alerts, the lines around what is odd, the head of a body.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from logradar.core.formatting import NO_TIME, NONE, moment, number

SEVERITIES: Final = ("critical", "high", "medium", "low", "info")
TOP: Final = 50
_LINES = 24  # lines shown of one alert; beyond, only those around what is odd
_AROUND = 2
_ODD = 12  # odd lines shown of one alert
_HEAD, _HEAD_LINES, _MOST = 480, 8, 12_000  # characters and lines shown at once; characters kept at all
_SPARE = 40  # no button for a few characters


@dataclass(frozen=True)
class Clipped:
    """The ``head`` of a text, the ``rest`` to unfold, and how many characters are ``left`` out."""

    head: str
    rest: str = ""
    left: int = 0


@dataclass(frozen=True)
class Reason:
    """Why a line is odd, and what was ``expected``: template, probability as text, width of its bar in per cent."""

    text: Clipped
    expected: list[tuple[Clipped, str, float]]


@dataclass(frozen=True)
class Line:
    """A log line, or what is odd about the session as a whole (no ``where`` and no ``body``).

    ``where`` is short (file name and line), ``path`` the whole source. A line without reasons is context.
    """

    where: str
    path: str
    body: Clipped | None
    reasons: list[Reason]
    skipped: int = 0  # this many lines are left out here instead


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
    share: float  # of the highest score on the page, in per cent, for a bar
    severity: str
    label: bool | None
    reason: Clipped | None
    lines: list[Line]
    odd: int


def top(alerts: Sequence[Mapping[str, Any]], count: int = TOP) -> list[Entry]:
    """The ``count`` most urgent alerts: by severity, then by score; equal ones in the given order."""
    ranked = sorted(alerts, key=lambda alert: (_urgency(alert), -_score(alert)))[:count]
    finite = [abs(score) for alert in ranked if math.isfinite(score := _score(alert))]
    highest = max(finite, default=0.0) or 1.0
    return [_entry(rank, alert, highest) for rank, alert in enumerate(ranked, 1)]


def clip(text: str, head: int = _HEAD, lines: int = _HEAD_LINES, most: int = _MOST) -> Clipped:
    """Cut a text for the page: ``head`` characters or ``lines`` lines at first, ``most`` in all.

    >>> clip("x" * 100, head=2, most=5)
    Clipped(head='xx', rest='xxx', left=95)
    """
    ends = [place for place, letter in enumerate(text[:head]) if letter == "\n"]
    cut = ends[lines - 1] if len(ends) >= lines else head
    if cut == head and len(text) <= head + _SPARE:
        return Clipped(text)
    return Clipped(text[:cut], text[cut:most], max(0, len(text) - most))


def _urgency(alert: Mapping[str, Any]) -> int:
    severity = str(alert.get("severity") or "")
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _score(alert: Mapping[str, Any]) -> float:
    score = alert.get("score")
    return float(score) if isinstance(score, (int, float)) and not math.isnan(score) else -math.inf


def _entry(rank: int, alert: Mapping[str, Any], highest: float) -> Entry:
    found = alert.get("evidence")
    lines = _merged([one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else [])
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
        label if isinstance(label, bool) else None,
        clip(reasons[0].head, head=160, most=160) if reasons else None,
        list(_shortened(lines)),
        len(reasons),
    )


def _merged(evidence: Sequence[Mapping[str, Any]]) -> list[Line]:
    """One line per record, with all its reasons, in the order of first mention."""
    lines: list[Line] = []
    place: dict[Any, int] = {}
    for one in evidence:
        record = one.get("record_id")
        if isinstance(record, int) and record in place:
            lines[place[record]].reasons.extend(_reasons(one))
            continue
        if isinstance(record, int):
            place[record] = len(lines)
        lines.append(_line(one))
    return lines


def _shortened(lines: Sequence[Line]) -> Iterator[Line]:
    odd = [place for place, line in enumerate(lines) if line.reasons]
    shown = range(len(lines)) if len(lines) <= _LINES else _near(len(lines), odd[:_ODD])
    last = -1
    for place in shown:
        if place > last + 1:
            yield Line("", "", None, [], skipped=place - last - 1)
        last = place
        yield lines[place]
    if last + 1 < len(lines):
        yield Line("", "", None, [], skipped=len(lines) - last - 1)


def _near(count: int, odd: Sequence[int]) -> list[int]:
    if not odd:
        return list(range(_LINES))
    return sorted({near for place in odd for near in range(place - _AROUND, place + _AROUND + 1) if 0 <= near < count})


def _line(one: Mapping[str, Any]) -> Line:
    source, line, body = one.get("source"), one.get("line"), one.get("body")
    path = str(source or "")
    where = path.replace("\\", "/").rpartition("/")[2] + (f":{line}" if line is not None else "")
    return Line(where, path, clip(str(body)) if body is not None else None, _reasons(one))


def _reasons(one: Mapping[str, Any]) -> list[Reason]:
    expected = one.get("expected")
    rows = [_expected(row) for row in expected if isinstance(row, Mapping)] if isinstance(expected, list) else []
    return [Reason(clip(str(one["reason"]), head=400), rows)] if one.get("reason") else []


def _expected(row: Mapping[str, Any]) -> tuple[Clipped, str, float]:
    template = row.get("template")
    text = str(template) if template is not None else f"template {row.get('template_id')}"
    share = row.get("probability")
    if not isinstance(share, (int, float)) or not 0 <= share <= 1:
        return clip(text, head=200, lines=2, most=2_000), "", 0.0
    return (
        clip(text, head=200, lines=2, most=2_000),
        f"{share:.1%}" if share < 0.995 else f"{share:.0%}",
        100 * float(share),
    )
