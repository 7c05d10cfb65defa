"""Errors that users see: each is a sentence that says what is wrong, which value, and what to do instead.

All have one base class. The command line prints a `LogRadarError` as one line and exits with status 2
(a mistake of the user); any other exception is a mistake of LogRadar and exits with status 1 and a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

_NAMED: Final = 40  # known words that a sentence lists at most


class LogRadarError(Exception):
    """Base of all errors that a user can correct; its text is shown unchanged."""


class InputError(LogRadarError):
    """An input is missing, unreadable, empty or of an unsupported kind."""


class ConfigError(LogRadarError):
    """One or more settings are wrong; the text lists them all."""


class TableError(LogRadarError):
    """A table does not match the schema that its receiver requires."""


class BundleError(LogRadarError):
    """A bundle is damaged, was changed, or has a format that this version cannot read."""


class DataError(LogRadarError):
    """The data was read, but it is too little or unsuitable for the requested operation."""


class StateError(LogRadarError):
    """A saved state of a stream is damaged, or belongs to another version or another bundle."""


class EngineError(LogRadarError):
    """An engine that spreads work over several machines is missing, named wrongly, or gave the work up."""


class ProcessError(LogRadarError):
    """One of several processes that train together has ended or stopped, so the others end too."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of an error sentence: the known word nearest to ``word``, or all known words.

    >>> did_you_mean("deplog", ["deeplog", "length"])
    "did you mean 'deeplog'?"
    >>> did_you_mean("zzz", ["deeplog", "length"])
    'known are: deeplog, length'
    """
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return "known are: " + ", ".join(names[:_NAMED]) + more if names else "none are known"
