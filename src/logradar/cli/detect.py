"""`logradar detect`: alerts for new logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    bundle: options.Bundle,
    input_: options.OptionalInput = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Incidents and alerts as .html or .json, or alerts as .parquet or .csv.",
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Format of the output: html, json, parquet or csv, or radar-json: the score of every session.",
        ),
    ] = None,
    threshold: options.ThresholdValue = None,
    alerts_per_day: options.AlertsPerDay = None,
    target_precision: options.Precision = None,
    top: Annotated[int, typer.Option(metavar="N", min=0, help="Number of alerts to print.")] = 10,
    fail_on_alert: Annotated[
        bool, typer.Option("--fail-on-alert", help="Exit with 3 when there are alerts or changes of rates.")
    ] = False,
    checkpoint: options.Checkpoint = None,
    data_dir: options.DataDir = None,
    session_key: options.SessionKey = None,
    source: options.Source = None,
    input_format: options.InputFormat = None,
    limit_files: options.LimitFiles = None,
    since: options.Since = None,
    until: options.Until = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="DIR",
            help="Folder for sessions that are not over when stdin ends; the next call goes on with them.",
        ),
    ] = None,
    incidents: Annotated[
        Path | None,
        typer.Option("--incidents", metavar="FILE", help="Incidents alone, as .json, .parquet or .csv."),
    ] = None,
    resolve_after: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            help="An incident is over after so many minutes without a further alert; else as the bundle says.",
        ),
    ] = None,
    follow: Annotated[
        Path | None,
        typer.Option("--follow", metavar="FILE", help="Read a file while it grows, through rotation, until Ctrl-C."),
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="With --follow: all of the file, not its last 10 lines.")
    ] = False,
    webhook: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Send new and changed incidents and alerts there as JSON; LOGRADAR_WEBHOOK_SECRET signs them.",
        ),
    ] = None,
    redact: options.Redact = None,
    code: options.CodeIndex = None,
    engine: options.Engine = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score new logs with a bundle; print incidents, and the alerts in them with the lines that show why.

    Lines are scored as they arrive: logradar detect BUNDLE --follow app.log, or of stdin with INPUT -
    """
    from logradar.alerting.files import document_pieces
    from logradar.cli import show
    from logradar.cli.show.following import Following
    from logradar.core.errors import ConfigError
    from logradar.core.progress import quiet as be_quiet
    from logradar.pipeline.detect import Follow, Wish, detect_into
    from logradar.pipeline.detection.outlets import Sharing

    be_quiet(quiet)
    if follow and input_ is not None:
        raise ConfigError(f"--follow names the input, '{follow}'; leave out '{input_}'.")
    if from_start and not follow:
        raise ConfigError("--from-start is about a file that is followed; name it with --follow.")
    given = options.input_values(data_dir, None, session_key, source, input_format, limit_files, since, until)
    wish = Wish(threshold, alerts_per_day, target_precision)
    what = Follow(follow, from_start) if follow else _one(input_)
    elsewhere = None
    if engine is not None:
        from logradar.engines.spark.detection import detection_on

        elsewhere = detection_on(engine, bundle, what, checkpoint=checkpoint)
    on_step = None if json else Following().step
    found = detect_into(
        output,
        format_,
        bundle,
        what,
        given=given,
        wish=wish,
        on_step=on_step,
        state=state,
        checkpoint=checkpoint,
        quiet_minutes=resolve_after,
        incidents=incidents,
        sharing=Sharing(webhook, redact, code=code),
        engine=elsewhere,
    )
    if json:
        show.pieces(document_pieces(found.document(), found.alerts))
    else:
        show.detection(found.to_json(top), len(found.alerts))
    if fail_on_alert and (found.alerts.num_rows or found.rate_changes.num_rows):
        raise typer.Exit(3)


def _one(input_: str | None) -> str:
    if input_ is None:
        from logradar.core.errors import ConfigError

        raise ConfigError("There is no input: logradar detect BUNDLE INPUT, or --follow FILE for a file that grows.")
    return input_
