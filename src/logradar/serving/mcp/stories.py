"""Stories: incidents, alerts, sessions and changes as texts for an assistant, the most telling first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from logradar.serving.mcp.budget import Answer, quoted

_LEVELS: Final = ((21, "FATAL"), (17, "ERROR"), (13, "WARN"), (9, "INFO"), (5, "DEBUG"), (1, "TRACE"))
_ALERTS: Final = 5  # whose evidence is told within the story of an incident


def incidents(answer: Answer, items: list[dict[str, Any]]) -> None:
    """A line for each incident."""
    if not items:
        answer.add("No incident is open.")
        return
    answer.add("Incidents that are open, the most urgent first:")
    for one in items:
        who = one.get("acknowledged")
        looked = f", {quoted(who['by'])} looks after it" if who else ""
        answer.add(
            f"- {one['incident_id']} {one['severity']} ({one['severity_score']}) since {one['started_at']}: "
            f"{quoted(one['title'])}; services {_names(one['services'])}; {one['alerts']:,} alerts, "
            f"{one['rate_changes']:,} changes of rates{looked}",
            kind="incidents",
        )


def incident(answer: Answer, one: dict[str, Any]) -> None:
    """One incident from its beginning to what people said."""
    answer.add(f"Incident {one['incident_id']}: {quoted(one['title'])}")
    answer.add(f"Status {one['status']}, severity {one['severity']} ({one['severity_score']} of 100).")
    answer.add(f"From {one['started_at']} to {one['last_at']}. Services: {_names(one['services'])}.")
    if one.get("again_of"):
        answer.add(f"It is of the same kind as the earlier incident {one['again_of']}.")
    answer.section(
        "Where the cause may be, the likeliest first:",
        (
            f"{quoted(each['service'])}: {quoted(each['reason'])} (share {each['share']:.2f})"
            for each in one["candidates"]
        ),
        kind="candidates",
    )
    if one.get("evidence"):
        answer.section("The first unusual line:", [*_evidence(one["evidence"])], kind="lines")
    answer.section("The code that writes it:", _code(one), kind="places in the code")
    answer.section(
        "Changes of rates:", (_change(each) for each in one.get("rate_change_list", [])), kind="changes of rates"
    )
    answer.section(
        "What people said:", (f"{quoted(each['by'])}: {quoted(each['note'])}" for each in one.get("notes", [])),
        kind="notes",
    )  # fmt: skip
    alerts = one.get("alert_list", [])
    for each in alerts[:_ALERTS]:
        answer.section(_alert_title(each), [line for each_ in each["evidence"] for line in _evidence(each_)],
                       kind="lines of evidence")  # fmt: skip
    answer.section(
        f"Further alerts (of {one['alerts']:,}):", (_alert_title(each) for each in alerts[_ALERTS:]), kind="alerts"
    )


def alert(answer: Answer, one: dict[str, Any]) -> None:
    """Why a session was reported."""
    answer.add(_alert_title(one))
    answer.add(
        f"Score {one['score']:.3g}, threshold {one['threshold']:.3g}, detector {one['detector']}, bundle "
        f"{quoted(one['bundle'])}. Services: {_names(one['services'])}."
    )
    parts = ", ".join(f"{name} {value:.2f}" for name, value in one["severity_parts"].items())
    answer.add(f"The severity comes from (each 0 to 1): {parts}.")
    if one.get("incident_id"):
        answer.add(f"It belongs to the incident {one['incident_id']}.")
    if one.get("verdict"):
        answer.add(f"People said that it is: {one['verdict']}.")
    lines = [line for each in one["evidence"] for line in _evidence(each)]
    answer.section("What is unusual, the most telling first:", lines, kind="lines of evidence")
    answer.section("The code that writes it:", _code(one), kind="places in the code")


def _code(one: dict[str, Any]) -> Iterator[str]:
    """The places in the code of an alert or incident, where code is indexed."""
    for place in one.get("code") or ():
        inside = f" in {quoted(place['function'])}" if place["function"] else ""
        yield f"{quoted(place['path'])}, line {place['line']:,}{inside}: {quoted(place['text'])}"


def session(answer: Answer, found: dict[str, Any]) -> None:
    """The lines of a session in their order."""
    answer.add(f"Session {quoted(found['session_id'])}: {len(found['lines']):,} lines, {len(found['alerts'])} alerts.")
    if found["truncated"]:
        answer.add("These are its last lines; there are more.")
    for each in found["alerts"]:
        answer.add(_alert_title(each), kind="alerts")
    for row in found["lines"]:
        answer.add(_line(row), kind="lines")


def lines(answer: Answer, rows: list[dict[str, Any]]) -> None:
    """Log lines that a search found."""
    answer.add(f"{len(rows):,} lines, the newest first:" if rows else "No line fits.")
    for row in rows:
        answer.add(_line(row), kind="lines")


def changes(
    answer: Answer, rates: list[dict[str, Any]], grown: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    """What comes more, less or for the first time."""
    answer.section("Changes of rates, the latest first:", (_change(one) for one in rates), kind="changes of rates")
    answer.section(
        "Messages that came for the first time:",
        (
            f"{quoted(one['template'] or one['example'])} of {quoted(one['service'])}, first at "
            f"{_moment(one['first_at'])}, {one['count']:,} times"
            for one in new
        ),
        kind="new messages",
    )
    answer.section(
        "Messages that grew most:",
        (f"{one['growth']:+,}: {quoted(one['template'] or one['example'])} of {quoted(one['service'])}"
         for one in grown),
        kind="growing messages",
    )  # fmt: skip
    if not (rates or grown or new):
        answer.add("Nothing changed in this time.")


def _alert_title(one: dict[str, Any]) -> str:
    return (
        f"Alert {one['alert_id']}, {one['severity']} ({one['severity_score']}), session {quoted(one['session_id'])}, "
        f"raised at {one['raised_at']}:"
    )


def _evidence(one: dict[str, Any]) -> Iterator[str]:
    yield f"{_line(one)} because: {quoted(one['reason'])}"
    for each in (one.get("expected") or [])[:2]:
        if each.get("template"):
            yield f"  expected instead ({each['probability']:.0%}): {quoted(each['template'])}"


def _line(row: dict[str, Any]) -> str:
    level = next((name for least, name in _LEVELS if (row.get("level") or 0) >= least), "")
    said = [row.get("timestamp") or "", level, quoted(row["service"]) if row.get("service") else ""]
    return f"{' '.join(one for one in said if one)} log {quoted(row['body'])}"


def _change(one: dict[str, Any]) -> str:
    what = quoted(one.get("template") or "all records")
    return f"{one['kind']} of {quoted(one.get('service') or 'all services')} from {one['started_at']}: {what}"


def _names(names: list[str]) -> str:
    return ", ".join(quoted(name) for name in names[:10]) or "none is named"


def _moment(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat()
