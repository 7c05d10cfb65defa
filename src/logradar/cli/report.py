"""`logradar report`: the page of an evaluated run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A folder that `logradar evaluate -o` wrote, or a bundle.")
    ],
    pictures: options.Pictures = None,
    redact: Annotated[
        bool,
        typer.Option(
            "--redact", help="Mask e-mail addresses, secrets and addresses, for sharing: report-redacted.html."
        ),
    ] = False,
) -> None:
    """Write the HTML report of a run again, as one file that needs no network."""
    from logradar.core.filenames import readable
    from logradar.core.outputs import require_output
    from logradar.reporting.evaluation_page import write_report
    from logradar.reporting.figures import write_pictures
    from logradar.reporting.run_folder import Run

    require_output(pictures)
    print(readable(str(write_report(run, redact=redact))))
    for path in write_pictures(Run.read(run), pictures) if pictures else []:
        print(readable(str(path)))
