"""What ``compare`` prints for people: one table, significant differences, and the path of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from logradar.cli.show import document
from logradar.cli.show.plain import in_plain_text

__all__ = ["comparison", "document"]
_HEADS = {  # so that a table fits a narrow terminal
    "false alarms a day": "false/d",
    "precision": "prec.",
    "ROC-AUC": "ROC",
    "PR-AUC": "PR",
    "alerts a day": "a day",
    "median score": "median",
    "99th percentile": "p99",
    "highest score": "max",
    "threshold": "limit",
    "seconds": "s",
}


@in_plain_text
def comparison(result: dict[str, Any], page: Path | None) -> None:
    """All detectors side by side, the pairs with the best one, and what the audit says."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from logradar.reporting.comparison_summary import against_best, headline, table

    columns, rows = table(result)
    shown = Table(title=escape(result["title"]), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown.add_column("detector", overflow="fold", min_width=14)
    for column in columns:
        shown.add_column(_HEADS.get(column.title, column.title), justify="right", no_wrap=True)
    for row in rows:
        cells = [f"[green]{_plain(text)}[/green]" if best else _plain(text) for text, best, _ in row.cells]
        shown.add_row(escape(row.name), *cells, style="bold" if row.main else "")
    console = Console(soft_wrap=True)
    Console().print(shown)
    console.print(headline(result), markup=False, highlight=False)
    for pair in against_best(result):
        open_ = "; chance alone may explain it" if pair["verdict"] == "open" else ""
        console.print(
            f"- {next(iter(result['detectors']))} against {pair['name']}: F1 {_signed(pair['difference'])} "
            f"({_signed(pair['low'])} to {_signed(pair['high'])}){open_}",
            markup=False,
            highlight=False,
        )
    for name, other in result["same_as"].items():
        console.print(f"- {name} scores every session as {other} does", markup=False, highlight=False)
    for sentence, names in _notes(result["bundles"]).items():
        of = "" if len(names) == len(result["bundles"]) else f"{', '.join(names)}: "
        console.print(f"- {of}{sentence}", markup=False, highlight=False)
    if page:
        print(f"Page: {page}")


def _notes(bundles: dict[str, Any]) -> dict[str, list[str]]:
    """Each note of the audits, with the bundles that it is about."""
    notes: dict[str, list[str]] = {}
    for name, one in bundles.items():
        for note in one["audit"]["notes"]:
            notes.setdefault(note, []).append(name)
    return notes


def _plain(text: str) -> str:
    return text.removesuffix(" %") + "%" if text.endswith(" %") else text


def _signed(difference: float) -> str:
    """A difference with its sign; one that rounds to zero has a plus."""
    return f"{round(difference, 3) + 0.0:+.3f}"
