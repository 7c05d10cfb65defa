"""Syslog messages as arrivals: RFC 5424, RFC 3164 with the habits that programs have, or just a line of text.

What is read is what the header says, by the patterns with which `logradar detect` reads ``/var/log/syslog``: the
record is the same one, with a level that the file does not hold. The body is the text of the program exactly as it
came, because it may be a JSON object or a line with a header of its own, which is read later. A year that RFC 3164
leaves out is worked out here, where it is known when the message came.
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from typing import Any, Final

from logradar.serving.arrivals import Arrival
from logradar.serving.ingest.decoded import compact, name_of, stream_of, trace_of
from logradar.serving.listeners.syslog_time import time_of
from logradar.sources.opening.header_table.pieces import BSD, ISO_ZONE, PROGRAM
from logradar.sources.opening.levels import SYSLOG, WORDS

_HEADER: Final = 2048  # letters in which a header is looked for
_LEVELS: Final = [SYSLOG[str(severity)] for severity in range(8)]  # OpenTelemetry Logs Data Model, appendix B
_FACILITIES: Final = (  # RFC 5424, table 1, by their names in syslog.conf
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "security", "console", "clock", *(f"local{number}" for number in range(8))),
)
_PRIORITY: Final = re.compile(r"<([0-9]{1,3})>")
_NEW: Final = re.compile(  # RFC 5424, section 6
    r"[0-9]{1,2} (-|[0-9]{4}-[0-9]{2}-[0-9]{2}T\S{6,32}) (\S{1,255}) (\S{1,255}) (\S{1,255}) (\S{1,255})(?: |\Z)"
)
_DATA: Final = re.compile(r'(?:\[(?:[^\]"]++|"(?:[^"\\]++|\\.)*+")*+\])+(?: |\Z)', re.DOTALL)
_ELEMENT: Final = re.compile(r'\[([^\s\]"=]++)((?: [^\s\]"=]++="(?:[^"\\]++|\\.)*+")*+) *+\]', re.DOTALL)
_PARAMETER: Final = re.compile(r' ([^\s\]"=]++)="((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPED: Final = re.compile(r'\\(["\\\]])')
_TIME: Final = rf"(?P<time>{BSD}|{ISO_ZONE})"
_TAG: Final = rf"{PROGRAM}(?:\[(?P<pid>[^\]\s]{{1,32}})\])?(?: \([^\s)]*\))*"
_OLD: Final = tuple(  # RFC 3164, section 4.1; the host is missing where a program writes to its own machine
    re.compile(pattern)
    for pattern in (
        rf"{_TIME} (?P<host>[^\s\[\]]*[^\s\[\]:]) {_TAG}:(?: |$)",
        rf"{_TIME} {_TAG}:(?: |$)",
        rf"{_TIME} (?P<host>[^\s:\[\]]+) ",
    )
)
_BARE_TAG: Final = re.compile(  # without a time; a word with a capital is more likely an exception or a sentence
    r"(?P<component>(?P<service>[a-z][\w./-]{0,47}))(?:\[(?P<pid>[0-9]{1,10})\])?: "
)
_TRACES: Final = frozenset({"trace_id", "traceid", "trace.id", "dd.trace_id", "otel.trace_id"})
_PARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")  # traceparent, W3C Trace Context


def arrival_of(message: bytes, peer: str, received: int, *, zone: tzinfo = UTC) -> Arrival:
    """The arrival of one message; never raises. ``peer`` is the address that sent it, and the host if it names none.

    ``received`` is when it came, in microseconds since 1970. Times without a zone are of ``zone``.

    >>> found = arrival_of(b"<34>1 2003-10-11T22:14:15.003Z web su - ID47 - failed", "10.0.0.7", 0)
    >>> found.stream, found.service, found.level, found.component, found.body
    ('syslog:web/su', 'su', 18, 'ID47', 'failed')
    """
    text = message.decode("utf-8", "replace")
    priority = _PRIORITY.match(text)
    number = int(priority[1]) if priority else 192
    if priority is None or number > 191:
        return Arrival(stream_of("syslog", peer), text)
    attributes: dict[str, Any] = {"syslog.facility": _FACILITIES[number >> 3]}
    level, at = _LEVELS[number & 7], priority.end()
    if new := _NEW.match(text, at):
        return _structured(text, new, level, attributes, peer, received, zone)
    for pattern in _OLD if text[at : at + 1].isalnum() else ():
        if old := pattern.match(text, at, at + _HEADER):
            attributes["syslog.header"] = old[0].rstrip()  # a session key may be in it, such as program[pid]
            return _plain(text, old, level, attributes, peer, time_of(old["time"], received, zone))
    tag = _BARE_TAG.match(text, at)
    if tag and tag["service"].upper() not in WORDS:
        return _plain(text, tag, level, attributes, peer, None)
    host = {"host.name": peer} if peer else {}
    return Arrival(stream_of("syslog", peer), text[at:], level=level, attributes=compact({**attributes, **host}))


def _structured(
    text: str, header: re.Match[str], level: int, attributes: dict[str, Any], peer: str, received: int, zone: tzinfo
) -> Arrival:
    time, host, service, process, kind = (None if part == "-" else part for part in header.groups())
    at, trace = header.end(), None
    if data := _DATA.match(text, at):
        at = data.end()
        for element in _ELEMENT.finditer(data[0]):
            values = {name: _ESCAPED.sub(r"\1", value) for name, value in _PARAMETER.findall(element[2])}
            attributes[element[1]] = values
            trace = trace or _trace(values)
    elif text.startswith("-", at) and text[at + 1 : at + 2] in ("", " "):
        at += 2
    host = host or peer
    attributes |= {name: value for name, value in (("host.name", host), ("process.pid", process)) if value}
    return Arrival(
        stream_of("syslog", name_of(host), name_of(service)),
        text[at:].removeprefix("\ufeff"),
        time_of(time, received, zone) if time else None,
        name_of(service),
        level,
        name_of(kind),
        trace,
        compact(attributes),
    )


def _plain(
    text: str, header: re.Match[str], level: int, attributes: dict[str, Any], peer: str, time: int | None
) -> Arrival:
    """An arrival by the named groups of a header: host, component, service and pid, where the pattern has them."""
    named = header.groupdict()
    host, service = named.get("host") or peer, named.get("service")
    attributes |= {name: value for name, value in (("host.name", host), ("process.pid", named.get("pid"))) if value}
    return Arrival(
        stream_of("syslog", name_of(host), name_of(service)),
        text[header.end() :],
        time,
        name_of(service),
        level,
        name_of(named.get("component")),
        None,
        compact(attributes),
    )


def _trace(values: dict[str, str]) -> str | None:
    """The trace id among the parameters of structured data."""
    for name, value in values.items():
        if name.lower() in _TRACES and (found := trace_of(value)):
            return found
        if name.lower() == "traceparent" and (parent := _PARENT.fullmatch(value)):
            return trace_of(parent[1])
    return None
