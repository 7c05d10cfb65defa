"""`logradar simulate`: labelled logs from services that really log."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


class Kind(StrEnum):
    """What is written."""

    LINES = "lines"
    RADAR_JSON = "radar-json"


def command(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to write.")],
    overrides: options.Overrides = None,
    kind: Annotated[Kind, typer.Option("--format", help="Raw logs (lines), or day files (radar-json).")] = Kind.LINES,
    days: Annotated[float, typer.Option(metavar="N", help="Days to simulate.")] = 1.0,
    size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Grow to that size, as 10GB: all raw logs, or each day file.")
    ] = None,
    faults: Annotated[str, typer.Option(metavar="NAMES", help="all, none, or names with commas.")] = "all",
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed, another day.")] = 1,
    json: options.Json = False,
) -> None:
    """Simulate a small shop of microservices and write its logs with true labels."""
    from logradar.cli import show
    from logradar.core.config import load_config
    from logradar.simulation.formats import FORMATS

    settings_of, simulate = FORMATS[kind]
    given = {"days": days, "faults": faults, "seed": seed} | ({"size": size} if size else {})
    result = simulate(output, settings=load_config(settings_of, None, overrides or (), given))
    show.document(result.to_json()) if json else print(result.sentence())
