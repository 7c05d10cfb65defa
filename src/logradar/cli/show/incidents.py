"""What ``detect`` prints of incidents: each in a few lines, and one line when one begins, grows much or is over."""

from __future__ import annotations

from typing import Any

from logradar.cli.show.evidence import in_code
from logradar.cli.show.plain import clipped, in_plain_text

MOST = 10  # incidents
_RATES = 2  # rate changes of each
_PLACES = 2  # in the source code
_WIDTH = 160


@in_plain_text
def incidents(found: list[dict[str, Any]], changes: list[dict[str, Any]], raised: int) -> None:
    """The first of the incidents ``found``, each with its rate changes; ``raised`` alerts there are in all."""
    from rich.console import Console
    from rich.text import Text

    from logradar.core.rate_words import in_words, telling
    from logradar.core.tables import NO_SERVICE

    console = Console(soft_wrap=True)
    if not found:
        return
    change_of = {row["change_id"]: row for row in changes}
    for rank, one in enumerate(found[:MOST], 1):
        console.print(Text(f"{rank}. {one['severity']} · {clipped(one['title'], _WIDTH)}", "bold"))
        console.print(f"   {_when(one)} · {_how_many(one)}{_services(one)} · id {one['incident_id']}", style="dim")
        if (line := one["evidence"]) is not None and line["body"]:
            place = f"{line['source']}:{line['line']} " if line["source"] else ""
            body = clipped(line["body"].partition("\n")[0], _WIDTH)
            label = "first line" if line["record_id"] is not None else "last of these in training"
            console.print(Text.assemble(f"   {label}: ", (place, "dim"), body))
        for there in (one.get("code") or [])[:_PLACES]:
            console.print(Text(f"   code: {in_code(there)}", "cyan"))
        rates = telling((change_of[id_] for id_ in one["rate_change_ids"] if id_ in change_of), one)
        for row in rates[:_RATES]:
            console.print(Text(f"   rate: {clipped(in_words(row), _WIDTH)}", "yellow"))
        if (more := len(rates) - _RATES) > 0:
            console.print(f"   … and {more:,} more of its rate changes", style="dim")
        known = [there for there in one["candidates"] if there["service"] != NO_SERVICE]
        if places := [f"{there['service']} ({there['reason']})" for there in known[:2]]:
            console.print(Text(f"   look at: {', then '.join(places)}", "yellow"))
        if one["again_of"]:
            console.print(f"   the same kind as incident {one['again_of']}", style="dim")
    if len(found) > MOST:
        console.print(f"… and {len(found) - MOST:,} more.")
    still = sum(one["status"] == "open" for one in found)
    parts = [f"{len(found):,} incident{'s' * (len(found) != 1)}"]
    if still:
        parts.append(f"{still:,} still open")
    if (alone := raised - sum(one["alerts"] for one in found)) > 0:
        parts.append(f"{alone:,} alert{'s' * (alone != 1)} in none of them")
    console.print(f"{', '.join(parts)}.\n")


def changed(one: dict[str, Any]) -> str:
    """An incident as one line of a stream: when, what became of it, which, how many alerts, and its title."""
    from logradar.core.formatting import NO_TIME

    moment = one["last_at"].isoformat(sep=" ", timespec="seconds") if one["last_at"] else NO_TIME
    became = f"part of {one['merged_into']}" if one["merged_into"] else one["status"]
    if one["status"] == "merged" and not one["merged_into"]:
        return f"{moment}  incident {one['incident_id']} is none: its session ended as normal ones do"
    return (
        f"{moment}  incident {one['incident_id']} is {became}  {one['severity']}  {_how_many(one)}  "
        f"{clipped(one['title'], 120)}"
    )


def _when(one: dict[str, Any]) -> str:
    from logradar.core.formatting import NO_TIME, moment

    if not one["started_at"]:
        return NO_TIME
    begin, end = moment(one["started_at"]), moment(one["last_at"])
    end = end.partition(" ")[2] if begin[:10] == end[:10] else end
    state = "still open" if one["status"] == "open" else "over"
    return f"{begin.removesuffix(' UTC')} to {end}, {state}"


def _how_many(one: dict[str, Any]) -> str:
    from logradar.core.formatting import counted

    parts = [counted(one["alerts"], "alert")] if one["alerts"] else []
    parts += [counted(one["rate_changes"], "rate change")] if one["rate_changes"] else []
    return ", ".join(parts)


def _services(one: dict[str, Any]) -> str:
    named = one["services"][:4]
    more = f" and {len(one['services']) - 4} more" if len(one["services"]) > 4 else ""
    return f" · {', '.join(named)}{more}" if named else ""
