"""`logradar code index`: the log statements, functions and calls of source code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    repository: Annotated[
        Path, typer.Argument(metavar="REPO", help="A folder of source code, such as a checkout.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="INDEX", help="The folder to write; one that is there is renewed.")
    ] = Path("code-index"),
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="PATTERN", help="Pattern of links: https://host/repo/blob/{commit}/{path}#L{line}"
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Index source code, so that alerts name the statement that wrote their lines.

    Python, Java, Kotlin, Scala, Go, JavaScript, TypeScript, C, C++, C# and Rust. Files that did not change are not
    read again.
    """
    from logradar.cli import show
    from logradar.cli.show.code import indexed
    from logradar.core.progress import quiet as be_quiet
    from logradar.pipeline.code_index import index_repository

    be_quiet(quiet)
    found = index_repository(repository, output, url=url)
    show.document(found) if json else indexed(found)
