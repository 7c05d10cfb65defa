"""Labels of a Loki stream: read from their text form, and what of them is service, level, logger and trace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from logradar.serving.ingest.bad_body import BadBody
from logradar.serving.ingest.decoded import compact, name_of, service_of_file, trace_of
from logradar.serving.ingest.level_words import level_of

_PAIR: Final = re.compile(r'\s*([^\s=,{}"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)\s*(?:,|$)', re.DOTALL)
_ESCAPE: Final = re.compile(r'\\(?:([abfnrtv\\"\'])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([0-7]{3}))', re.DOTALL)
_LETTERS: Final = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
_LEVEL: Final = ("level", "detected_level", "severity", "severity_text", "loglevel", "log_level", "lvl", "levelname")
_SERVICE: Final = (
    *("service_name", "service", "service.name", "app", "application", "app_name", "app_kubernetes_io_name"),
    *("container", "container_name", "compose_service", "syslog_identifier", "unit", "systemd_unit", "job"),
)
_LOGGER: Final = ("logger", "logger_name", "log.logger", "component", "scope_name")
_TRACE: Final = ("trace_id", "traceId", "traceID", "traceid", "trace.id", "trace")
_MOST: Final = 256  # labels of one stream


class Named(NamedTuple):
    """What labels or structured metadata say, and ``rest``, those that have no field of their own."""

    level: int | None
    service: str | None
    component: str | None
    session_key: str | None
    rest: dict[str, Any]


class Stream(NamedTuple):
    """A stream of Loki: its name, what its labels say, and the rest of them as JSON text."""

    name: str
    named: Named
    text: str | None


def parse_labels(text: str) -> dict[str, str]:
    """Labels in the form of Prometheus; raises `BadBody`.

    >>> parse_labels('{app="shop", note="a \\\\"b\\\\"\\\\n"}')
    {'app': 'shop', 'note': 'a "b"\\n'}
    """
    inside = text.strip()
    if not (inside.startswith("{") and inside.endswith("}")):
        raise BadBody(f'Labels look like {{app="shop"}}, not {text[:60]!r}.')
    place, end = 1, len(inside) - 1
    found: dict[str, str] = {}
    while place < end:
        pair = _PAIR.match(inside, place, end)
        if pair is None or len(found) >= _MOST:
            if not inside[place:end].strip():
                break
            raise BadBody(f"Labels cannot be read at {inside[place : min(place + 40, end)]!r}.")
        name, quoted, raw = pair.groups()
        found[name] = raw if quoted is None else _ESCAPE.sub(_unescaped, quoted) if "\\" in quoted else quoted
        place = pair.end()
    return found


def named(labels: Mapping[str, Any]) -> Named:
    """The fields that labels or structured metadata name; of several names for one field the first known one."""
    rest = dict(labels)
    level = None
    for key in _LEVEL:
        if key in rest and (level := level_of(rest[key])) is not None:
            del rest[key]
            break
    service = _take(rest, _SERVICE) or service_of_file(name_of(rest.get("filename")))
    component = _take(rest, _LOGGER)
    trace = trace_of(_take(rest, _TRACE))
    return Named(level, service, component, trace, rest)


def stream_of_labels(labels: Mapping[str, Any]) -> Stream:
    """The stream with these labels; its name has all labels but level and trace, which change within one sender."""
    found = named(labels)
    steady = {key: value for key, value in sorted(labels.items()) if key not in _LEVEL and key not in _TRACE}
    name = ", ".join(f"{key}={compact(value)}" for key, value in steady.items())
    return Stream(f"loki:{{{name}}}"[:1024], found, compact(found.rest) if found.rest else None)


def _take(rest: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        if key in rest and (name := name_of(rest[key])):
            del rest[key]
            return name
    return None


def _unescaped(found: re.Match[str]) -> str:
    """An escape of a string of Go."""
    letter, two, four, octal = found.groups()
    if letter:
        return _LETTERS.get(letter, letter)
    number = int(octal, 8) if octal else int(two or four, 16)
    return "�" if 0xD800 <= number < 0xE000 else chr(number)
