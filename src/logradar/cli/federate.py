"""`logradar federate`: let several sites learn one detector, and measure it round by round."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from logradar.cli import options


def command(
    context: typer.Context,
    action: Annotated[
        str,
        typer.Argument(
            metavar="ACTION",
            help="`run` trains on INPUT and writes a bundle; `evaluate` measures every round of a bundle on INPUT.",
            show_default=False,
        ),
    ],
    input_: options.Input,
    overrides: options.Overrides = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="run: the bundle; evaluate: a folder for CSV files.")
    ] = ...,  # type: ignore[assignment]
    bundle: Annotated[
        Path | None, typer.Option("--bundle", metavar="BUNDLE", help="evaluate: the bundle that `run` wrote.")
    ] = None,
    deploy: Annotated[
        bool, typer.Option("--deploy", help="run: clients are SuperNodes of Flower on this machine, over loopback.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the simulation.")] = None,
    rounds: Annotated[int | None, typer.Option(metavar="N", help="Rounds.  [default: 50]")] = None,
    clients: Annotated[int | None, typer.Option(metavar="N", help="Clients.  [default: 50]")] = None,
    fraction: Annotated[
        float | None, typer.Option(metavar="X", help="Share of the clients that take part in a round.  [default: 0.1]")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="causal_lm, distilbert, deeplog, logbert, count_vector (sketches alone), or a Llama by path or name.",
        ),
    ] = None,
    lora: Annotated[
        bool | None, typer.Option("--lora/--no-lora", help="Train adapters, or all weights.  [default: adapters]")
    ] = None,
    rank: Annotated[int | None, typer.Option(metavar="N", help="Rank of the adapters.  [default: 8]")] = None,
    rows: Annotated[int | None, typer.Option(metavar="N", help="Training sessions at most.")] = None,
    device: Annotated[str | None, typer.Option(metavar="NAME", help="auto, cuda, mps or cpu.")] = None,
    steps: Annotated[
        int | None, typer.Option("--max-steps", metavar="N", help="Local steps of a client in a round.  [default: 10]")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="Sessions of a step.  [default: 32]")] = None,
    every: Annotated[int, typer.Option(metavar="N", min=1, help="evaluate: measure every Nth round.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="run: go on after the newest round.")] = False,
    force: Annotated[bool, typer.Option("--force", help="run: replace the bundle that is there.")] = False,
    config: options.ConfigFile = None,
    data_dir: options.DataDir = None,
    labels: options.Labels = None,
    session_key: options.SessionKey = None,
    source: options.Source = None,
    format_: options.Format = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Let several sites learn one detector without showing each other a log line; or measure what came of it."""
    from logradar.cli import show
    from logradar.cli.show.federation import federation
    from logradar.core.errors import ConfigError, did_you_mean
    from logradar.core.progress import quiet as be_quiet
    from logradar.model.provenance import Invocation

    be_quiet(quiet)
    given: dict[str, Any] = options.input_values(data_dir, labels, session_key, source, format_)
    if action == "run":
        from logradar.federated.federate import federate
        from logradar.federated.run import federated_settings

        chosen = {
            "name": name,
            "rounds": rounds,
            "clients": clients,
            "fraction": fraction,
            "model": model,
            "lora": lora,
            "rank": rank,
            "rows": rows,
            "device": device,
            "steps": steps,
            "batch_size": batch_size,
        }
        given |= {f"federation.{key}": value for key, value in chosen.items() if value is not None}
        settings = federated_settings(config, overrides, given)
        started = Invocation.of(options.as_text(context), config)
        document = federate(input_, output, settings, deploy=deploy, resume=resume, replace=force, started=started)
    elif action == "evaluate":
        from logradar.federated.rounds import evaluate_rounds

        if bundle is None:
            raise ConfigError("Name the bundle to measure: logradar federate evaluate INPUT --bundle BUNDLE -o DIR.")
        document = evaluate_rounds(bundle, input_, output, given=given, every=every)
    else:
        raise ConfigError(f"There is no action '{action}'; {did_you_mean(action, ['run', 'evaluate'])}")
    show.document(document) if json else federation(document)
