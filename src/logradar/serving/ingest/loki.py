"""Loki push: `/loki/api/v1/push` with snappy protobuf or JSON, answered by status 204.

https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs, with structured metadata, and the JSON of
versions before 0.4 (labels as text, entries with ``ts`` and ``line``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from logradar.serving.arrivals import Arrival
from logradar.serving.ingest import json_text, wire
from logradar.serving.ingest.bad_body import BadBody, too_large
from logradar.serving.ingest.decoded import Decoded, compact, merged
from logradar.serving.ingest.inflating import from_snappy
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.loki_labels import Named, Stream, named, parse_labels, stream_of_labels
from logradar.serving.ingest.loki_messages import push_requests
from logradar.serving.ingest.moments import from_nanoseconds, microseconds

_ENTRIES: Final = (1, 2)  # fields of PushRequest: streams, entries
_BLOCK: Final = 32  # bytes, more than a snappy block of 10 bytes has
_LAST: Final = 253_402_300_800  # seconds: year 10000


def decode(body: bytes, target: Mapping[str, str], limits: Limits) -> Decoded:
    """The entries of a push; raises `BadBody`. A stream with labels that cannot be read is rejected alone."""
    if _is_json(body):
        return _from_json(body, limits)
    return _from_protobuf(_unpacked(body, limits.inflated_bytes), limits)


def success(request: Request, decoded: Decoded) -> Response:
    """204; 400 with the reasons if nothing of the push could be kept."""
    if decoded.rejected and not decoded.arrivals:
        return failure(request, 400, "; ".join(dict.fromkeys(reason for _, reason in decoded.rejected[:20])))
    return Response(status_code=204)


def failure(request: Request, status: int, reason: str) -> Response:
    """The reason as plain text, as Loki has it."""
    return PlainTextResponse(reason + "\n", status)


def _is_json(body: bytes) -> bool:
    """Whether a brace and a quote begin the body: a snappy block may begin with a brace, but then no quote follows."""
    head = body[:64].lstrip()
    return head[:1] == b"{" and head[1:].lstrip()[:1] in (b'"', b"}")


def _unpacked(body: bytes, most: int) -> bytes:
    """The message in a snappy block, or the body itself where its Content-Encoding said snappy and was heeded.

    A message begins with a newline, the tag of its first field; so does a snappy block, but only one of 10 bytes.
    """
    message = body[:1] == b"\n"
    if message and len(body) > _BLOCK:
        return body
    try:
        return from_snappy(body, most)
    except BadBody as error:
        if message and error.status == 400:
            return body
        raise


def _from_protobuf(body: bytes, limits: Limits) -> Decoded:
    wire.check_records(body, _ENTRIES, limits.records)
    request, repaired = push_requests().parse(body)
    parts: list[list[Arrival]] = []
    rejected: list[tuple[int, str]] = []
    position = 0
    for part in request.streams:
        entries = part.entries
        try:
            stream = stream_of_labels(parse_labels(part.labels))
        except BadBody as error:
            rejected.extend((position + place, str(error)) for place in range(len(entries)))
            position += len(entries)
            continue
        position += len(entries)
        parts.append(arrivals := [])
        for entry in entries:
            time = entry.timestamp
            seconds = time.seconds
            moment = seconds * 1_000_000 + time.nanos // 1_000 if 0 < seconds < _LAST else None
            metadata = {pair.name: pair.value for pair in entry.metadata} if entry.metadata else None
            arrivals.append(_arrival(stream, entry.line, moment, metadata))
    return Decoded(merged(parts), rejected, repaired)


def _from_json(body: bytes, limits: Limits) -> Decoded:
    document, repaired = json_text.loads(body, limits.depth)
    streams = document.get("streams") if isinstance(document, dict) else None
    if not isinstance(streams, list):
        raise BadBody('The body is no push of Loki: it must be a JSON object with a list "streams".')
    parts: list[list[Arrival]] = []
    rejected: list[tuple[int, str]] = []
    position = 0
    for part in streams:
        entries = _entries(part)
        position += len(entries)
        if position > limits.records:
            raise too_large("The push", limits.records, "entries")
        try:
            stream = _stream(part)
        except BadBody as error:
            start = position - len(entries)
            rejected.extend((start + place, str(error)) for place in range(max(1, len(entries))))
            continue
        parts.append(arrivals := [])
        for place, entry in enumerate(entries, position - len(entries)):
            arrival = _of_entry(stream, entry)
            if arrival is None:
                rejected.append((place, "an entry is a list of time and line"))
            else:
                arrivals.append(arrival)
    return Decoded(merged(parts), rejected, repaired)


def _entries(part: Any) -> list[Any]:
    found = (part.get("values") or part.get("entries")) if isinstance(part, dict) else None
    return found if isinstance(found, list) else []


def _stream(part: Any) -> Stream:
    if isinstance(part, dict):
        if isinstance(labels := part.get("stream"), dict):
            return stream_of_labels(labels)
        if isinstance(labels := part.get("labels"), str):
            return stream_of_labels(parse_labels(labels))
    raise BadBody("a stream is an object with its labels in stream")


def _of_entry(stream: Stream, entry: Any) -> Arrival | None:
    metadata = None
    if isinstance(entry, list) and len(entry) >= 2:
        moment, line = from_nanoseconds(entry[0]), entry[1]
        metadata = entry[2] if len(entry) > 2 and isinstance(entry[2], dict) else None
    elif isinstance(entry, dict) and "line" in entry:
        moment, line = microseconds(entry.get("ts") or entry.get("timestamp")), entry["line"]
    else:
        return None
    return _arrival(stream, line if isinstance(line, str) else compact(line), moment, metadata)


def _arrival(stream: Stream, line: str, moment: int | None, metadata: dict[str, Any] | None) -> Arrival:
    level, service, component, key, rest = stream.named
    text = stream.text
    if metadata:
        own: Named = named(metadata)
        level = level if own.level is None else own.level
        service, component, key = service or own.service, component or own.component, own.session_key or key
        text = compact({**rest, **own.rest}) if rest or own.rest else None
    return Arrival(stream.name, line, moment, service, level, component, key, text)
