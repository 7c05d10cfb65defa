"""`logradar demo`: the main job, end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where bundle and report go.")] = Path(
        "demo-run"
    ),
    data_dir: options.DataDir = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Use simulated services even if HDFS is here.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Leave the neural detectors out.")] = False,
    json: options.Json = False,
) -> None:
    """Find the anomalies of a real HDFS cluster, or of simulated services, and write the report."""
    from logradar.cli import show
    from logradar.pipeline.demo import demo

    result = demo(output, data_dir=data_dir, simulated=simulated, quick=quick)
    show.document(result.document) if json else show.demo(result)
