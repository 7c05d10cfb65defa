"""`logradar validate`: what an input holds."""

from __future__ import annotations

from logradar.cli import options


def command(
    input_: options.Input,
    overrides: options.Overrides = None,
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
    from logradar.core.progress import quiet as be_quiet
    from logradar.pipeline.settings import run_settings
    from logradar.pipeline.validate import validate

    be_quiet(quiet)
    given = options.input_values(data_dir, labels, session_key, source, format_, limit_files, since, until)
    result = validate(input_, run_settings(config, overrides, given))
    show.document(result) if json else show.facts(result["input"], result)
