"""`logradar train`: learn normal logs and write a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    context: typer.Context,
    input_: options.Input,
    overrides: options.Overrides = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="BUNDLE", help="The bundle to write.")] = ...,  # type: ignore[assignment]
    detector: Annotated[str | None, typer.Option(metavar="NAME", help="The detector that raises alerts.")] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="BUNDLE", help="Continue from this bundle with newer normal logs, without forgetting."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a training that was interrupted.")] = False,
    config: options.ConfigFile = None,
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
    """Learn what is normal in an input and write a bundle that `logradar detect` uses."""
    from logradar.cli import show
    from logradar.core.errors import ConfigError
    from logradar.core.progress import quiet as be_quiet
    from logradar.model.provenance import Invocation
    from logradar.model.settings import run_settings
    from logradar.pipeline.continue_training import continue_training
    from logradar.pipeline.train import train
    from logradar.training.processes import first

    be_quiet(quiet or not first())
    if from_ and resume:
        raise ConfigError("--resume continues an interrupted training, --from a finished bundle; give one of them.")
    given = options.input_values(data_dir, labels, session_key, source, format_, limit_files, since, until, no_labels)
    given |= {"detector": detector} if detector else {}
    settings = run_settings(config, overrides, given)
    started = Invocation.of(options.as_text(context), config)
    if from_:
        result = continue_training(from_, input_, output, settings, started=started)
    else:
        result = train(input_, output, settings, resume=resume, started=started)
    if first():
        show.document(result.figures) if json else show.trained(output, result.figures)
