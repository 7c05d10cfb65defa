"""`logradar feedback`: alerts that were false alarms stay silent."""

from __future__ import annotations

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
        list[str] | None, typer.Option("--false-alarm", metavar="ID", help="An alert, or its session; may be repeated.")
    ] = None,
    undo: Annotated[
        list[str] | None,
        typer.Option("--undo", metavar="ID", help="Take feedback on this alert back; may be repeated."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only print what was accepted so far.")] = False,
    json: options.Json = False,
) -> None:
    """Tell a bundle which alerts were false alarms: the same finding stays silent, without training again."""
    from logradar.cli import show
    from logradar.core.errors import InputError
    from logradar.pipeline.feedback import give_feedback

    if list_ and (alerts or false_alarm or undo):
        raise InputError("--list only prints; give it alone.")
    result = give_feedback(bundle, alerts, false_alarms=false_alarm or (), undo=undo or ())
    show.document(result) if json else show.feedback(result)
