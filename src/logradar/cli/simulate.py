"""`logradar simulate`: labelled logs from services that really log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to write.")],
    overrides: options.Overrides = None,
    days: Annotated[float, typer.Option(metavar="N", help="Days to simulate.")] = 1.0,
    faults: Annotated[str, typer.Option(metavar="NAMES", help="all, none, or names with commas.")] = "all",
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed, another day.")] = 1,
    json: options.Json = False,
) -> None:
    """Simulate a small shop of microservices and write their logs with true labels."""
    from logradar.cli import show
    from logradar.core.config import load_config
    from logradar.sources.shop.settings import ShopSettings
    from logradar.sources.shop.simulation import simulate

    settings = load_config(ShopSettings, None, overrides or (), {"days": days, "faults": faults, "seed": seed})
    result = simulate(output, settings)
    show.document(result.to_json()) if json else print(result.sentence())
