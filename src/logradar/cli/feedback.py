"""`logradar feedback`: say which alerts were false alarms, and which were real."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    bundle: options.Bundle,
    alerts: Annotated[
        Path | None, typer.Argument(metavar="[ALERTS]", help="A file that `logradar detect -o` wrote.")
    ] = None,
    false_alarm: Annotated[
        list[str] | None,
        typer.Option("--false-alarm", metavar="ID", help="Id of an alert or its session; can be repeated."),
    ] = None,
    all_of: Annotated[
        list[str] | None,
        typer.Option("--all-of", metavar="ID", help="The same for all alerts of the kind of this one."),
    ] = None,
    normal_since: Annotated[
        str | None,
        typer.Option(
            "--normal-since",
            metavar="TIME",
            help="The same for all alerts that began at or after this time (a deploy).",
        ),
    ] = None,
    anomaly: Annotated[
        list[str] | None,
        typer.Option("--anomaly", metavar="ID", help="This alert is real: nothing like it is ever suppressed."),
    ] = None,
    undo: Annotated[
        list[str] | None,
        typer.Option(
            "--undo", metavar="ID", help="Take back what was said of this alert, or all-of:ID, or normal-since:TIME."
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only print what was said.")] = False,
    json: options.Json = False,
) -> None:
    """Mark alerts as false alarms or as real: the bundle follows it from now on, without a new training."""
    from logradar.cli import show
    from logradar.core.errors import InputError
    from logradar.pipeline.feedback import Verdicts, give_feedback

    verdicts = Verdicts(
        tuple(false_alarm or ()), tuple(all_of or ()), _moment(normal_since), tuple(anomaly or ()), tuple(undo or ())
    )
    if list_ and (alerts or verdicts != Verdicts()):
        raise InputError("--list only prints; give it alone.")
    result = give_feedback(bundle, alerts, verdicts)
    show.document(result) if json else show.feedback(result)


def _moment(text: str | None) -> datetime | None:
    """A time in ISO 8601; without a zone it is UTC, as alerts are printed."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        from logradar.core.errors import InputError

        raise InputError(
            f"'{text}' is no time; write it as 2026-03-02T10:00:00 (UTC) or with a zone, +02:00."
        ) from None
