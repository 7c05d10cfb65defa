"""Splunk HTTP Event Collector: events and raw lines, with its answers and codes.

https://docs.splunk.com/Documentation/Splunk/latest/Data/TroubleshootHTTPEventCollector ("Possible error codes").
Events follow each other in one body with nothing, spaces or newlines between them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from logradar.serving.arrivals import Arrival
from logradar.serving.ingest import json_text
from logradar.serving.ingest.bad_body import BadBody, too_large
from logradar.serving.ingest.decoded import Decoded, compact, name_of, service_of_file, stream_of
from logradar.serving.ingest.documents import arrival_of_document
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.moments import microseconds, with_late_times

_ABOUT: Final = ("source", "sourcetype", "index")  # what an event says of itself, beside its host
_NO_EVENT: Final = "Event field is required"
_BLANK: Final = "Event field cannot be blank"
_UNREADABLE: Final = "Invalid data format"
NO_DATA: Final = "No data"
_CODES: Final = {NO_DATA: 5, _UNREADABLE: 6, _NO_EVENT: 12, _BLANK: 13}
_TEXTS: Final = {
    401: ("Token is required", 2),
    403: ("Invalid token", 4),
    429: ("Server is busy", 9),
    503: ("Server is busy", 9),
}


def decode_events(body: bytes, target: Mapping[str, str], limits: Limits) -> Decoded:
    """The events of a body; what ``target``, the query, says of host and source holds where an event says nothing.

    After an event that cannot be read the next line that begins with a brace goes on. Raises `BadBody`.
    """
    json_text.check_depth(body, limits.depth)
    text, repaired = json_text.text_of(body)
    text, lone = json_text.with_partners(text)
    decoded = Decoded([], [], repaired + lone)
    read = json.JSONDecoder(parse_constant=lambda _: None).raw_decode
    late: list[tuple[int, str]] = []
    place, position, length = _next(text, 0), 0, len(text)
    while place < length:
        if max(position, len(decoded.arrivals)) >= limits.records:
            raise too_large("The body", limits.records, "events")
        try:
            event, end = read(text, place)
        except (ValueError, RecursionError):
            decoded.rejected.append((position, _UNREADABLE))
            end = text.find("\n{", place)
            end = length if end < 0 else end
        else:
            for one in event if isinstance(event, list) else (event,):
                arrival = _of_event(one, target, late, len(decoded.arrivals))
                if isinstance(arrival, str):
                    decoded.rejected.append((position, arrival))
                else:
                    decoded.arrivals.append(arrival)
        position += 1
        place = _next(text, end)
    if not position:
        raise BadBody(NO_DATA)
    with_late_times(decoded.arrivals, late)
    return decoded


def decode_raw(body: bytes, target: Mapping[str, str], limits: Limits) -> Decoded:
    """Each line of a body as it is; blank lines are left out. Raises `BadBody`."""
    if body.count(b"\n") > limits.records:
        raise too_large("The body", limits.records, "lines")
    text, repaired = json_text.text_of(body)
    stream, more = _sender({}, target)
    attributes = compact(more) if more else None
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    service = service_of_file(more.get("source"))
    arrivals = [
        Arrival(stream, line, service=service, attributes=attributes) for line in lines if line and not line.isspace()
    ]
    if not arrivals:
        raise BadBody(NO_DATA)
    return Decoded(arrivals, [], repaired)


def success(request: Request, decoded: Decoded) -> Response:
    """Code 0; where some events were rejected, their number too. An error if none could be kept."""
    if not decoded.rejected:
        return _answer({"text": "Success", "code": 0})
    position, reason = decoded.rejected[0]
    if not decoded.arrivals:
        return _answer({"text": reason, "code": _CODES.get(reason, 6), "invalid-event-number": position}, 400)
    return _answer({"text": "Success", "code": 0, "rejected": len(decoded.rejected), "invalid-event-number": position})


def failure(request: Request, status: int, reason: str) -> Response:
    """The code for a status. A busy server is always 503: some clients do not try again after 429."""
    text, code = _TEXTS.get(status, (reason, _CODES.get(reason, 6)))
    detail = {"detail": reason} if text != reason else {}
    return _answer({"text": text, "code": code, **detail}, 503 if status == 429 else status)


def health(request: Request) -> Response:
    """Says that events are taken."""
    return _answer({"text": "HEC is healthy", "code": 17})


def no_acknowledgements(request: Request) -> Response:
    """Says that indexer acknowledgement is off: an answer 200 already means that events are on disk."""
    return _answer({"text": "ACK is disabled", "code": 14}, 400)


def _answer(document: dict[str, Any], status: int = 200) -> Response:
    return Response(compact(document), status, media_type="application/json")


def _next(text: str, place: int) -> int:
    """The place of the next event: spaces and commas may stand between two."""
    length = len(text)
    while place < length and text[place] in " \t\r\n,\ufeff":
        place += 1
    return place


def _sender(event: Mapping[str, Any], target: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The stream of an event, and what it says of its sender as attributes."""
    host = name_of(event.get("host")) or name_of(target.get("host"))
    more = {key: name for key in _ABOUT if (name := name_of(event.get(key)) or name_of(target.get(key)))}
    stream = stream_of("splunk", host, more.get("source"), more.get("sourcetype"))
    return stream, {"host": host, **more} if host else more


def _of_event(event: Any, target: Mapping[str, str], late: list[tuple[int, str]], position: int) -> Arrival | str:
    """The arrival of an event, or why there is none."""
    if not isinstance(event, dict):
        return _UNREADABLE
    content = event.get("event")
    if content is None:
        return _NO_EVENT
    if content == "" or content == {}:
        return _BLANK
    stream, more = _sender(event, target)
    fields = event.get("fields")
    document = dict(fields) if isinstance(fields, dict) else {}
    if isinstance(content, dict):
        document |= content
        body = None
    else:
        body = content if isinstance(content, str) else compact(content)
    if document:
        arrival, text = arrival_of_document(document if body is None else {**document, "message": body}, "", "", more)
    else:
        arrival, text = Arrival(stream, body or "", attributes=compact(more) if more else None), None
    time = microseconds(event.get("time"))
    if time is None and arrival.timestamp is None:
        given = event.get("time")
        text = given if isinstance(given, str) and 0 < len(given) <= 64 else text
        if text is not None:
            late.append((position, text))
    service = arrival.service or service_of_file(more.get("source"))
    return arrival._replace(stream=stream, service=service, timestamp=arrival.timestamp if time is None else time)
