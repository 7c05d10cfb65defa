"""`logradar validate`: figures and faults of an input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    input_: options.OptionalInput = None,
    overrides: options.Overrides = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="PAGE|DIR", help="A .html page, or a folder for page, JSON and bad input."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 2 when there are faults.")] = False,
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
    """Say what an input holds and what is wrong with it: faults, counts, lengths, services."""
    from logradar.cli import show
    from logradar.cli.show.inventory import inventory
    from logradar.core.progress import quiet as be_quiet
    from logradar.model.settings import run_settings
    from logradar.pipeline.validate import strictly, validate

    be_quiet(quiet)
    given = options.input_values(data_dir, labels, session_key, source, format_, limit_files, since, until, no_labels)
    input_, words = options.input_or_override(input_, overrides)
    settings = run_settings(config, words, given)
    spec = options.the_input(input_, settings.input.path)
    facts = validate(spec, settings, output=output, collecting=options.collecting(engine))
    page = None
    if output:
        from logradar.reporting.inventory_page import write_inventory

        page = write_inventory(facts, output)
    show.document(facts) if json else inventory(facts, page)
    if strict:
        strictly(facts)
