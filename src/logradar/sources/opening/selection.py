"""Selects files of an input: the newest ones, those of certain days, or all.

The date of a file is the one in its name (preprocessed_logs_2024-05-01.json, app.log.20240501), else the day of its
last modification (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from logradar.core.errors import InputError
from logradar.sources.opening.file_dates import date_in
from logradar.sources.opening.files import InputFiles, in_order

NAMED: Final = 6  # up to this number, dates are listed one by one in messages


def select(
    spec: str, inputs: InputFiles, limit: int | None = None, since: date | None = None, until: date | None = None
) -> tuple[InputFiles, str]:
    """The files of INPUT ``spec`` dated from ``since`` to ``until`` (both included), of these the newest ``limit``.

    None (for ``limit`` also 0) means no limit. Returns the selected files, in order, and a sentence about the files
    that were left out ('' if none was). Raises `InputError` if no file is left, and for inputs that are not files
    to choose from (stdin, a prepared folder).
    """
    if not limit and since is None and until is None:
        return inputs, ""
    options = _options(limit, since, until)
    if inputs.prepared:
        raise InputError(f"'{spec}' is a prepared folder, {options} selects log files; use it with `logradar prepare`.")
    if inputs.names:
        raise InputError(f"Piped input is not a set of files, but {options} selects files; give a folder.")
    if since and until and since > until:
        raise InputError(f"--since {since} is later than --until {until}; swap them.")
    moments = {file: moment(file) for file in inputs.files}
    selected = [
        file
        for file, when in moments.items()
        if (since is None or when.date() >= since) and (until is None or when.date() <= until)
    ]
    if not selected:
        few = "has only 1 file" if len(moments) == 1 else f"has {len(moments):,} files"
        raise InputError(f"No file of '{spec}' matches {options}; it {few}, of {_days(moments.values())}.")
    if limit:
        rank = {file: place for place, file in enumerate(in_order(selected))}
        selected = sorted(selected, key=lambda file: (moments[file], rank[file]))[-limit:]
    kept = set(selected)
    left = replace(inputs, files=[file for file in inputs.files if file in kept])
    return left, _sentence(inputs, left, options, [moments[file] for file in left.files])


def moment(file: Path) -> datetime:
    """The time of a file: midnight of the date in its name, else its last modification; UTC.

    A file that does not exist any more counts as the oldest; reading it reports that.
    """
    named = date_in(file.name)
    if named:
        return datetime(named.year, named.month, named.day, tzinfo=UTC)
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        return datetime.min.replace(tzinfo=UTC)


def _options(limit: int | None, since: date | None, until: date | None) -> str:
    options = {"--limit-files": limit or None, "--since": since, "--until": until}
    return " ".join(f"{option} {value}" for option, value in options.items() if value is not None)


def _sentence(inputs: InputFiles, left: InputFiles, options: str, moments: Sequence[datetime]) -> str:
    out = len(inputs.files) - len(left.files)
    if not out:
        return ""
    undated = sum(date_in(file.name) is None for file in left.files)
    how = f" ({undated:,} dated by their last modification)" if undated else ""
    return (
        f"{options} leaves out {_files(out)} ({_size(inputs.size - left.size)}); {_files(len(left.files))} "
        f"({_size(left.size)}) of {_days(moments)} remain{'s' if len(left.files) == 1 else ''}{how}."
    )


def _days(moments: Iterable[datetime]) -> str:
    days = sorted({when.date() for when in moments})
    if len(days) <= NAMED:
        return ", ".join(map(str, days))
    return f"{len(days):,} days from {days[0]} to {days[-1]}"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _size(count: int) -> str:
    return f"{count / 1e6:,.0f} MB" if count >= 1e7 else f"{count / 1e6:,.1f} MB"
