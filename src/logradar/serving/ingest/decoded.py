"""What a decoder makes of a body: arrivals, what was rejected, and how much text was not valid UTF-8."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import orjson

from logradar.serving.arrivals import Arrival
from logradar.sources.opening.files import stem

_LOG_FILE: Final = re.compile(r"\.(?:log|out|err|txt|jsonl?)(?:[.-][0-9][0-9.-]*)?(?:\.gz)?$", re.IGNORECASE)
NAME_LENGTH: Final = 256  # letters of a service, logger, trace id or part of a stream's name; longer ones are cut


class Decoded(NamedTuple):
    """All that was in one body.

    ``rejected`` holds the position of a record in the body, from 0, and a sentence why it was not taken. ``repaired``
    counts texts that were not valid UTF-8: each wrong byte is U+FFFD now.
    """

    arrivals: list[Arrival]
    rejected: list[tuple[int, str]]
    repaired: int = 0


def merged(parts: Sequence[Sequence[Arrival]]) -> list[Arrival]:
    """The arrivals of all parts of a body in order of time, those of one part in their own order.

    Senders group what they send, by logger or by level, and so take apart what one program wrote.

    >>> [one.body for one in merged([[Arrival("a", "x", 3), Arrival("a", "y", 2)], [Arrival("a", "z", 1)]])]
    ['z', 'x', 'y']
    """
    if len(parts) == 1:
        return list(parts[0])
    keyed: list[tuple[int, Arrival]] = []
    for part in parts:
        latest = 0
        for one in part:
            latest = max(latest, one.timestamp or 0)
            keyed.append((latest, one))
    keyed.sort(key=lambda pair: pair[0])
    return [one for _, one in keyed]


def name_of(value: object) -> str | None:
    """A name (service, logger, trace id, host) as text of bounded length; None for nothing and for what is no name.

    >>> name_of(" shop "), name_of(""), name_of({"a": 1}), name_of(7)
    ('shop', None, None, '7')
    """
    if isinstance(value, str):
        return value.strip()[:NAME_LENGTH] or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:NAME_LENGTH] if -(10**30) < value < 10**30 else None
    return None


@lru_cache(1024)
def service_of_file(source: str | None) -> str | None:
    """The service that the name of a log file tells, as `logradar detect` takes it; None for what is no such name.

    >>> service_of_file("/var/log/gateway.log.1"), service_of_file("http:input"), service_of_file(None)
    ('gateway', None, None)
    """
    if source is None or not _LOG_FILE.search(source):
        return None
    return name_of(stem(PurePosixPath(source.replace("\\", "/"))))


def trace_of(value: object) -> str | None:
    """A trace id as text; None for one that is empty or all zeros, which means none (W3C Trace Context)."""
    name = name_of(value)
    return name if name and name.strip("0-") else None


def compact(value: object) -> str:
    """A value as JSON text without spaces; what is nested deeper than JSON writers go becomes its type's name."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except (orjson.JSONEncodeError, UnicodeEncodeError):
        return f'"{type(value).__name__} that cannot be written as JSON"'


def stream_of(protocol: str, *parts: str | None) -> str:
    """The name of a sender's stream: the protocol and what is known of who sends.

    >>> stream_of("otlp", "shop", None, "host-1")
    'otlp:shop/host-1'
    """
    return f"{protocol}:{'/'.join(part for part in parts if part)}"


def with_trace(body: str, trace: str) -> str:
    """A message with the stack trace of its exception below it, unless it is there already."""
    trace = trace.strip("\n")
    if not trace or trace in body:
        return body
    return f"{body}\n{trace}" if body else trace
