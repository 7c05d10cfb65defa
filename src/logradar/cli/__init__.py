"""The command line: one file per command, which parses arguments, makes one library call and prints the result.

What comes in are the words after ``logradar``; what goes out is text or one JSON document on stdout, with progress
on stderr. Every plain module here is a command, found by its file name; those in ``code`` are `logradar code …`.
``options`` holds the arguments that several commands share, ``show`` prints results for people. Exit codes: 0 done,
2 a mistake of the user (one sentence), 1 an error in LogRadar (a traceback), 3 alerts were raised under
``detect --fail-on-alert`` or too much is new under ``diff --fail-on-new``. Read ``detect`` first.
"""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import io
import os
import pkgutil
import resource
import sys
from collections.abc import Callable
from functools import cache
from typing import NoReturn

import typer

from logradar import __version__
from logradar.core.errors import ConfigError, LogRadarError
from logradar.core.filenames import plain, readable
from logradar.core.heaps import share_heaps
from logradar.core.interrupts import listen

_ADDRESS_SPACE = 3_500_000_000  # bytes: `detect` and `train` of simple detectors end well with it, not with less
_LESS_MEMORY = "Lower input.limits.block or memory_mb, or read fewer files at once (--limit-files)."
GROUPS = {"code": "Which source code writes the lines of a log: index it, and explain lines and alerts."}
_OBJECTS = 50_000  # new ones after which Python searches for garbage; of itself it does so after 700
_FIRST = 400_000  # the same for the first time: the modules and the bundle of a command, which stay
_INTERRUPTED = 130  # 128 and the number of the signal, as shells count


def build(only: str | None = None) -> typer.Typer:
    """The typer application: one command for each plain module of this folder, and for each of `GROUPS`.

    With the name of one of them as ``only`` it has that one alone, which is made sooner.
    """
    plain_modules = [module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg]
    commands = {name.replace("_", "-"): name for name in plain_modules}
    chosen = {only} & {*commands, *GROUPS} or {*commands, *GROUPS}
    app = typer.Typer(
        help="Learn what normal logs look like and report what is not normal, ranked, explained and linked to code.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    app.callback()(_top)
    for name, module in commands.items():
        if name in chosen:
            app.command(name)(importlib.import_module(f"{__name__}.{module}").command)
    for name, sentence in GROUPS.items():
        if name not in chosen:
            continue
        group = typer.Typer(help=sentence, no_args_is_help=True, rich_markup_mode="markdown")
        package = importlib.import_module(f"{__name__}.{name}")
        for part in pkgutil.iter_modules(package.__path__):
            group.command(part.name.replace("_", "-"))(
                importlib.import_module(f"{package.__name__}.{part.name}").command
            )
        app.add_typer(group, name=name)
    return app


@cache
def _command(name: str | None) -> Callable[[], NoReturn]:
    """What parses and runs a command; made once, as a process may be asked for several."""
    return typer.main.get_command(build(name))


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"logradar {__version__}")
        raise typer.Exit


def _top(
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", is_eager=True, callback=_print_version
    ),
) -> None:
    """Options that come before the command."""


def _nobody_reads() -> NoReturn:
    """The reader of our output went away (`| head`): not an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def _way_out(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return " Free some space, choose another output, or another TMPDIR for temporary files."
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return " Choose a place that you may write to."
    return " LOGRADAR_TRACEBACK=1 shows where it happened."


def _require_address_space() -> None:
    """`ConfigError` under a limit of address space in which Arrow and numba would be aborted without a sentence."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    light = len(sys.argv) < 2 or {"--help", "--version"} & set(sys.argv)
    if limit != resource.RLIM_INFINITY and limit < _ADDRESS_SPACE and not light:
        raise ConfigError(
            f"The limit of address space is {limit / 1e9:.1f} GB (`ulimit -v`), and {_ADDRESS_SPACE / 1e9:.1f} GB are "
            "needed, though far less is used; raise it. What limits memory itself is a control group."
        )


def _write_what_can_be() -> None:
    """A character that the terminal or pipe cannot have becomes a question mark: no reason to end with an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="replace")


def _search_less() -> None:
    """Search for garbage less often, and not at the end, when all goes anyway: that took half a second."""
    if _keep_what_is_there not in gc.callbacks:
        gc.set_threshold(max(_FIRST, gc.get_threshold()[0]), *gc.get_threshold()[1:])
        gc.callbacks.append(_keep_what_is_there)
        atexit.register(gc.freeze)


def _keep_what_is_there(phase: str, _: dict[str, int]) -> None:
    """After the first search: what it left is not looked at again, and further searches come sooner."""
    if phase == "stop" and gc.get_threshold()[0] == _FIRST:
        gc.freeze()
        gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])


def main() -> None:
    """Entry point of the ``logradar`` command."""
    listen()
    _search_less()
    share_heaps()
    _write_what_can_be()
    try:
        _require_address_space()
        try:
            _command(sys.argv[1] if len(sys.argv) > 1 else None)()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where it is known what to do if nobody reads it
    except LogRadarError as error:
        print(f"logradar: {plain(str(error))}", file=sys.stderr)
        sys.exit(2)
    except MemoryError:
        print(f"logradar: There is not enough memory for this. {_LESS_MEMORY}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        _nobody_reads()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # click and rich end with 1
            _nobody_reads()
        if end.code == _INTERRUPTED:  # typer ends so, without a word
            print("logradar: stopped.", file=sys.stderr)
        raise
    except OSError as error:  # the disk is full, a folder is read-only: what Python says is a sentence already
        if os.environ.get("LOGRADAR_TRACEBACK"):
            raise
        where = f"'{readable(os.fsdecode(error.filename))}': " if error.filename else ""
        print(f"logradar: {where}{plain(str(error.strerror or error))}.{_way_out(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("logradar: stopped.", file=sys.stderr)
        sys.exit(_INTERRUPTED)
