"""A JSON document of a log record as an arrival: its fields are taken out, what rests are the attributes."""

from __future__ import annotations

from typing import Any, Final

from logradar.serving.arrivals import Arrival
from logradar.serving.ingest.decoded import compact, name_of, stream_of, trace_of, with_trace
from logradar.serving.ingest.document_names import Path, ways_for
from logradar.serving.ingest.level_words import level_of
from logradar.serving.ingest.moments import LONGEST, microseconds
from logradar.sources.opening.json_names import NUMBERS

_DIGITS: Final = frozenset("0123456789")


def arrival_of_document(
    document: dict[str, Any], protocol: str, place: str, more: dict[str, Any] | None = None
) -> tuple[Arrival, str | None]:
    """The arrival of a document, which is changed, and its time as text where only a log file's layout fits it.

    ``place`` is what the protocol says of the sender (an index, a source), ``more`` what goes to the attributes
    beside what rests. A document without a message has itself, less what was taken out, as its text.
    """
    ways = ways_for(document)
    time: int | None = None
    late = level = None
    for path in ways.timestamp:
        value = _at(document, path)
        if (time := microseconds(value)) is not None:
            _drop(document, path)
            break
        if late is None and isinstance(value, str) and len(value) <= LONGEST and not _DIGITS.isdisjoint(value):
            late = value
    for path in ways.level:
        numbers = NUMBERS.get(path[-1])
        value = _at(document, path)
        if value is not None and (level := level_of(value, numbers) if numbers else level_of(value)) is not None:
            _drop(document, path)
            break
    service = _taken(document, ways.service)
    component = _taken(document, ways.component)
    trace = trace_of(_taken(document, ways.session_key))
    host = next((name for path in ways.host if (name := name_of(_at(document, path)))), None)
    body = stack = None
    for path in ways.trace:
        value = _at(document, path)
        if isinstance(value, str) and value:
            stack = value
            _drop(document, path)
            break
    for path in ways.body:
        value = _at(document, path)
        if value is not None and value != "" and (len(path) == 1 or not isinstance(value, dict)):
            body = value if isinstance(value, str) else compact(value)
            _drop(document, path)
            break
    if body is None:
        body, document = compact(document) if document else "", {}
    if stack:
        body = with_trace(body, stack)
    if more:
        document = {**more, **document}
    text = compact(document) if document else None
    stream = stream_of(protocol, place, service, host)
    return Arrival(stream, body, time, service, level, component, trace, text), late if time is None else None


def _at(document: dict[str, Any], path: Path) -> Any:
    if len(path) == 1:
        return document.get(path[0])
    value: Any = document
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _drop(document: dict[str, Any], path: Path) -> None:
    """Takes the value at a path out, and the objects around it that are empty then."""
    inside = [document]
    for key in path[:-1]:
        inside.append(inside[-1][key])
    for holder, key in zip(reversed(inside), reversed(path), strict=True):
        del holder[key]
        if holder:
            break


def _taken(document: dict[str, Any], paths: tuple[Path, ...]) -> str | None:
    for path in paths:
        value = _at(document, path)
        if isinstance(value, str) and (name := name_of(value)):
            _drop(document, path)
            return name
    return None
