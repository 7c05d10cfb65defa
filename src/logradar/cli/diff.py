"""`logradar diff`: what a bad run says that good runs do not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    good: Annotated[
        str,
        typer.Argument(
            metavar="GOOD", help="The log of a good run: any INPUT; '-' for none; one log for both with --before."
        ),
    ],
    bad: Annotated[
        str | None, typer.Argument(metavar="[BAD]", help="The log of the bad run.", show_default=False)
    ] = None,
    more_good: Annotated[
        list[str] | None,
        typer.Option("--good", metavar="INPUT", help="A further good run; can be given several times."),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Records of GOOD before this time are the good run, the others the bad one."),
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="TIME", help="With --before: the bad run begins at this time, not at once.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="PAGE", help="A page, .html.")] = None,
    top: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Changes or lines to print [default: 15; 40 lines; 200 with --json, -o]."
        ),
    ] = None,
    fail_on_new: Annotated[
        bool, typer.Option("--fail-on-new", help="Exit with 3 when more is new than chance explains.")
    ] = False,
    data_dir: options.DataDir = None,
    source: options.Source = None,
    format_: options.Format = None,
    limit_files: options.LimitFiles = None,
    since: options.Since = None,
    until: options.Until = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say which kinds of lines are new, gone, more or less in a bad run; or rank the lines of one log: diff - LOG."""
    from logradar.cli.show.diff import difference, document
    from logradar.core.progress import quiet as be_quiet
    from logradar.model.settings import run_settings
    from logradar.pipeline.diff import MOST, diff, require_verdict

    be_quiet(quiet)
    given = options.input_values(data_dir, None, None, source, format_, limit_files, since, until)
    goods = [good, *(more_good or [])]
    if fail_on_new:
        require_verdict(goods)
    settings = run_settings(given=given).input
    found = diff(goods, bad, settings, before=before, after=after, most=max(top or MOST, MOST), output=output)
    page = None
    if output:
        from logradar.reporting.difference_page import write_difference

        page = write_difference(found, output)
    shown = top or (15 if found["mode"] == "runs" else 40)
    document(found) if json else difference(found, shown, page)
    if fail_on_new and found["new"]:
        raise typer.Exit(3)
