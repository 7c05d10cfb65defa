"""`logradar serve`: a service that takes in logs from any shipper and reports what is not normal as it happens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logradar.cli import options


def command(
    bundles: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BUNDLE | SERVICES=BUNDLE | key.sub=value]…",
            help="Bundles to work with, each for all services or for some (pay,cart*=bundles/pay), and settings.",
        ),
    ] = None,
    config: options.ConfigFile = None,
    home: Annotated[
        Path | None, typer.Option("--home", metavar="DIR", help="Folder of the log, the store and the state.")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen at; others need --auth.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", metavar="N", help="Port of HTTP; 0 chooses one.")] = None,
    learn: Annotated[
        str | None,
        typer.Option("--learn", metavar="TIME", help="Without a bundle: collect for so long (24h, 30m), then train."),
    ] = None,
    shadow: Annotated[
        Path | None,
        typer.Option("--shadow", metavar="BUNDLE", help="A bundle that scores beside the others, for a comparison."),
    ] = None,
    tail: Annotated[
        list[str] | None,
        typer.Option("--tail", metavar="FILE", help="Follow a file or a pattern; - is standard input. May repeat."),
    ] = None,
    syslog_tcp: Annotated[
        int | None, typer.Option("--syslog-tcp", metavar="PORT", help="Listen for syslog over TCP.")
    ] = None,
    syslog_udp: Annotated[
        int | None, typer.Option("--syslog-udp", metavar="PORT", help="Listen for syslog over UDP.")
    ] = None,
    database: Annotated[
        str | None, typer.Option("--database", metavar="URL", help="PostgreSQL in place of the embedded store.")
    ] = None,
    auth: Annotated[bool, typer.Option("--auth", help="Every request needs a key.")] = False,
    code: options.CodeIndex = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="With a made-up shop that logs to it and fails now and then.")
    ] = False,
    new_key: Annotated[
        str | None,
        typer.Option("--new-key", metavar="NAME", help="Make a key, print it once, and end; see --scopes."),
    ] = None,
    scopes: Annotated[
        str, typer.Option("--scopes", metavar="LIST", help="Of a new key: ingest, read, write, admin.")
    ] = "ingest,read,write,admin",
) -> None:
    """Take in logs as they are written, from any shipper, and report what is not normal as it happens.

    Speaks OTLP, Loki, Elasticsearch bulk, Splunk HEC and syslog, and follows files. What it acknowledged is on disk.
    """
    from logradar.cli.show import service as show
    from logradar.core.errors import ConfigError

    try:
        from logradar.serving.demo import demo as run_demo
        from logradar.serving.plan import new_key_of, service_settings
        from logradar.serving.serve import serve
    except ModuleNotFoundError as error:
        raise ConfigError(f"The service needs {error.name}: pip install 'logradar[serve]'") from None

    given = {
        "home": home,
        "host": host,
        "port": port,
        "learn": learn,
        "tail": tail or None,
        "syslog_tcp": syslog_tcp,
        "syslog_udp": syslog_udp,
        "database": database,
        "auth": auth or None,
        "code": code,
    }
    settings = service_settings(config, bundles or [], shadow, {k: v for k, v in given.items() if v is not None})
    if new_key is not None:
        show.new_key(new_key, new_key_of(settings, new_key, scopes))
        return
    run = run_demo if demo else serve
    run(settings, ready=lambda addresses: show.addresses(addresses, settings.auth))
