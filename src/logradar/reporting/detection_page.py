"""The page of a detection: its incidents on a time line, each as a story, then the alerts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from logradar.core.formatting import counted, joined, number, real
from logradar.core.tables import SEVERITIES
from logradar.reporting.alert_list import top
from logradar.reporting.figures import placed
from logradar.reporting.html import fill, write
from logradar.reporting.incident_list import stories
from logradar.reporting.incident_plots import incident_timeline

TIMELINE = (
    "A bar from the first unusual line to the last alert of each incident, in the colour of its severity; pale where "
    "it is over. The number behind it is that of its alerts; 'rate' where only a rate changed."
)


def write_detection(document: Mapping[str, Any], title: str, raised: int, path: Path) -> Path:
    """Write the page of a document of ``detect --json`` to ``path``; ``raised`` alerts there were in all."""
    return write(render(document, title, raised), path)


def render(document: Mapping[str, Any], title: str, raised: int) -> str:
    """The page as text."""
    incidents = document["incidents"]
    listed = stories(incidents, changes=document.get("rate_changes") or ())
    entries = top(document["alerts"])
    return fill(
        "detection.html",
        facts={},
        title=title,
        headline=headline(incidents, raised),
        lead=lead(document, raised),
        cards=[],
        notes=notes(document),
        stories=listed,
        unlisted=len(incidents) - len(listed),
        pictures=placed([(incident_timeline(incidents), TIMELINE, True)]),
        entries=entries,
        raised=raised,
    )


def headline(incidents: list[Mapping[str, Any]], raised: int) -> str:
    """The result in one sentence."""
    if not incidents:
        return f"No incident, {counted(raised, 'alert')}" if raised else "Nothing unusual was found"
    still = sum(one.get("status") == "open" for one in incidents)
    state = f", {still} of them still open" if still and len(incidents) > 1 else ", still open" if still else ""
    return f"{counted(len(incidents), 'incident')}{state}"


def lead(document: Mapping[str, Any], raised: int) -> list[str]:
    """What was read, and how severe the incidents are."""
    incidents, changes = document["incidents"], document.get("rate_changes") or ()
    counts = {name: sum(one.get("severity") == name for one in incidents) for name in SEVERITIES[::-1]}
    severe = joined(f"{count} {name}" for name, count in counts.items() if count)
    alone = max(0, raised - sum(int(one["alerts"]) for one in incidents if real(one.get("alerts"))))
    rates = f" and {counted(len(changes), 'rate change')}" if changes else ""
    found = [
        f"{counted(raised, 'alert')}{rates} in {counted(document['sessions'], 'session')} of "
        f"{counted(document['records'], 'record')}."
    ]
    if severe:
        found.append(f"By severity the incidents are {severe}.")
    if alone:
        found.append(f"{counted(alone, 'alert')} {'is' if alone == 1 else 'are'} in no incident.")
    return found


def notes(document: Mapping[str, Any]) -> list[str]:
    """What a reader should know of the threshold and the input."""
    drift = document.get("drift") or {}
    found = list(document.get("notes") or [])
    if drift and not drift.get("trusted", True):
        found.append("This input is not like the validation part, so the threshold cannot be trusted.")
        found += drift.get("warnings", [])
    if document.get("quarantined"):
        found.append(f"{number(document['quarantined'])} pieces of the input could not be read.")
    return found
