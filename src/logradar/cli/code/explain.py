"""`logradar code explain`: which code wrote a line or the lines of an alert, and what is around it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="ALERT | LINE", help="The id of an alert, a log line, or - for stdin.", show_default=False
        ),
    ],
    code: Annotated[
        Path, typer.Option("--code", metavar="INDEX", help="A folder that `logradar code index` wrote.")
    ] = Path("code-index"),
    alerts: Annotated[
        Path | None,
        typer.Option(
            "--alerts", metavar="FILE", help="The alerts (.json or .parquet of `detect -o`) that ALERT is one of."
        ),
    ] = None,
    model_url: Annotated[
        str | None,
        typer.Option(
            "--model-url",
            metavar="URL",
            help="Ask a language model for words too (OpenAI-compatible: http://127.0.0.1:11434/v1); its key, if it "
            "has one, is LOGRADAR_MODEL_KEY. What is sent is redacted.",
        ),
    ] = None,
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The name of that model.")] = "default",
    sentences: Annotated[
        Path | None,
        typer.Option("--sentences", metavar="DIR", help="A folder with a sentence model, for guesses by meaning too."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Say where a line comes from, what happens before it, who calls it and what changed, with file and line."""
    from logradar.cli import show
    from logradar.cli.show.code import explained
    from logradar.pipeline.code_explain import Helpers, explain

    found = explain(code, what, alerts=alerts, helpers=Helpers(model_url, model, sentences))
    show.document(found) if json else explained(found)
