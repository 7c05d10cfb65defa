"""`logradar download`: archives of public logs, from mirrors, checked and unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME... KEY=VALUE...",
            help="Archives (hdfs, openstack, and those of the config), and settings such as archives.hdfs.sha256=….",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to write to.")] = ...,  # type: ignore[assignment]
    config: options.ConfigFile = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Download archives of public logs, check their SHA-256 and unpack them; without a network, say what serves."""
    from logradar.cli import show
    from logradar.core.progress import quiet as be_quiet
    from logradar.sources.download.downloading import download
    from logradar.sources.download.settings import download_settings

    be_quiet(quiet)
    settings = download_settings(config, [word for word in words if "=" in word])
    result = download([word for word in words if "=" not in word], output, settings, data_dir=data_dir)
    show.document(result) if json else show.downloads(result)
