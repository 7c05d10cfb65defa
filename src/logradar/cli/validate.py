"""`logradar validate`: what an input holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    input_: options.Input,
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
    session_key: options.SessionKey = None,
    source: options.Source = None,
    format_: options.Format = None,
    limit_files: options.LimitFiles = None,
    since: options.Since = None,
    until: options.Until = None,
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
    given = options.input_values(data_dir, labels, session_key, source, format_, limit_files, since, until)
    facts = validate(input_, run_settings(config, overrides, given), output=output)
    page = None
    if output:
        from logradar.reporting.inventory_page import write_inventory

        page = write_inventory(facts, output)
    show.document(facts) if json else inventory(facts, page)
    if strict:
        strictly(facts)
