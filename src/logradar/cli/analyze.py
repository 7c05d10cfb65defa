"""`logradar analyze`: figures about a file of results."""

from __future__ import annotations

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
    threshold: options.ThresholdValue = None,
    json: options.Json = False,
) -> None:
    """Print how high the scores are, which share is anomalous, and in which services."""
    from logradar.cli import show
    from logradar.cli.show.analysis import analysis
    from logradar.evaluation.result_analysis import analyze

    facts = analyze(results, threshold)
    show.document(facts) if json else analysis(facts)
