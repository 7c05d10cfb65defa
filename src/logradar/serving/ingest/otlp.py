"""OTLP over HTTP: `/v1/logs` in protobuf and JSON, with the answers that exporters expect.

https://opentelemetry.io/docs/specs/otlp/#otlphttp. What a body is, its first byte says: a JSON object begins with a
brace, which no message of protobuf does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from logradar.serving.arrivals import Arrival
from logradar.serving.ingest import json_text, otlp_values, wire
from logradar.serving.ingest.bad_body import BadBody, too_large
from logradar.serving.ingest.decoded import Decoded, compact, merged, name_of, trace_of
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.moments import from_nanoseconds
from logradar.serving.ingest.otlp_records import arrival_of, origin_of
from logradar.serving.ingest.tolerant_protobuf import TolerantMessage

_RECORDS: Final = (1, 2, 2)  # fields of ExportLogsServiceRequest: resource_logs, scope_logs, log_records
_LOGS: Final = ("resourceLogs", "scopeLogs", "logRecords")
_UNAVAILABLE, _INVALID, _EXHAUSTED = 14, 3, 8  # google.rpc.Code
_CODES: Final = {401: 16, 403: 7, 413: _EXHAUSTED, 429: _EXHAUSTED, 503: _UNAVAILABLE}


def decode(body: bytes, target: Mapping[str, str], limits: Limits) -> Decoded:
    """The records of an ExportLogsServiceRequest; an empty body is an empty request. Raises `BadBody`."""
    if body.lstrip()[:1] == b"{":
        return _from_json(body, limits)
    return _from_protobuf(body, limits)


def success(request: Request, decoded: Decoded) -> Response:
    """ExportLogsServiceResponse in the content type of the request; what was rejected is a partial success."""
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

    reasons = "; ".join(dict.fromkeys(reason for _, reason in decoded.rejected[:20]))
    if _is_json(request):
        part = {"rejectedLogRecords": str(len(decoded.rejected)), "errorMessage": reasons}
        return _json({"partialSuccess": part} if decoded.rejected else {})
    answer = logs_service_pb2.ExportLogsServiceResponse()
    if decoded.rejected:
        answer.partial_success.rejected_log_records = len(decoded.rejected)
        answer.partial_success.error_message = reasons
    return Response(answer.SerializeToString(), media_type="application/x-protobuf")


def failure(request: Request, status: int, reason: str) -> Response:
    """A google.rpc.Status with the reason, in the content type of the request."""
    code = _CODES.get(status, _INVALID)
    if _is_json(request):
        return _json({"code": code, "message": reason}, status)
    text = reason.encode()[:8_000].decode(errors="ignore").encode()
    length = bytes([len(text)]) if len(text) < 128 else bytes([len(text) & 127 | 128, len(text) >> 7])
    return Response(b"\x08" + bytes([code]) + b"\x12" + length + text, status, media_type="application/x-protobuf")


def _json(document: Any, status: int = 200) -> Response:
    return Response(compact(document), status, media_type="application/json")


def _is_json(request: Request) -> bool:
    return "json" in request.headers.get("content-type", "").lower()


@cache
def _requests() -> TolerantMessage:
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

    return TolerantMessage(logs_service_pb2.ExportLogsServiceRequest)


@cache
def _severities() -> dict[str, int]:
    """Numbers by the names that JSON may have for them, SEVERITY_NUMBER_INFO2 and so on."""
    from opentelemetry.proto.logs.v1 import logs_pb2

    return dict(logs_pb2.SeverityNumber.items())


def _from_protobuf(body: bytes, limits: Limits) -> Decoded:
    wire.check_records(body, _RECORDS, limits.records)
    request, repaired = _requests().parse(body)
    pairs = otlp_values.pairs_from_protobuf
    parts: list[list[Arrival]] = []
    for resource_logs in request.resource_logs:
        origin = origin_of(pairs(resource_logs.resource.attributes))
        for scope_logs in resource_logs.scope_logs:
            scope = name_of(scope_logs.scope.name)
            parts.append(arrivals := [])
            for record in scope_logs.log_records:
                content, trace, span = record.body, record.trace_id, record.span_id
                nanoseconds = record.time_unix_nano or record.observed_time_unix_nano
                arrivals.append(
                    arrival_of(
                        origin,
                        scope,
                        from_nanoseconds(nanoseconds),
                        record.severity_number,
                        record.severity_text,
                        content.string_value or otlp_values.from_protobuf(content),
                        pairs(record.attributes),
                        trace_of(trace.hex()) if trace else None,
                        span.hex() if span.strip(b"\0") else "",
                        record.event_name,
                    )
                )
    return Decoded(merged(parts), [], repaired)


def _from_json(body: bytes, limits: Limits) -> Decoded:
    document, repaired = json_text.loads(body, limits.depth)
    if not isinstance(document, dict):
        raise BadBody("The body is no ExportLogsServiceRequest: it must be a JSON object with resourceLogs.")
    if "resourceLogs" not in document and "resource_logs" in document:
        document = _camel(document)
    parts: list[list[Arrival]] = []
    rejected: list[tuple[int, str]] = []
    position = 0
    for resource_logs in _objects(document, _LOGS[0]):
        resource = resource_logs.get("resource")
        attributes = resource.get("attributes") if isinstance(resource, dict) else None
        origin = origin_of(otlp_values.pairs_from_json(attributes))
        for scope_logs in _objects(resource_logs, _LOGS[1]):
            inside = scope_logs.get("scope")
            scope = name_of(inside.get("name")) if isinstance(inside, dict) else None
            parts.append(arrivals := [])
            for record in _listed(scope_logs, _LOGS[2]):
                if isinstance(record, dict):
                    arrivals.append(_of_json_record(origin, scope, record))
                else:
                    rejected.append((position, "a log record is a JSON object"))
                position += 1
                if position > limits.records:
                    raise too_large("The batch", limits.records, "records")
    return Decoded(merged(parts), rejected, repaired)


def _of_json_record(origin: Any, scope: str | None, record: dict[str, Any]) -> Any:
    get = record.get
    number, span, trace = get("severityNumber", 0), get("spanId"), get("traceId")
    if isinstance(number, str):
        number = int(number) if number.isdecimal() and len(number) < 4 else _severities().get(number, 0)
    time = from_nanoseconds(get("timeUnixNano"))
    return arrival_of(
        origin,
        scope,
        from_nanoseconds(get("observedTimeUnixNano")) if time is None else time,
        number if isinstance(number, int) else 0,
        _text(get("severityText")),
        otlp_values.from_json(get("body")),
        otlp_values.pairs_from_json(get("attributes")),
        trace_of(trace.lower()) if isinstance(trace, str) else None,
        span if isinstance(span, str) and span.strip("0") else "",
        _text(get("eventName")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _listed(document: dict[str, Any], name: str) -> list[Any]:
    values = document.get(name)
    if values is None:
        return []
    if not isinstance(values, list):
        raise BadBody(f"The body is no ExportLogsServiceRequest: {name} must be a list.")
    return values


def _objects(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    values = _listed(document, name)
    if not all(isinstance(one, dict) for one in values):
        raise BadBody(f"The body is no ExportLogsServiceRequest: {name} must hold objects only.")
    return values


def _camel(value: Any) -> Any:
    """The same with resource_logs as resourceLogs, and so on: some writers of JSON keep the names of the schema."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if isinstance(value, dict):
        return {head + "".join(part.title() for part in parts): _camel(one) for (head, *parts), one in _split(value)}
    return value


def _split(value: dict[str, Any]) -> list[tuple[list[str], Any]]:
    return [(key.split("_"), one) for key, one in value.items()]
