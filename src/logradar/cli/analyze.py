"""`logradar analyze`: what a file of results holds."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS",
            help="Alerts (.json, .parquet, .csv) or RADAR's result JSON that `logradar detect -o` wrote.",
            show_default=False,
        ),
    ],
    threshold: Annotated[
        float | None, typer.Option("--threshold", metavar="X", help="Anomalous is what scores above X.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Say how high scores are, what share is anomalous, and in which services."""
    from logradar.cli import show
    from logradar.cli.show.analysis import analysis
    from logradar.core.errors import ConfigError
    from logradar.evaluation.analysis import analyze

    if threshold is not None and not isfinite(threshold):
        raise ConfigError(f"A threshold is a number that scores are compared with, not {threshold:g}.")
    facts = analyze(results, threshold)
    show.document(facts) if json else analysis(facts)
