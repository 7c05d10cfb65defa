"""Which keys of JSON lines hold time, level, service, component and message, found in the first lines of a file.

Known names come first, in any case; where none fits, what the values look like decides: a time, a word for a level, a
long text. Encoders with names of a single letter or levels of their own are recognised by the keys that only they have.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from logradar.sources.decoding.layouts import layouts_of
from logradar.sources.opening import levels

Keys = tuple[str | int, ...]  # the path to a value: the key, the key inside its object (or the place in a list), …
NAMES: Final = {  # ECS, OpenTelemetry, bunyan, pino, zap, logrus, GELF, Serilog, journald, Python and Java encoders
    "timestamp": "@timestamp timestamp time ts datetime asctime date eventTime event_time log_time logged_at "
    "__REALTIME_TIMESTAMP timeUnixNano TimeUnixNano Timestamp @t t instant when time_local time_iso8601 timeMillis "
    "event.created requestReceivedTimestamp stageTimestamp startTime start_time created_at created TimeCreated _time",
    "level": "level severity severity_text severityText SeverityText levelname log.level loglevel log_level lvl "
    "level_name Level @l PRIORITY severity_number severityNumber SeverityNumber levelno syslogseverity severity_label "
    "log_severity error_severity",
    "service": "service.name service serviceName service_name app.name app application appname app_name "
    "resource.service.name resource.attributes.service.name kubernetes.container_name container_name SYSLOG_IDENTIFIER",
    "component": "logger logger_name loggerName log.logger component name module caller class category target "
    "SourceContext _SYSTEMD_UNIT",
    "body": "message msg body.stringValue body.string_value body event short_message textPayload MESSAGE Message "
    "Body @m @mt log text description error log_message "
    "fields.message fields.msg log.message data.message payload.message event.original request requestURI",
    "trace": "stack_trace stacktrace exception exc_info stack error.stack_trace error.stack err.stack @x "
    "thrown.extendedStackTrace",
}
NUMBERS: Final = {
    "PRIORITY": levels.SYSLOG,
    "levelno": levels.PYTHON,
    "severity_number": levels.OTEL,
    "severityNumber": levels.OTEL,
    "SeverityNumber": levels.OTEL,
    "syslogseverity": levels.SYSLOG,
}
EXAMPLES: Final = 200
DEEP: Final = 4  # objects inside objects that are looked into
WIDE: Final = 200  # values of one line that are looked at
OFTEN: Final = 0.9  # share of a key's values that must look like a time or a level
LONG: Final = 10  # characters of a message, on average
_SECONDS: Final = ("epochSecond", "seconds", "_seconds", "sec", "secs", "tv_sec", "epochSeconds", "epoch_second")
_PARTS: Final = {  # parts of a second beside these, with their digits
    **dict.fromkeys(("nanoOfSecond", "nanos", "_nanoseconds", "nanoseconds", "nsec", "nsecs", "tv_nsec", "nano"), 9),
    **dict.fromkeys(("micros", "microseconds", "usec", "tv_usec"), 6),
    **dict.fromkeys(("millis", "milliseconds", "msec"), 3),
}
_DATE: Final = re.compile(r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}")
_WORDS: Final = frozenset(
    [
        "TRACE",
        "DEBUG",
        "INFO",
        "INFORMATION",
        "NOTICE",
        "WARN",
        "WARNING",
        "ERROR",
        "ERR",
        "SEVERE",
        "CRITICAL",
        "CRIT",
        "FATAL",
        "EMERG",
        "EMERGENCY",
        "PANIC",
        "VERBOSE",
        "DBG",
        "INF",
        "WRN",
        "FTL",
        "VRB",
        "TRC",
    ]
)


@dataclass(frozen=True)
class Names:
    """For every field the paths that have a value, best first.

    ``parts`` are the paths to parts of a second beside seconds, with their digits (0: to the date of a time of day).
    ``numbers`` is what levels that are numbers mean.
    """

    ways: dict[str, list[Keys]] = field(default_factory=lambda: {name: [] for name in NAMES})
    parts: dict[Keys, tuple[Keys, int]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=lambda: levels.TENS)

    def numbers_at(self, keys: Keys) -> dict[str, int]:
        """What levels that are numbers mean at a path."""
        return NUMBERS.get(str(keys[-1]), self.numbers)


def every_name() -> Names:
    """All known names, for lines without a value at the paths of the first lines."""
    return Names({field: list(dict.fromkeys(_ways(names))) for field, names in NAMES.items()})


def names_in(texts: Iterable[str]) -> Names:
    """The names by which these lines hold their fields."""
    objects = [value for text in texts if isinstance(value := parsed(text), dict)]
    leaves: dict[Keys, list[Any]] = {}
    for value in objects:
        for count, (keys, leaf) in enumerate(_leaves(value)):
            if count >= WIDE:
                break
            leaves.setdefault(keys, []).append(leaf)
    blind: dict[str, list[Keys]] = {}
    for keys in leaves:
        blind.setdefault(_plain(keys), []).append(keys)
    ways: dict[str, list[Keys]] = {}
    for name, known in NAMES.items():
        exact = [keys for keys in _ways(known) if any(_usable(_fetch(value, keys), name) for value in objects)]
        other = [keys for one in known.split() if len(one.strip("@")) > 1 for keys in blind.get(_plain((one,)), [])]
        ways[name] = list(dict.fromkeys(exact + other))
    if ("short_message",) in ways["body"]:  # GELF: `message` may have another meaning
        ways["body"] = [("short_message",), *ways["body"]]
    parts = _times_inside(objects, ways)
    keys_of_all = set().union(*(value.keys() for value in objects[:1]))
    if {"t", "s", "c", "msg"} <= keys_of_all:  # MongoDB from 4.4
        ways["level"].append(("s",))
        ways["component"].append(("c",))
    _by_their_looks(leaves, ways, parts, len(objects))
    return Names(ways, parts, _numbers(keys_of_all, ways, leaves))


def parsed(text: str) -> Any:
    """The value of a JSON text, also with NaN and Infinity; None if it is not JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _ways(names: str) -> Iterator[Keys]:
    """The paths that dotted names may mean: a key with dots in it, or a key inside an object."""
    for name in names.split():
        yield (name,)
        if "." in name:
            yield tuple(name.split("."))


