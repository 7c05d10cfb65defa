"""A row of the table of line headers, and the samples that show what it reads.

Group names of a pattern: ``timestamp``, ``level``, ``priority`` (syslog: facility and severity in one number),
``service``, ``component``, ``alert`` (a label: ``-`` for a normal line). Patterns are used by Rust's regex engine (on
columns) and by Python's (on samples), so they have only what both support: no look-around.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from logradar.sources.decoding.layouts import Order


class Sample(NamedTuple):
    """A line and what must be read from it. ``level`` is a SeverityNumber; None: the line does not tell."""

    title: str  # whose logs look so
    line: str
    time: str | None  # UTC, ISO 8601; the year 2026 where the line has none
    level: int | None
    component: str | None
    message: str
    service: str | None = None


@dataclass(frozen=True)
class Header:
    """One layout: ``pattern`` matches what precedes the message. ``order`` is what its dates of numbers begin with, if
    that is known; ``pairs`` says that fields are key=value in any order."""

    name: str
    pattern: str
    samples: tuple[Sample, ...] = ()
    order: Order | None = None
    pairs: bool = False

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of the fields in the header."""
        return ("timestamp", "level", "component", "service") if self.pairs else tuple(self.compiled.groupindex)

    @property
    def fallback(self) -> str | None:
        """The header by which lines that do not match this one are recognised as records, None if there is none."""
        if "timestamp" not in self.groups or self.name in ("time", "syslog_bare"):
            return None
        return "syslog_bare" if self.name == "syslog" else "time"

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern for Python, used on samples."""
        return re.compile(self.pattern)


def row(name: str, pattern: str, *samples: Sample, order: Order | None = None, pairs: bool = False) -> Header:
    """A row of the table; the pattern is tried at the beginning of a line."""
    return Header(name, "^" + pattern, samples, order, pairs)
