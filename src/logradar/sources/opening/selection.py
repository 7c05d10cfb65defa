"""Which files of an input are read: the newest ones, those of certain days, or all.

The date of a file is the one in its name (preprocessed_logs_2024-05-01.json, app.log.20240501),
else the day of its last modification (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from logradar.core.errors import InputError
from logradar.sources.opening.files import Found, in_order
from logradar.sources.opening.names import date_in

NAMED: Final = 6  # dates that are named one by one when nothing is left


def select(
    spec: str, found: Found, limit: int | None = None, since: date | None = None, until: date | None = None
) -> tuple[Found, str]:
    """The files of INPUT ``spec`` dated ``since`` to ``until`` (both included), of these the newest ``limit``.

    None (for ``limit`` also 0) means no bound. Gives what is left, in order, and a sentence about
    what was left out ('' where nothing was). Raises `InputError` when no file is left, and for what
    has no files to choose from (stdin, a prepared folder).
    """
    if not limit and since is None and until is None:
        return found, ""
    asked = _asked(limit, since, until)
    if found.prepared:
        raise InputError(f"'{spec}' is a prepared folder, {asked} chooses log files; use it with `logradar prepare`.")
    if found.names:
        raise InputError(f"What is piped in is one piece, {asked} chooses files; give a folder.")
    if since and until and since > until:
        raise InputError(f"No day is both from {since} and until {until}; swap --since and --until.")
    moments = {file: moment(file) for file in found.files}
    fitting = [
        file
        for file, when in moments.items()
        if (since is None or when.date() >= since) and (until is None or when.date() <= until)
    ]
    if not fitting:
        few = "has only 1 file" if len(moments) == 1 else f"has {len(moments):,} files"
        raise InputError(f"No file of '{spec}' fits {asked}; it {few}, of {_days(moments.values())}.")
    if limit:
        rank = {file: place for place, file in enumerate(in_order(fitting))}
        fitting = sorted(fitting, key=lambda file: (moments[file], rank[file]))[-limit:]
    kept = set(fitting)
    left = replace(found, files=[file for file in found.files if file in kept])
    return left, _sentence(found, left, asked, [moments[file] for file in left.files])


def moment(file: Path) -> datetime:
    """When a file is from: midnight of the date in its name, else its last modification; UTC.

    A file that is not there any more counts as the oldest; reading it says so.
    """
    named = date_in(file.name)
    if named:
        return datetime(named.year, named.month, named.day, tzinfo=UTC)
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        return datetime.min.replace(tzinfo=UTC)


def _asked(limit: int | None, since: date | None, until: date | None) -> str:
    options = {"--limit-files": limit or None, "--since": since, "--until": until}
    return " ".join(f"{option} {value}" for option, value in options.items() if value is not None)


def _sentence(found: Found, left: Found, asked: str, moments: Sequence[datetime]) -> str:
    out = len(found.files) - len(left.files)
    if not out:
        return ""
    undated = sum(date_in(file.name) is None for file in left.files)
    how = f" ({undated:,} dated by their last modification)" if undated else ""
    return (
        f"{asked} leaves out {_files(out)} ({_size(found.size - left.size)}); {_files(len(left.files))} "
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
