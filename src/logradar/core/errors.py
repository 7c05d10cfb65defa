"""Errors are sentences: what is wrong, which value, what to do instead.

One base class. The command line prints a `LogRadarError` as one line and exits with 2
(the user's mistake); any other exception is ours and exits with 1 and a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LogRadarError(Exception):
    """Base of all errors that a user can mend; its text is shown as it is."""


class InputError(LogRadarError):
    """An input is missing, unreadable, empty or of a kind that cannot be read."""


class ConfigError(LogRadarError):
    """One or more settings are wrong; the text lists them all."""


class TableError(LogRadarError):
    """A table does not fit the schema that a door asks for."""


class BundleError(LogRadarError):
    """A bundle is damaged, was changed, or has a format that this version cannot read."""


class DataError(LogRadarError):
    """The data was read but is not enough, or not fit, for what was asked."""


class StateError(LogRadarError):
    """A saved state of a stream is damaged, or belongs to another version or another bundle."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A closing half-sentence that names the nearest known word, or all of them.

    >>> did_you_mean("deplog", ["deeplog", "length"])
    "did you mean 'deeplog'?"
    >>> did_you_mean("zzz", ["deeplog", "length"])
    'known are: deeplog, length'
    """
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return "known are: " + ", ".join(names) if names else "none are known"
