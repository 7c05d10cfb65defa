"""`logradar mcp`: what a service knows, for assistants, over the Model Context Protocol."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def command(
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="A service that runs; LOGRADAR_KEY holds its key, if it has keys."),
    ] = None,
    home: Annotated[
        Path | None, typer.Option("--home", metavar="DIR", help="The folder of a service; it is only read.")
    ] = None,
    tokens: Annotated[
        int, typer.Option("--tokens", metavar="N", min=200, max=50_000, help="Budget of an answer, about.")
    ] = 2_000,
) -> None:
    """Answer an assistant over standard input and output: incidents, alerts, sessions, lines, and what changed.

    All tools only read. Texts of logs are marked as data.
    """
    from logradar.core.errors import ConfigError

    if (url is None) == (home is None):
        raise ConfigError("Name a service that runs (--url http://127.0.0.1:8514) or the folder of one (--home DIR).")
    try:
        from logradar.serving.mcp.facts import Facts, InFolder, OverHttp
        from logradar.serving.mcp.server import mcp_server
    except ModuleNotFoundError as error:
        raise ConfigError(f"This needs {error.name}: pip install 'logradar[serve]'") from None

    facts: Facts
    if url is not None:
        facts = OverHttp(url, os.environ.get("LOGRADAR_KEY"))
    else:
        assert home is not None
        facts = InFolder(home)
    mcp_server(facts, tokens).run("stdio")
