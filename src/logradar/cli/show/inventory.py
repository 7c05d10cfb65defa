"""The inventory of an input in the terminal: its figures and faults, on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from logradar.cli.show.plain import clipped, in_plain_text

if TYPE_CHECKING:
    from rich.console import Console

SERVICES: Final = 8  # rows; the page and the JSON document have all of them
FAULTS: Final = 8
COLUMNS: Final = 48  # letters of a sparkline
_BARS: Final = "▁▂▃▄▅▆▇█"


@in_plain_text
def inventory(facts: Mapping[str, Any], page: Path | None) -> None:
    """Print an inventory; ``page`` is the file with the whole of it, None where none was written."""
    from rich.console import Console
    from rich.markup import escape

    from logradar.reporting.inventory_page import headline, lead
    from logradar.reporting.inventory_summary import remarks

    console = Console(highlight=False)
    console.print(f"[bold]{_safe(facts['input'])}[/bold] [dim]{_safe(facts['source'])}[/dim]", soft_wrap=True)
    console.print(escape(f"{headline(facts)} {' '.join(lead(facts))}"))
    _figures(console, facts)
    _services(console, facts["by_service"])
    _faults(console, facts["fault_kinds"])
    if facts["fault_kinds"]:
        console.print("Faults are pieces of the input that could not be read well; anomalies are found by `detect`.")
    for remark in remarks(facts):
        console.print(f"- {_safe(remark)}")
    if page:
        console.print(f"Page: {_safe(str(page))}", soft_wrap=True)


def _figures(console: Console, facts: Mapping[str, Any]) -> None:
    from rich.table import Table

    from logradar.core.formatting import counted, percent
    from logradar.reporting.inventory_page import cards, levels

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, justify="right")
    table.add_column()
    notes = {title: note for title, _, note in cards(facts)}
    for title, value, _ in cards(facts):
        table.add_row(title, value, notes[title], style="yellow" if title == "faults" and value != "0" else "")
    days = [row for row in facts["by_day"] if row["sessions"]]
    if len(days) > 1:
        table.add_row("sessions a day", "", f"{spark([row['sessions'] for row in days])}  {counted(len(days), 'day')}")
    counts = levels(facts)
    if [name for name, _ in counts] not in ([], ["none"]):
        whole = sum(count for _, count in counts)
        table.add_row("levels", "", ", ".join(f"{name} {percent(count / whole)}" for name, count in counts))
    labels = facts["labels"]
    if labels["normal"] + labels["anomalous"]:
        table.add_row("labels", "", ", ".join(f"{count:,} {name}" for name, count in labels.items() if count))
    if facts["session_key"]:
        table.add_row("session key", "", _safe(facts["session_key"]))
    console.print(table)


def _services(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from logradar.core.formatting import number, percent
    from logradar.core.tables import NO_SERVICE

    if not rows or (len(rows) == 1 and rows[0]["service"] == NO_SERVICE):
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("service", overflow="fold", max_width=40)
    for head in ("sessions", "records", "with errors", "with warnings"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows[:SERVICES]:
        shares = (percent(row["error_share"]), percent(row["warn_share"]))
        table.add_row(_safe(row["service"], 80), number(row["sessions"]), number(row["records"]), *shares)
    if len(rows) > SERVICES:
        table.add_row(f"[dim]… and {len(rows) - SERVICES:,} more[/dim]")
    console.print(table)


def _faults(console: Console, kinds: Sequence[Mapping[str, Any]]) -> None:
    from rich.text import Text

    for kind in kinds[:FAULTS]:
        verdict = "kept" if kind["kept"] else "lost"
        console.print(Text.assemble((f"{kind['count']:,} × ", "bold"), kind["reason"], (f" ({verdict})", "dim")))
        for example in kind["examples"][:1]:
            place = f", line {example['line']}" if example.get("line") else ""
            if not place and example.get("offset") is not None:
                place = f", byte {example['offset']}"
            where = clipped(f"{example['source']}{place}", 120)
            console.print(
                Text.assemble(("    " + where + "  ", "cyan"), (clipped(example["text"], 90), "dim")),
                no_wrap=True,
                overflow="ellipsis",
            )
    if len(kinds) > FAULTS:
        console.print(f"… and {len(kinds) - FAULTS:,} more kinds of faults.")


def spark(values: Sequence[float], columns: int = COLUMNS) -> str:
    """Values as a row of small bars, several in one where there are more than ``columns``."""
    step = -(-len(values) // columns)
    parts = [values[start : start + step] for start in range(0, len(values), step)]
    means = [sum(part) / len(part) for part in parts]
    top = max(means) or 1
    return "".join(_BARS[min(int(mean / top * len(_BARS)), len(_BARS) - 1)] for mean in means)


def _safe(text: str, width: int = 400) -> str:
    from rich.markup import escape

    return escape(clipped(text, width))
