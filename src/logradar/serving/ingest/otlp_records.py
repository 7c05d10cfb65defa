"""The way from a log record of OpenTelemetry to an arrival, the same for protobuf and JSON.

OpenTelemetry Logs Data Model and Semantic Conventions (service, host, exception).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from logradar.serving.arrivals import Arrival
from logradar.serving.ingest.decoded import compact, name_of, stream_of, with_trace
from logradar.serving.ingest.level_words import level_of
from logradar.serving.ingest.otlp_values import as_text

_SENDER: Final = (  # what lasts longest first: some SDKs draw an instance id anew at every start
    *("k8s.pod.name", "host.name", "service.instance.id", "container.id", "host.id"),
)
_LOGGER: Final = ("log.logger", "logger.name", "logger", "logger_name")
_DULL: Final = ("telemetry.", "process.", "os.", "host.arch", "host.image.")  # the same for every record, says nothing
_STACK: Final = "exception.stacktrace"


class Origin(NamedTuple):
    """What a resource says: all its records have the same service, stream and ``kept`` attributes."""

    service: str | None
    stream: str
    kept: dict[str, Any]
    text: str | None


def origin_of(resource: Mapping[str, Any]) -> Origin:
    """The origin with these attributes; those that describe the build or the machine's kind are left out."""
    service = name_of(resource.get("service.name"))
    sender = next((name for key in _SENDER if (name := name_of(resource.get(key)))), None)
    kept = {
        key: value
        for key, value in resource.items()
        if key != "service.name" and (key == "process.pid" or not key.startswith(_DULL))
    }
    return Origin(service, stream_of("otlp", service, sender), kept, compact(kept) if kept else None)


def arrival_of(
    origin: Origin,
    scope: str | None,
    time: int | None,
    number: int,
    level: str,
    content: Any,
    attributes: dict[str, Any],
    trace: str | None,
    span: str,
    event: str,
) -> Arrival:
    """One arrival; ``time`` in microseconds, ``number`` and ``level`` its severity, ``trace`` and ``span`` hex.

    The stack trace of an exception is put below the message. A record without a body is its event's name, else its
    attributes.
    """
    severity = number if 1 <= number <= 24 else None
    if severity is None and level:
        severity = level_of(level)
        if severity is None:
            attributes["severity_text"] = level
    body = content if isinstance(content, str) else as_text(content)
    text = origin.text
    if attributes or span or event:
        stack = attributes.get(_STACK)
        if isinstance(stack, str):
            body = with_trace(body, stack)
            del attributes[_STACK]
        if not scope:
            scope = next((name for key in _LOGGER if (name := name_of(attributes.get(key)))), None)
        if event:
            body = body or event
            attributes["event.name"] = event
        body = body or (compact(attributes) if attributes else "")
        if span:
            attributes["span_id"] = span
        text = compact({**origin.kept, **attributes}) if attributes or origin.kept else None
    return Arrival(origin.stream, body, time, origin.service, severity, scope, trace, text)
