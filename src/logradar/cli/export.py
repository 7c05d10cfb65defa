"""`logradar export`: the network of a bundle for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    bundle: options.Bundle,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")] = ...,  # type: ignore[assignment]
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="pt|onnx|ts|transformers", help="The format; by default as the file name ends."
        ),
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Write ONNX with 8-bit weights; the effect on scores is printed.")
    ] = False,
    detector: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The detector whose network is written, if the bundle has several."),
    ] = None,
    checkpoint: options.Checkpoint = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the network of a bundle: ONNX, a torch checkpoint, TorchScript, or a folder of transformers."""
    from logradar.cli import show
    from logradar.core.progress import quiet as be_quiet
    from logradar.pipeline.export import export

    be_quiet(quiet)
    figures = export(bundle, output, form=format_, int8=int8, name=detector, checkpoint=checkpoint)
    show.document(figures) if json else show.facts(f"Exported {bundle}", figures)
