"""Arguments and options that several commands share, each defined once.

What comes in are the texts of the command line; what goes out are typed values, with `input_values` the settings
of an input by path, and with `as_text` the command as text. This file is all there is.
"""

from __future__ import annotations

import re
import shlex
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from logradar.storage.records import Collect

Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="A file, folder, glob, '-' for stdin, a prepared folder, or a named data set (hdfs, openstack, …).",
        show_default=False,
    ),
]
OptionalInput = Annotated[
    str | None,
    typer.Argument(
        metavar="[INPUT]",
        help="A file, folder, glob, '-' for stdin, a prepared folder, or a named data set (hdfs, openstack, …); "
        "without it, `input.path` of the settings.",
        show_default=False,
    ),
]
Bundle = Annotated[
    Path, typer.Argument(metavar="BUNDLE", help="A folder that `logradar train` wrote.", show_default=False)
]
ConfigFile = Annotated[Path | None, typer.Option("-c", "--config", metavar="FILE", help="Settings as YAML.")]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...", help="Settings that override the file, such as seed=7.", show_default=False
    ),
]
DataDir = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The folder of the named data sets [env: LOGRADAR_DATA].")
]
Labels = Annotated[Path | None, typer.Option(metavar="FILE", help="CSV file with session key and label.")]
NoLabels = Annotated[
    bool, typer.Option("--no-labels", help="Ignore labels in the input and in a label file found beside it.")
]
SessionKey = Annotated[
    str | None, typer.Option(metavar="REGEX", help="Regex of the session key in a line; its first group is the key.")
]
Source = Annotated[str | None, typer.Option(metavar="NAME", help="The kind of log, if it is not recognised correctly.")]
Format = Annotated[
    str | None, typer.Option("--format", metavar="NAME", help="The header format, if it is not recognised correctly.")
]
InputFormat = Annotated[
    str | None, typer.Option(metavar="NAME", help="The header format of the input, if it is not recognised correctly.")
]
LimitFiles = Annotated[
    int | None, typer.Option("--limit-files", metavar="N", min=0, help="Read only the N newest files; 0 for all.")
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="Where the work is done: spark on this machine, or spark=MASTER (spark://host:7077, yarn, k8s://…).",
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", metavar="DATE", formats=["%Y-%m-%d"], help="Read only files of that day and later."),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", metavar="DATE", formats=["%Y-%m-%d"], help="Read only files of that day and earlier."),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="PATH",
        help="Use the weights of a checkpoint, not the bundle's: a folder checkpoint-STEP, or best.",
    ),
]
Pictures = Annotated[
    Path | None, typer.Option("--pictures", metavar="DIR", help="A folder for the pictures of the report as PNG files.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout; progress goes to stderr.")]
Redact = Annotated[
    bool | None,
    typer.Option(
        "--redact/--no-redact",
        help="Mask e-mail addresses, secrets, IP addresses and card numbers in all that is printed, written and sent, "
        "or in nothing; without it only in what is sent to others.",
    ),
]
CodeIndex = Annotated[
    Path | None,
    typer.Option(
        "--code",
        metavar="INDEX",
        help="A code index (`logradar code index`): alerts name the code that wrote their lines.",
    ),
]
_OVERRIDE: Final = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*=")
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no notes on stderr.")]


def _finite(value: float | None) -> float | None:
    if value is not None and not isfinite(value):
        from logradar.core.errors import ConfigError

        raise ConfigError(f"A threshold is a number that scores are compared with, not {value:g}.")
    return value


ThresholdValue = Annotated[
    float | None, typer.Option("--threshold", metavar="X", help="Raise an alert above this score.", callback=_finite)
]
AlertsPerDay = Annotated[
    float | None, typer.Option("--alerts-per-day", metavar="N", help="How many false alarms a day are acceptable.")
]
HeldOut = Annotated[bool, typer.Option("--held-out", help="Leave out sessions that were used in training.")]
AllowOverlap = Annotated[
    bool,
    typer.Option("--allow-overlap", help="Accept test sessions that were used in training, or that lie in its time."),
]


def bundles_and_input(places: list[str]) -> tuple[list[Path], str]:
    """The bundles of a comparison and its input, which comes last; `ConfigError` where either is missing."""
    from logradar.core.bundle import MANIFEST
    from logradar.core.errors import ConfigError

    *bundles, spec = places
    if not bundles or (Path(spec) / MANIFEST).is_file():
        raise ConfigError(
            f"The last argument, '{spec}', must be the input, after one or more bundles: compare BUNDLE... INPUT."
        )
    return [Path(bundle) for bundle in bundles], spec


Precision = Annotated[
    float | None,
    typer.Option(
        "--target-precision",
        metavar="P",
        help="Share of alerts that should be correct, by the labels of the bundle's validation part.",
    ),
]


def input_or_override(input_: str | None, overrides: list[str] | None) -> tuple[str | None, list[str]]:
    """The input and the overrides; the first word is an override where it is ``key=value`` and no file."""
    words = list(overrides or [])
    if input_ is not None and _OVERRIDE.match(input_) and not Path(input_).exists():
        return None, [input_, *words]
    return input_, words


def the_input(input_: str | None, path: str | None) -> str:
    """The input of the command line, else the ``path`` of the settings; `ConfigError` where there is neither."""
    if input_ is None and path is None:
        from logradar.core.errors import ConfigError

        raise ConfigError("There is no input: name one as INPUT, or as `input.path` in the config.")
    return input_ if input_ is not None else str(path)


def input_values(
    data_dir: Path | None,
    labels: Path | None,
    session_key: str | None,
    source: str | None,
    format_: str | None,
    limit_files: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    no_labels: bool = False,
) -> dict[str, Any]:
    """The input options that were given, as settings paths and values."""
    given = {
        "data_dir": data_dir,
        "labels": labels,
        "use_labels": False if no_labels else None,
        "session_key": session_key,
        "source": source,
        "format": format_,
        "limit_files": limit_files,
        "since": since and since.date(),
        "until": until and until.date(),
    }
    return {f"input.{name}": value for name, value in given.items() if value is not None}


def collecting(engine: str | None) -> Collect | None:
    """What reads records on the engine of ``--engine``; None without it."""
    if engine is None:
        return None
    from logradar.engines.spark.collecting import collecting_on

    return collecting_on(engine)


def as_text(context: typer.Context) -> str:
    """The command as it was given, ready for a shell; options have their long names, no path names the machine.

    That an older bundle was replaced is no part of it.
    """
    from logradar.model.provenance import portable, portable_text

    words = ["logradar", str(context.info_name)]
    for param in context.command.params:
        value = context.params.get(str(param.name))
        source = context.get_parameter_source(str(param.name))
        if value is None or source is None or source.name == "DEFAULT" or param.name == "force":
            continue
        option = param.param_type_name == "option"
        if option:
            words.append(next((name for name in param.opts if name.startswith("--")), param.opts[0]))
        if isinstance(value, list | tuple):  # settings: KEY=VALUE
            words += ["=".join(map(portable_text, word.split("=", 1))) for word in value]
        elif isinstance(value, Path) or not option:
            words.append(portable(value))
        elif value is not True:
            words.append(str(value.date() if isinstance(value, datetime) else value))
    return shlex.join(words)