def _plain(keys: Keys) -> str:
    """A name without case and marks: ``LogLevel``, ``log_level`` and ``log-level`` are the same."""
    return ".".join(str(key) for key in keys).lower().replace("_", "").replace("-", "").replace(" ", "").lstrip("@")


def _leaves(value: Any, keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    if isinstance(value, dict) and len(keys) < DEEP:
        for key, inner in value.items():
            yield from _leaves(inner, (*keys, key))
    elif keys and isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
        yield keys, value


def _times_inside(objects: list[dict[str, Any]], ways: dict[str, list[Keys]]) -> dict[Keys, tuple[Keys, int]]:
    """Replaces names whose value is an object or a list by the path to the time in it; returns parts of seconds."""
    parts: dict[Keys, tuple[Keys, int]] = {}
    names = [keys for keys in _ways(NAMES["timestamp"]) if any(_fetch(value, keys) is not None for value in objects)]
    names += [
        keys for value in objects[:1] for keys in ((key,) for key in itertools.islice(value, WIDE)) if keys not in names
    ]
    found: list[Keys] = []
    for keys in names:
        for value in (_fetch(one, keys) for one in objects):
            if isinstance(value, dict) and "$date" in value:
                inner = value["$date"]
                found.append((*keys, "$date", *(["$numberLong"] if isinstance(inner, dict) else [])))
                break
            seconds = next((key for key in _SECONDS if key in value), None) if isinstance(value, dict) else None
            if seconds:
                found.append((*keys, seconds))
                part = next((key for key in _PARTS if key in value), None)
                parts |= {(*keys, seconds): ((*keys, part), _PARTS[part])} if part else {}
                break
            if _is_pair(value):
                found.append((*keys, 0))
                parts[*keys, 0] = ((*keys, 1), 9)
                break
    whole = [keys for keys in ways["timestamp"] if not any(one[: len(keys)] == keys for one in found)]
    known = [keys for keys in found if keys[0] in NAMES["timestamp"].split()]
    ways["timestamp"] = known + whole + ([] if whole or known else found)
    return parts


def _is_pair(value: Any) -> bool:
    """Whether a list is a time in seconds and nanoseconds."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(one, int) and not isinstance(one, bool) for one in value)
        and 10**9 <= value[0] < 4 * 10**9
        and 0 <= value[1] < 10**9
    )


def _by_their_looks(
    leaves: dict[Keys, list[Any]], ways: dict[str, list[Keys]], parts: dict[Keys, tuple[Keys, int]], count: int
) -> None:
    """Adds ways whose values look like a time, a level, a message, where those with known names do not."""
    often = {keys: values for keys, values in leaves.items() if 2 * len(values) >= count}
    _dates_beside(often, ways, parts)
    timed = [keys for keys in ways["timestamp"] if keys in parts or _are_times(leaves.get(keys, []))]
    if not timed:
        timed = [keys for keys, values in often.items() if _are_times(values)][:1]
    ways["timestamp"] = [*timed, *(keys for keys in ways["timestamp"] if keys not in timed)]
    if not any(_are_levels(leaves.get(keys, [])) or _are_numbers(leaves.get(keys, [])) for keys in ways["level"]):
        words = [keys for keys, values in often.items() if _are_levels(values)]
        ways["level"] = [*words[:1], *(keys for keys in ways["level"] if keys not in words[:1])]
    if not ways["body"]:
        taken = {keys for name in ("timestamp", "level", "trace") for keys in ways[name]}
        lengths = {
            keys: sum(map(len, values)) / len(values)
            for keys, values in often.items()
            if keys not in taken and _are_texts(values) and "agent" not in _plain(keys)
        }
        ways["body"] = [max(lengths, key=lambda keys: lengths[keys])] if lengths else []


def _dates_beside(
    leaves: dict[Keys, list[Any]], ways: dict[str, list[Keys]], parts: dict[Keys, tuple[Keys, int]]
) -> None:
    """Times of day whose date is in a key of its own: it becomes a part of theirs, with no digits."""
    dates = [keys for keys, values in leaves.items() if all(_DATE.fullmatch(str(one)) for one in values)]
    for keys in ways["timestamp"] if dates else []:
        layouts = layouts_of([str(one) for one in leaves.get(keys, [])[:20]])
        if layouts and all(one is not None and one.lacks == "date" for one in layouts):
            parts[keys] = (dates[0], 0)


def _are_times(values: list[Any]) -> bool:
    """Whether values are times: texts with a date, or numbers that could be epochs and do not fall."""
    if not values:
        return False
    seen = list(dict.fromkeys(map(str, values)))[:20]
    layouts = layouts_of(seen)
    if sum(one is not None and one.lacks != "date" for one in layouts) < OFTEN * len(seen):
        return False
    numbers = [float(one) for one in map(str, values) if _is_number(one)]
    if not numbers:
        return True
    return all(one >= 10**9 for one in numbers) and (
        sum(later < one for one, later in itertools.pairwise(numbers)) <= (1 - OFTEN) * len(numbers)
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _are_levels(values: list[Any]) -> bool:
    fitting = sum(isinstance(one, str) and one.strip().upper() in _WORDS for one in values)
    letters = "I" in values and {str(one) for one in values} <= set("TVDIWEF")
    return bool(values) and (letters or fitting >= OFTEN * len(values))


def _are_numbers(values: list[Any]) -> bool:
    return bool(values) and all(_is_number(str(one)) for one in values)


def _are_texts(values: list[Any]) -> bool:
    texts = [one for one in values if isinstance(one, str)]
    spaced = sum(" " in one for one in texts)
    long = sum(map(len, texts)) >= LONG * len(values)
    return len(texts) == len(values) and 2 * spaced >= len(values) and long


def _numbers(keys: set[str], ways: dict[str, list[Keys]], leaves: dict[Keys, list[Any]]) -> dict[str, int]:
    """What levels that are numbers mean in these lines."""
    if ("short_message",) in ways["body"]:  # GELF
        return levels.SYSLOG
    if {"reqId", "remoteAddr"} <= keys:  # Nextcloud, ownCloud
        return levels.NEXTCLOUD
    first = ways["level"][0] if ways["level"] else ()
    seen = {str(one) for one in leaves.get(first, [])}
    if first and _plain(first) in ("severity", "syslog.severity") and seen <= set(levels.SYSLOG):
        return levels.SYSLOG
    return levels.TENS


def _fetch(value: Any, keys: Keys) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _usable(value: Any, field: str) -> bool:
    if isinstance(value, bool) or value is None or value == "":
        return False
    return isinstance(value, (str, int, float)) or (field in ("body", "trace") and isinstance(value, dict | list))
