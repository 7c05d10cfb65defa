"""Changes of rates, as ``detect`` prints them."""

from __future__ import annotations

from typing import Any

from logradar.cli.show.plain import clipped

_MOST = 20  # changes that are printed


def rate_changes(rows: list[dict[str, Any]], most: int = _MOST) -> None:
    """What comes more or less often than in training: the kind, what, since when, how often, and an example."""
    from rich.console import Console
    from rich.text import Text

    from logradar.core.formatting import moment

    if not rows:
        return
    console = Console(soft_wrap=True)
    console.print(f"{len(rows):,} change{'s' * (len(rows) != 1)} of rates:")
    for row in rows[:most]:
        what = f" · «{clipped(row['template'], 100)}»" if row["template"] else " · all its records"
        head = f"{row['kind']} · {row['service'] or 'no service'}{what}"
        when = f" · {moment(row['started_at'])} to {moment(row['last_at'])} · id {row['change_id']}"
        console.print(Text.assemble((head, "bold"), (when, "dim")))
        console.print(Text("      ← " + row["reason"], "yellow"))
        if row["body"]:
            place = f"{row['source']}:{row['line']}"
            console.print(Text.assemble(("   " + place, "dim"), " " + clipped(row["body"].partition("\n")[0], 160)))
    if len(rows) > most:
        console.print(f"… and {len(rows) - most:,} more.")


def step_lines(rows: list[dict[str, Any]]) -> list[str]:
    """RATE_CHANGES of a step of a stream, one line each."""
    lines = []
    for row in rows:
        what = row["template"] or "all its records"
        when = row["started_at"].isoformat(sep=" ", timespec="seconds")
        lines.append(
            f"{when}  {row['kind']:8}  {row['change_id']}  {clipped(str(row['service'] or 'no service'), 24)}  "
            f"{clipped(what, 48)}  {clipped(row['reason'], 160)}"
        )
    return lines
