"""`logradar simulate`: labelled logs of simulated services."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options

DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]


class Kind(StrEnum):
    """The format of the simulated logs."""

    LINES = "lines"
    RADAR_JSON = "radar-json"


def command(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to write.")],
    overrides: options.Overrides = None,
    kind: Annotated[
        Kind, typer.Option("--format", help="lines: raw logs; radar-json: RADAR's day files.")
    ] = Kind.LINES,
    days: Annotated[float, typer.Option(metavar="N", help="Days to simulate.")] = 1.0,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Size to reach, such as 10GB: of all raw logs together, or of each day file."
        ),
    ] = None,
    faults: Annotated[
        str, typer.Option(metavar="NAMES", help="all, none, or names of faults, separated by commas.")
    ] = "all",
    start: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            formats=DATES,
            help="When the simulation begins (UTC), as 2026-03-03.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Seed of the random numbers; the same seed writes the same logs.")
    ] = 1,
    json: options.Json = False,
) -> None:
    """Simulate a small shop of microservices and write its logs with true labels."""
    from logradar.cli import show
    from logradar.core.config import load_config
    from logradar.core.filenames import readable
    from logradar.core.files import no_half_folder
    from logradar.simulation.formats import FORMATS

    settings_of, simulate = FORMATS[kind]
    given = {"days": days, "faults": faults, "seed": seed} | ({"size": size} if size else {})
    given |= {"start": start} if start else {}
    settings = load_config(settings_of, None, overrides or (), given)
    with no_half_folder(output):
        result = simulate(output, settings=settings)
    show.document(result.to_json()) if json else print(readable(result.sentence()))
