"""Ingest: lines a second that each protocol's decoder makes arrivals of, on one core.

    python benchmarks/bench_ingest.py

Batches hold 100 to 500 lines of a shop with level, service, trace id and three attributes each, as shippers send them:
compressed or not. Measured is what a request costs beside HTTP and the disk: inflating and decoding; and for comparison
what parsing alone costs (`orjson.loads`, protobuf), below which no decoder in Python can be. No other tool is beside
it: none offers these decoders without its server.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import cramjam
import orjson
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from logradar.serving.ingest import elasticsearch, loki, otlp, splunk
from logradar.serving.ingest.inflating import inflated
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.loki_messages import push_requests

START = 1_767_225_600_000_000_000  # nanoseconds
LEVELS = ("INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR")
LIMITS = Limits()
Case = tuple[str, bytes, str | None, Callable[..., Any], Callable[[bytes], Any]]


def lines(count: int) -> list[dict[str, Any]]:
    """What the protocols carry, before it is written in their forms."""
    return [
        {
            "time": START + number * 1_000_000,
            "level": LEVELS[number % len(LEVELS)],
            "body": f"order {number * 7919 % 100_000} of customer {number % 997} priced at {number % 500}",
            "trace": f"{number * 2654435761 % (1 << 128) + 1:032x}",
            "attributes": {"http.route": "/orders/{id}", "thread": f"worker-{number % 8}", "code.lineno": number % 300},
        }
        for number in range(count)
    ]


def otlp_json(rows: list[dict[str, Any]]) -> dict[str, Any]:
    records = [
        {
            "timeUnixNano": str(row["time"]),
            "severityNumber": {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}[row["level"]],
            "severityText": row["level"],
            "body": {"stringValue": row["body"]},
            "traceId": row["trace"],
            "spanId": row["trace"][:16],
            "attributes": [
                {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
                for key, value in row["attributes"].items()
            ],
        }
        for row in rows
    ]
    resource = {"service.name": "orders", "host.name": "shop-1", "deployment.environment.name": "test"}
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in resource.items()]
    scopes = [{"scope": {"name": "shop.orders"}, "logRecords": records}]
    return {"resourceLogs": [{"resource": {"attributes": pairs}, "scopeLogs": scopes}]}


def otlp_protobuf(rows: list[dict[str, Any]]) -> bytes:
    request = ExportLogsServiceRequest()
    part = request.resource_logs.add()
    for key, value in {"service.name": "orders", "host.name": "shop-1", "deployment.environment.name": "test"}.items():
        part.resource.attributes.add(key=key).value.string_value = value
    scope = part.scope_logs.add()
    scope.scope.name = "shop.orders"
    for row in rows:
        record = scope.log_records.add(time_unix_nano=row["time"], severity_text=row["level"])
        record.severity_number = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}[row["level"]]
        record.body.string_value = row["body"]
        record.trace_id, record.span_id = bytes.fromhex(row["trace"]), bytes.fromhex(row["trace"][16:])
        for key, value in row["attributes"].items():
            pair = record.attributes.add(key=key)
            if isinstance(value, int):
                pair.value.int_value = value
            else:
                pair.value.string_value = value
    return request.SerializeToString()


def loki_protobuf(rows: list[dict[str, Any]]) -> bytes:
    request, _ = push_requests().parse(b"")
    streams = {
        level: request.streams.add(labels=f'{{app="orders", level="{level}"}}') for level in dict.fromkeys(LEVELS)
    }
    for row in rows:
        entry = streams[row["level"]].entries.add(line=row["body"])
        entry.timestamp.seconds, entry.timestamp.nanos = divmod(row["time"], 10**9)
        entry.metadata.add(name="trace_id", value=row["trace"])
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def loki_json(rows: list[dict[str, Any]]) -> bytes:
    streams = []
    for level in dict.fromkeys(LEVELS):
        values = [[str(row["time"]), row["body"], {"trace_id": row["trace"]}] for row in rows if row["level"] == level]
        streams.append({"stream": {"app": "orders", "level": level}, "values": values})
    return orjson.dumps({"streams": streams})


def bulk(rows: list[dict[str, Any]]) -> bytes:
    found = []
    for row in rows:
        document = {
            "@timestamp": f"2026-01-01T00:00:{row['time'] % 60_000_000_000 / 1e9:09.6f}Z",
            "message": row["body"],
            "log": {"level": row["level"], "logger": "shop.orders"},
            "service": {"name": "orders"},
            "host": {"name": "shop-1"},
            "trace": {"id": row["trace"]},
            **row["attributes"],
        }
        found += [b'{"create":{"_index":"logs"}}', orjson.dumps(document)]
    return b"\n".join(found) + b"\n"


def hec(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(
        orjson.dumps(
            {
                "time": row["time"] / 1e9,
                "host": "shop-1",
                "source": "orders.log",
                "event": row["body"],
                "fields": {"level": row["level"], "service": "orders", "trace_id": row["trace"], **row["attributes"]},
            }
        )
        for row in rows
    )


def measured(work: Callable[[], object], count: int, seconds: float) -> float:
    """Lines a second: the best of several rounds, since others use the machine too."""
    best = 0.0
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        for _ in range(5):
            work()
        best = max(best, 5 * count / (time.perf_counter() - began))
    return best


def cases(rows: list[dict[str, Any]]) -> list[Case]:
    """Name, body, Content-Encoding, decoder, and what parses the body alone."""
    protobuf, push = otlp_protobuf(rows), loki_protobuf(rows)
    documents = bulk(rows)
    unpack = cramjam.snappy.decompress_raw
    return [
        ("OTLP protobuf", protobuf, None, otlp.decode, ExportLogsServiceRequest.FromString),
        ("OTLP protobuf, gzip", gzip.compress(protobuf, 6), "gzip", otlp.decode, ExportLogsServiceRequest.FromString),
        ("OTLP JSON", orjson.dumps(otlp_json(rows)), None, otlp.decode, orjson.loads),
        ("Loki snappy protobuf", push, None, loki.decode, lambda body: push_requests().parse(bytes(unpack(body)))),
        ("Loki JSON", loki_json(rows), None, loki.decode, orjson.loads),
        ("Elasticsearch bulk", documents, None, elasticsearch.decode, _parse_lines),
        (
            "Elasticsearch bulk, zstd",
            zstandard.ZstdCompressor().compress(documents),
            "zstd",
            elasticsearch.decode,
            _parse_lines,
        ),
        ("Splunk HEC", hec(rows), None, splunk.decode_events, _parse_events),
        ("Splunk HEC raw", "\n".join(row["body"] for row in rows).encode(), None, splunk.decode_raw, bytes.splitlines),
    ]


def _parse_lines(body: bytes) -> list[Any]:
    return [orjson.loads(line) for line in body.split(b"\n") if line]


def _parse_events(body: bytes) -> list[Any]:
    return [orjson.loads(b"{" + event) for event in body[1:].replace(b"}{", b"}\n{").split(b"\n{")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="batches of 100 and 500 lines, 3 s each, not 200 and 0.3 s")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    chosen = parser.parse_args()
    found = []
    for count in (100, 500) if chosen.full else (200,):
        for name, body, encoding, decode, parse in cases(lines(count)):
            plain = inflated(body, encoding, LIMITS.inflated_bytes)
            work = lambda: decode(inflated(body, encoding, LIMITS.inflated_bytes), {}, LIMITS)  # noqa: B023, E731
            assert len(work().arrivals) == count
            seconds = 3.0 if chosen.full else 0.3
            rate, alone = measured(work, count, seconds), measured(lambda: parse(plain), count, seconds)  # noqa: B023
            found.append(
                {
                    "protocol": name,
                    "batch": count,
                    "bytes_per_line": round(len(body) / count),
                    "lines_per_s": round(rate),
                    "parsing_alone_lines_per_s": round(alone),
                }
            )
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'protocol':<28}{'batch':>7}{'bytes/line':>12}{'lines/s':>12}{'parsing alone':>16}")
    for row in found:
        print("{:<28}{:>7,}{:>12,}{:>12,}{:>16,}".format(*row.values()))


if __name__ == "__main__":
    main()
