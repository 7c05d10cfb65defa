"""`logradar prepare`: records, templates and sessions as Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from logradar.cli import options


def command(
    input_: options.OptionalInput = None,
    overrides: options.Overrides = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to write.")] = ...,  # type: ignore[assignment]
    config: options.ConfigFile = None,
    data_dir: options.DataDir = None,
    labels: options.Labels = None,
    no_labels: options.NoLabels = False,
    session_key: options.SessionKey = None,
    source: options.Source = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="parquet; radar-json: day files; texts: words, for language models."
        ),
    ] = "parquet",
    input_format: options.InputFormat = None,
    limit_files: options.LimitFiles = None,
    since: options.Since = None,
    until: options.Until = None,
    engine: options.Engine = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write records, templates and sessions of an input as Parquet, as RADAR day files, or as texts."""
    from logradar.cli import show
    from logradar.core.errors import ConfigError
    from logradar.core.files import no_half_folder
    from logradar.core.progress import quiet as be_quiet
    from logradar.model.settings import run_settings
    from logradar.pipeline.prepare import prepare, write_as

    be_quiet(quiet)
    given = options.input_values(
        data_dir, labels, session_key, source, input_format, limit_files, since, until, no_labels
    )
    input_, words = options.input_or_override(input_, overrides)
    if engine and format_ != "parquet":
        raise ConfigError(f"An engine writes parquet; leave out --engine for --format {format_}.")
    if format_ == "texts":
        from logradar.pipeline.preparation.prepare_texts import prepare_texts, text_settings

        result = prepare_texts(output, text_settings(config, words, given, input_))
        show.document(result) if json else show.facts(f"Prepared in {output}", _briefly(result))
        return
    settings = run_settings(config, words, given)
    with no_half_folder(output):
        spec = options.the_input(input_, settings.input.path)
        collecting = options.collecting(engine)
        if collecting is not None:
            result = prepare(spec, output, settings, collecting=collecting)
        else:
            result = write_as(format_)(spec, output, settings)
    show.document(result) if json else show.facts(f"Prepared in {output}", result)


def _briefly(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of texts that people read in a line; `--json` has all of them."""
    named = ("records", "templates", "sessions", "distinct_sessions", "tokens_of_a_session")
    return {
        name: {key: value[key] for key in named} if isinstance(value, dict) else value
        for name, value in figures.items()
    }
