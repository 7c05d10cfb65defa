"""Encodings: records as bodies of OTLP and Loki push, and as syslog messages (RFC 5424)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from logradar.core.errors import ConfigError
from logradar.simulation.live.records import LiveRecord

HOST: Final = "shop"
_WORDS: Final = {5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "FATAL"}
_SEVERITIES: Final = {5: 7, 9: 6, 13: 4, 17: 3, 21: 2}  # RFC 5424, table 2
_FACILITY: Final = 16  # local0
_THOUSAND: Final = 1_000


def otlp_json(records: Sequence[LiveRecord]) -> bytes:
    """An ExportLogsServiceRequest as JSON; ids are hexadecimal, as OTLP says."""
    services: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for record in records:
        nanoseconds = str(record.time * _THOUSAND)
        services.setdefault(record.service, {}).setdefault(record.logger, []).append(
            {
                "timeUnixNano": nanoseconds,
                "observedTimeUnixNano": nanoseconds,
                "severityNumber": record.level,
                "severityText": _WORDS[record.level],
                "body": {"stringValue": record.text},
                "traceId": record.trace,
            }
        )
    parts = [
        {
            "resource": {"attributes": [_pair("service.name", service), _pair("host.name", HOST)]},
            "scopeLogs": [{"scope": {"name": logger}, "logRecords": logs} for logger, logs in loggers.items()],
        }
        for service, loggers in services.items()
    ]
    return orjson.dumps({"resourceLogs": parts})


def otlp_protobuf(records: Sequence[LiveRecord]) -> bytes:
    """An ExportLogsServiceRequest; raises `ConfigError` where the package of its messages is not installed."""
    messages = _messages()
    request = messages.ExportLogsServiceRequest()
    scopes: dict[tuple[str, str], Any] = {}
    resources: dict[str, Any] = {}
    for record in records:
        resource = resources.get(record.service)
        if resource is None:
            resource = resources[record.service] = request.resource_logs.add()
            for name, value in (("service.name", record.service), ("host.name", HOST)):
                resource.resource.attributes.add(key=name).value.string_value = value
        scope = scopes.get((record.service, record.logger))
        if scope is None:
            scope = scopes[record.service, record.logger] = resource.scope_logs.add()
            scope.scope.name = record.logger
        log = scope.log_records.add(
            time_unix_nano=record.time * _THOUSAND,
            observed_time_unix_nano=record.time * _THOUSAND,
            severity_number=record.level,
            severity_text=_WORDS[record.level],
            trace_id=bytes.fromhex(record.trace),
        )
        log.body.string_value = record.text
    return bytes(request.SerializeToString())


def rejected_in(body: bytes, *, json: bool) -> int:
    """How many records the receiver rejected, by its ExportLogsServiceResponse; 0 for what is none."""
    try:
        if json:
            return int((orjson.loads(body).get("partialSuccess") or {}).get("rejectedLogRecords", 0))
        return int(_messages().ExportLogsServiceResponse.FromString(body).partial_success.rejected_log_records)
    except Exception:  # whatever a server answers beside its status
        return 0


def loki_json(records: Sequence[LiveRecord]) -> bytes:
    """A push of Loki: a stream for each service and level, the trace and the logger as structured metadata."""
    streams: dict[tuple[str, int], list[Any]] = {}
    for record in records:
        metadata = {"trace_id": record.trace, "logger": record.logger}
        streams.setdefault((record.service, record.level), []).append(
            [str(record.time * _THOUSAND), record.text, metadata]
        )
    parts = [
        {"stream": {"service_name": service, "level": _WORDS[level].lower(), "host": HOST}, "values": values}
        for (service, level), values in streams.items()
    ]
    return orjson.dumps({"streams": parts})


def syslog_messages(records: Iterable[LiveRecord]) -> list[bytes]:
    """Messages of RFC 5424; the trace is a parameter of structured data."""
    found = []
    for record in records:
        moment = datetime.fromtimestamp(record.time / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        head = f"<{_FACILITY * 8 + _SEVERITIES[record.level]}>1 {moment}Z {HOST} {record.service} - {record.logger}"
        found.append(f'{head} [trace@32473 trace_id="{record.trace}"] {record.text}'.encode())
    return found


def _pair(name: str, value: str) -> dict[str, Any]:
    return {"key": name, "value": {"stringValue": value}}


def _messages() -> Any:
    try:
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
    except ModuleNotFoundError:
        raise ConfigError(
            "OTLP in protobuf needs opentelemetry-proto: pip install 'logradar[serve]', or leave out encoding=protobuf."
        ) from None
    return logs_service_pb2
