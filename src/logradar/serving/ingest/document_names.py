"""Where the fields of a JSON document stand: names of ECS and of shippers first, then those of JSON log lines.

Names with dots mean a key with dots in it or a key inside an object; both occur (Elastic Common Schema, "Field
naming"). The way to each field is kept for the keys that a document has, since those of one sender seldom change.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple

from logradar.sources.opening.json_names import every_name

Path = tuple[str, ...]  # the keys to a value, from outside
_FIRST: Final = {  # before those of `json_names`; of one field the best name comes first
    "timestamp": "@timestamp",
    "level": "log.level level severity",
    "service": "service.name",
    "component": "log.logger",
    "body": "message",
    "trace": "error.stack_trace",
    "session_key": "trace.id trace_id traceId traceID TraceId trace.trace_id traceid dd.trace_id otelTraceID "
    "logging.googleapis.com/trace contextMap.traceId contextMap.trace_id mdc.traceId mdc.trace_id X-B3-TraceId",
    "host": "host.name hostname host fromhost agent.hostname agent.name beat.hostname kubernetes.pod.name pod_name",
}
_LAST: Final = {  # what only some shippers write: rsyslog, Filebeat, Fluent Bit, Docker's Splunk driver
    "timestamp": "timereported timegenerated",
    "level": "priority syslog_severity syslog.severity_label",
    "service": "kubernetes.labels.app kubernetes.labels.app_kubernetes_io/name kubernetes.container.name "
    "container.name fields.service programname app-name process.name tag",
    "body": "line",
}
_TOO_GENERAL: Final = {"component": {"name", "category", "target", "module"}, "body": {"event", "error", "request"}}
_KEPT: Final = 1_000  # sets of keys that are remembered
_WIDE: Final = 200  # keys of a set that is remembered, and letters of all of them times 20


class Ways(NamedTuple):
    """For each field the paths at which it may stand in a document with certain keys, best first."""

    timestamp: tuple[Path, ...]
    level: tuple[Path, ...]
    service: tuple[Path, ...]
    component: tuple[Path, ...]
    body: tuple[Path, ...]
    trace: tuple[Path, ...]
    session_key: tuple[Path, ...]
    host: tuple[Path, ...]


_known: dict[tuple[str, ...], Ways] = {}


def ways_for(keys: Iterable[str]) -> Ways:
    """The paths that can have a value in a document with these keys.

    >>> ways_for(["message", "log"]).level
    (('log', 'level'),)
    """
    names = tuple(keys)
    found = _known.get(names)
    if found is None:
        there = set(names)
        found = Ways(*(tuple(path for path in paths if path[0] in there) for paths in _all_ways()))
        if len(names) <= _WIDE and sum(map(len, names)) <= 20 * _WIDE:
            if len(_known) >= _KEPT:
                _known.clear()
            _known[names] = found
    return found


@cache
def _all_ways() -> Ways:
    known = every_name().ways
    fields = {}
    for name in Ways._fields:
        general = _general(name)
        middle = [path for keys in known.get(name, []) if (path := tuple(map(str, keys))) not in general]
        paths = [*_paths(_FIRST.get(name, "")), *middle, *_paths(_LAST.get(name, "")), *general]
        fields[name] = tuple(dict.fromkeys(paths))
    return Ways(**fields)


def _general(name: str) -> list[Path]:
    """Names that mean other things as well: they come last."""
    return [(word,) for word in sorted(_TOO_GENERAL.get(name, ()))]


def _paths(names: str) -> list[Path]:
    found: list[Path] = []
    for name in names.split():
        found.append((name,))
        if "." in name:
            found.append(tuple(name.split(".")))
    return found
