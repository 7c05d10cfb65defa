"""`logradar train`: learn normal logs and write a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    context: typer.Context,
    input_: options.OptionalInput = None,
    overrides: options.Overrides = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", "--output-dir", metavar="BUNDLE", help="The bundle to write.")
    ] = ...,  # type: ignore[assignment]
    detector: Annotated[str | None, typer.Option(metavar="NAME", help="The detector that raises alerts.")] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="BUNDLE", help="Continue from this bundle with newer normal logs, without forgetting."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", min=1, help="Epochs at most, of every network that trains.")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", metavar="N", min=1, help="Rows per step, of every network that trains."),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option("--lr", metavar="X", help="Highest learning rate, of every network that trains."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a training that was interrupted.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the bundle that is there.")] = False,
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
    engine: options.Engine = None,
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
    if from_ and engine:
        raise ConfigError("--from goes on from a bundle on this machine; leave out --engine.")
    given = options.input_values(data_dir, labels, session_key, source, format_, limit_files, since, until, no_labels)
    given |= {"detector": detector} if detector else {}
    input_, words = options.input_or_override(input_, overrides)
    wished = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    training = {name: value for name, value in wished.items() if value is not None}
    started = Invocation.of(options.as_text(context), config)
    if from_:
        settings = run_settings(config, words, given)
        spec = options.the_input(input_, settings.input.path)
        result = continue_training(from_, spec, output, settings, training=training, replace=force, started=started)
    else:
        settings = run_settings(config, words, given, training)
        spec = options.the_input(input_, settings.input.path)
        collecting = options.collecting(engine)
        result = train(spec, output, settings, resume=resume, replace=force, started=started, collecting=collecting)
    if first():
        show.document(result.figures) if json else show.trained(output, result.figures)
