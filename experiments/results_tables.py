"""Cells and tables of docs/results.md."""

from __future__ import annotations


def spread(values: list[float | None]) -> str:
    """The mean, with least and most where they differ."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    digits = 1 if max(known) >= 10 else 3
    mean = f"{sum(known) / len(known):.{digits}f}"
    low, high = (f"{limit:.{digits}f}" for limit in (min(known), max(known)))
    return mean if low == high else f"{mean} ({low}–{high})"


def average(values: list[float | None]) -> str:
    """The mean alone; a dash without a value."""
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if known else "–"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
