"""Alerts in the terminal: how severe and why, then the lines that show it, each with what is unusual about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from logradar.cli.show.plain import clipped, in_plain_text

if TYPE_CHECKING:
    from rich.console import Console

WIDTH: Final = 160
_EXPECTED: Final = 3  # templates that were expected instead


@in_plain_text
def alerts(shown: list[dict[str, Any]], count: int) -> None:
    """The first of ``count`` alerts, each with the log lines that show the anomaly."""
    from rich.console import Console
    from rich.text import Text

    from logradar.core.formatting import NO_TIME, moment

    console = Console(soft_wrap=True)
    for rank, alert in enumerate(shown, 1):
        service = f" · {alert['service']}" if alert["service"] else ""
        named = f"{rank}. {alert['severity']} {alert['severity_score']:.0f} · {alert['session_id']}{service}"
        when = moment(alert["raised_at"]) if alert["raised_at"] else NO_TIME
        console.print(Text.assemble((named, "bold"), (f" · {when} · id {alert['alert_id']}", "dim")))
        parts = ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in alert["severity_parts"].items())
        console.print(Text(f"   severity from {parts}; score {alert['score']:.3g}", "dim"))
        _lines(console, alert["evidence"], alert.get("code") or [])
    more = count - len(shown)
    if more > 0:
        console.print(f"… and {more:,} more.")


def _lines(console: Console, evidence: list[dict[str, Any]], code: list[dict[str, Any]]) -> None:
    """Each line once, with all that was found about it."""
    from rich.text import Text

    from logradar.core.plain_reasons import of_one_line
    from logradar.core.stack_trace import essence

    by_line: dict[Any, list[dict[str, Any]]] = {}
    for found in evidence:
        by_line.setdefault(found["record_id"], []).append(found)
    for group in by_line.values():
        one = group[0]
        place = f"{one['source']}:{one['line']}" if one["source"] else "(no line)"
        first, *rest = essence(one["body"] or "")
        console.print(Text.assemble(("   " + place, "dim"), f" {_facts(one)}", clipped(first, WIDTH)))
        for row in rest:
            console.print(Text(f"         {clipped(row, WIDTH)}", "dim"))
        for sentence in filter(None, of_one_line([found["reason"] for found in group])):
            console.print(Text(f"      ← {sentence}", "yellow"))
        for there in code:
            if there["record_id"] == one["record_id"]:
                console.print(Text(f"      code: {in_code(there)}", "cyan"))
        for found in group:
            for item in found["expected"][:_EXPECTED]:
                template = clipped(item["template"].partition("\n")[0].replace("<*>", "…"), WIDTH)
                console.print(Text(f"      expected here ({item['probability']:.0%}): {template}", "dim"))


def in_code(place: dict[str, Any]) -> str:
    """A place in the source code, with its function and the text of its line."""
    inside = f" in {place['function']}" if place["function"] else ""
    note = f" ({place['note']})" if place["note"] else ""
    return clipped(f"{place['path']}:{place['line']}{inside}{note}: {place['text']}", WIDTH)


def _facts(one: dict[str, Any]) -> str:
    """Time of day, level and service of a line, as far as it has them."""
    from logradar.core.formatting import level_word

    clock = str(one["timestamp"])[11:19] if one["timestamp"] else ""
    parts = [part for part in (clock, level_word(one["level"]), one["service"]) if part]
    return f"{' '.join(parts)}: " if parts else ""
