"""What ``diff`` prints for people: a sentence, the sides, and the first changes or lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from logradar.cli.show import document
from logradar.cli.show.plain import clipped, in_plain_text

__all__ = ["difference", "document"]
_WIDTH = 160
_COLOUR = {"new": "red", "more": "yellow", "less": "cyan", "gone": "cyan"}


@in_plain_text
def difference(result: dict[str, Any], most: int, page: Path | None) -> None:
    """The first ``most`` changes, or lines in the order of the log."""
    from rich.console import Console
    from rich.text import Text

    from logradar.core.formatting import counted
    from logradar.reporting.difference_summary import MARKED, headline, in_order, lead, place, short, trace, why

    console = Console(soft_wrap=True)
    console.print(Text(headline(result, most), "bold"))
    for sentence in lead(result):
        console.print(Text(sentence, "dim"))
    rows = result.get("changes", [])
    for row in rows[:most]:
        about = (
            f"{row['rank']}. ",
            row["what"],
            f" · {place(row)} · {short(row['source'], result)}:{row['line']} · {why(row)}",
        )
        console.print(Text.assemble((about[0], "bold"), (about[1], _COLOUR[row["what"]]), (about[2], "dim")))
        console.print(Text("   " + clipped(row["text"].partition("\n")[0], _WIDTH)))
        if found := trace(row):
            console.print(Text("      " + clipped(found, _WIDTH), "dim"))
    lines = result.get("lines", [])[:most]
    for row, gap in in_order(lines):
        if gap < 0:
            console.print(Text(short(row["source"], result), "dim"))
        elif gap > 0:
            console.print(Text("   …", "dim"))
        mark = "●" if row["rank"] <= MARKED else " "
        for number, text in enumerate(row["text"].expandtabs(4).split("\n")):
            at = f"{mark} {row['line']:>6} " if not number else " " * 9
            style = "bold" if row["rank"] <= MARKED else ""
            console.print(Text.assemble((at, "dim"), (clipped(text, _WIDTH), style)))
    left = max(_count(result) - most, 0)
    if left and rows:
        console.print(
            f"… and {counted(left, 'more change')}; --top N shows N, --json and -o have up to {len(rows):,} of them."
        )
    if page:
        print(f"Page: {page}")


def _count(result: dict[str, Any]) -> int:
    counts = result.get("counts", {})
    return sum(counts.get(what, 0) for what in ("new", "gone", "more", "less"))
