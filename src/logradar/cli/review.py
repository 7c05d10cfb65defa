"""`logradar review`: the strangest kinds of the training data; a person says which of them are normal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    bundle: options.Bundle,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help='Answers as JSON: {"KIND": "normal", …}, or what --json printed with `answer` filled in.',
        ),
    ] = None,
    normal: Annotated[
        list[str] | None, typer.Option("--normal", metavar="KIND", help="This kind is normal; can be repeated.")
    ] = None,
    anomaly: Annotated[
        list[str] | None, typer.Option("--anomaly", metavar="KIND", help="This kind is an anomaly; can be repeated.")
    ] = None,
    undo: Annotated[
        list[str] | None, typer.Option("--undo", metavar="KIND", help="Take an answer back; can be repeated.")
    ] = None,
    top: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="Number of kinds to show or ask about.")] = 10,
    redact: Annotated[
        bool,
        typer.Option("--redact", help="Mask e-mail addresses, secrets and addresses, for sharing; nothing is asked."),
    ] = False,
    json: options.Json = False,
) -> None:
    """Show the strangest kinds of the sessions that a bundle was trained on, and take answers.

    In a terminal it asks: n for normal, a for anomaly, u for unsure, q to stop. The bundle follows at once, without a
    new training. Only a training without labels can be reviewed.
    """
    from logradar.alerting.review import ANOMALY, NORMAL, Word
    from logradar.cli import show
    from logradar.cli.show.review import asked, reviewed
    from logradar.core.errors import InputError
    from logradar.core.progress import say
    from logradar.pipeline.review import Reviewed, review

    for kind in dict.fromkeys(normal or ()):
        if kind in (anomaly or ()):
            raise InputError(f"The kind '{kind}' is called normal and an anomaly; say one of them.")
    said: list[tuple[str, Word]] = [(kind, NORMAL) for kind in normal or ()]
    words = dict(said + [(kind, ANOMALY) for kind in anomaly or ()])
    given = bool(words or answers or undo)
    terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
    if terminal and not (given or json or redact):
        found = Reviewed(bundle)
        if found.refusal:  # before ten answers are given, not after them
            say(found.refusal)
        else:
            words = asked(found, top)
            given = bool(words)
    document = review(bundle, words=words, answers=answers, undo=undo or (), most=top, redact=redact)
    show.document(document) if json else reviewed(document, given)
