"""`logradar report`: the page of an evaluated run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `logradar evaluate -o` wrote.")],
) -> None:
    """Write the HTML report of a run again, as one file that needs no network."""
    from logradar.reporting.evaluation_page import write_report

    print(write_report(run))
