"""`logradar compare`: several bundles on one input, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="BUNDLE... INPUT", help="Folders that `logradar train` wrote, then the input.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PAGE|DIR", help="A .html page, or a folder for page, JSON and scores."),
    ] = None,
    detector: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Compare only this detector; can be given several times.")
    ] = None,
    held_out: options.HeldOut = False,
    allow_overlap: options.AllowOverlap = False,
    data_dir: options.DataDir = None,
    labels: options.Labels = None,
    no_labels: options.NoLabels = False,
    session_key: options.SessionKey = None,
    source: options.Source = None,
    format_: options.Format = None,
    limit_files: options.LimitFiles = None,
    since: options.Since = None,
    until: options.Until = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare bundles and their detectors on one input: figures, agreement, and which differences are significant."""
    from logradar.cli.show.comparison import comparison, document
    from logradar.core.files import no_half_folder
    from logradar.core.progress import quiet as be_quiet
    from logradar.pipeline.compare import compare

    be_quiet(quiet)
    given = options.input_values(data_dir, labels, session_key, source, format_, limit_files, since, until, no_labels)
    bundles, spec = options.bundles_and_input(places)
    result = compare(
        bundles,
        spec,
        given=given,
        only=detector or (),
        held_out=held_out,
        allow_overlap=allow_overlap,
        output=output,
    )
    with no_half_folder(output):
        page = result.write(output) if output else None
    document(result.document) if json else comparison(result.document, page)
