"""The page of a difference: one HTML file from the document of `logradar diff`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from logradar.core.formatting import number
from logradar.reporting import difference_summary as summary
from logradar.reporting.alert_list import clip
from logradar.reporting.html import fill, write


def write_difference(document: Mapping[str, Any], path: Path) -> Path:
    """Write the page and return its path."""
    return write(render(document), path)


def render(document: Mapping[str, Any]) -> str:
    """The page of a difference (docs/reference-json.md, "diff") as text."""
    runs = document["mode"] == "runs"
    title = document["bad"]["input"]
    return fill(
        "diff.html",
        facts=document,
        title=title.replace("\\", "/").rpartition("/")[2] or title,
        headline=summary.headline(document),
        lead=summary.lead(document, brief=True),
        cards=_cards(document) if runs else [],
        changes=document.get("changes", []),
        lines=summary.in_order(document.get("lines", [])),
        best=document.get("lines", [])[: summary.MARKED],
        marked=summary.MARKED,
        why=summary.why,
        trace=summary.trace,
        place=summary.place,
        short=lambda source: summary.short(source, document),
        clip=clip,
        tone={"new": "critical", "more": "high", "less": "medium", "gone": "medium"},
    )


def _cards(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    counts = document["counts"]
    notes = {
        "new": "kinds that no good run has",
        "gone": "kinds that every good run has, and the bad one has not",
        "more": "kinds that came more often",
        "less": "kinds that came less often",
    }
    cards = [(what, number(counts[what]), note) for what, note in notes.items()]
    return [*cards, ("unusualness", number(round(document["unusualness"], 1)), "the sum of all scores")]
