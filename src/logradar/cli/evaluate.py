"""`logradar evaluate`: measure a bundle on labelled logs, or without labels how it predicts events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    bundle: options.Bundle,
    input_: options.Input,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="A folder for figures, scores and report.")
    ] = None,
    pictures: options.Pictures = None,
    threshold: options.ThresholdValue = None,
    alerts_per_day: options.AlertsPerDay = None,
    target_precision: options.Precision = None,
    held_out: options.HeldOut = False,
    allow_overlap: options.AllowOverlap = False,
    checkpoint: options.Checkpoint = None,
    data_dir: options.DataDir = None,
    labels: options.Labels = None,
    session_key: options.SessionKey = None,
    source: options.Source = None,
    format_: options.Format = None,
    limit_files: options.LimitFiles = None,
    since: options.Since = None,
    until: options.Until = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure a bundle on labelled logs: all its detectors side by side, with an audit.

    Without labels it is measured how well its networks predict events, and how the scores lie.
    """
    from logradar.cli import show
    from logradar.core.files import no_half_folder
    from logradar.core.progress import quiet as be_quiet
    from logradar.pipeline.evaluate import evaluate
    from logradar.reporting.canvas import require_drawing
    from logradar.reporting.evaluation_page import write_report

    be_quiet(quiet)
    if pictures:
        require_drawing()
    given = options.input_values(data_dir, labels, session_key, source, format_, limit_files, since, until)
    result = evaluate(
        bundle,
        input_,
        given=given,
        threshold=threshold,
        alerts_per_day=alerts_per_day,
        held_out=held_out,
        checkpoint=checkpoint,
        allow_overlap=allow_overlap,
        precision=target_precision,
        outputs=[output, pictures],
    )
    with no_half_folder(output), no_half_folder(pictures):
        if output:
            result.write(output)
            write_report(output)
        drawn = result.draw(pictures) if pictures else []
    show.document(result.document) if json else show.evaluation(result.document, output, drawn)
