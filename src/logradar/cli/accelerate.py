"""`logradar accelerate`: the file with which `accelerate launch` starts a training on several GPUs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    overrides: options.Overrides = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")] = Path(
        "accelerate_config.yaml"
    ),
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the file with which accelerate launch starts a training: processes=4 port=29501 zero2=true."""
    from logradar.cli import show
    from logradar.core.config import load_config
    from logradar.core.outputs import require_outside
    from logradar.core.progress import quiet as be_quiet
    from logradar.training.accelerate_config import AccelerateSettings, accelerate_document, write_accelerate_config

    be_quiet(quiet)
    settings = load_config(AccelerateSettings, None, overrides or ())
    require_outside(output)
    write_accelerate_config(output, settings)
    figures = {"file": str(output), **accelerate_document(settings)}
    show.document(figures) if json else show.facts("Start with: accelerate launch --config_file", figures)
