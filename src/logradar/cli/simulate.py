"""`logradar simulate`: labelled logs of simulated services."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from logradar.cli import options

DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]


class Kind(StrEnum):
    """The format of the simulated logs."""

    LINES = "lines"
    RADAR_JSON = "radar-json"


def command(
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="DIR", help="The folder to write.")] = None,
    overrides: options.Overrides = None,
    kind: Annotated[
        Kind, typer.Option("--format", help="lines: raw logs; radar-json: RADAR's day files.")
    ] = Kind.LINES,
    days: Annotated[float, typer.Option(metavar="N", help="Days to simulate.")] = 1.0,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Size to reach, such as 10GB: of all raw logs together, or of each day file."
        ),
    ] = None,
    faults: Annotated[
        str, typer.Option(metavar="NAMES", help="all, none, or names of faults, separated by commas.")
    ] = "all",
    start: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            formats=DATES,
            help="When the simulation begins (UTC), as 2026-03-03.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Seed of the random numbers; the same seed writes the same logs.")
    ] = 1,
    live: Annotated[
        bool, typer.Option("--live", help="Run by the wall clock and send the logs to a service, with --to.")
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="With --live: http(s)://HOST:PORT (OTLP), loki+http://, syslog+tcp:// or syslog+udp://.",
        ),
    ] = None,
    speed: Annotated[
        float | None, typer.Option(metavar="FACTOR", help="With --live: how much faster than real time; 1.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME@SECONDS", help="With --live: a fault and when it begins; +LENGTH behind it. May repeat."
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="N", help="With --live: when it ends; without it, at Ctrl-C.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Simulate a small shop of microservices and write its logs with true labels.

    Or send them as they are written: logradar simulate --live --to http://127.0.0.1:4318 --fault disk_full@30
    """
    from logradar.cli import show
    from logradar.core.config import load_config
    from logradar.core.errors import ConfigError
    from logradar.core.filenames import readable
    from logradar.core.files import no_half_folder
    from logradar.simulation.formats import FORMATS

    given = {"days": days, "faults": faults, "seed": seed} | ({"size": size} if size else {})
    given |= {"start": start} if start else {}
    sending = {"to": to, "speed": speed, "fault": fault, "seconds": seconds}
    sending = {name: value for name, value in sending.items() if value is not None}
    if live:
        _require_live(to, output, kind, faults, size)
        _send(overrides or (), {"seed": seed} | ({"start": start} if start else {}) | sending, json)
        return
    if sending:
        raise ConfigError(f"--{next(iter(sending))} is for a simulation that sends its logs: add --live.")
    if output is None:
        raise ConfigError("Name the folder to write with -o, or send the logs to a service with --live --to URL.")
    settings_of, simulate = FORMATS[kind]
    settings = load_config(settings_of, None, overrides or (), given)
    with no_half_folder(output):
        result = simulate(output, settings=settings)
    show.document(result.to_json()) if json else print(readable(result.sentence()))


def _require_live(to: str | None, output: Path | None, kind: Kind, faults: str, size: str | None) -> None:
    """`ConfigError` for options that do not fit --live."""
    from logradar.core.errors import ConfigError

    if to is None:
        raise ConfigError("Say where the logs go: --live --to http://127.0.0.1:4318, or syslog+tcp://127.0.0.1:5514.")
    if output is not None or kind is not Kind.LINES or size:
        raise ConfigError("--live sends its logs and writes no folder: leave out -o, --format and --size.")
    if faults != "all":
        raise ConfigError("With --live a fault comes at its time: --fault NAME@SECONDS, in place of --faults.")


def _send(overrides: Sequence[str], given: dict[str, Any], json: bool) -> None:
    from logradar.cli import show
    from logradar.core.config import load_config
    from logradar.core.filenames import readable
    from logradar.simulation.live.run import simulate_live
    from logradar.simulation.live.settings import LiveSettings

    result = simulate_live(load_config(LiveSettings, None, overrides, given))
    show.document(result.to_json()) if json else print(readable(result.sentence()))
