"""Hostile bodies: whatever comes, a decoder returns arrivals that can be stored or raises `BadBody`."""

from __future__ import annotations

from typing import Any

import cramjam
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.serving.arrivals import arrivals_table
from logradar.serving.ingest.bad_body import BadBody
from logradar.serving.ingest.doors import DOORS
from logradar.serving.ingest.elasticsearch import answer
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.loki_messages import push_requests

LIMITS = Limits(records=50, inflated_bytes=100_000)
DECODERS = {door.protocol: door.decode for door in DOORS}
NUMBERS = st.sampled_from([0, -1, 1, 9, 10**9, 1_767_225_600, 10**15, 2**63, 2**64, 1e308, 0.5, True])
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", "info", "2026-01-01T00:00:00Z", "1767225600", "9" * 30, "Jan 05 10:00:00", "0" * 32, '{app="a"}', "{", "\x00"]
)
NAMES = """resourceLogs resource_logs scopeLogs logRecords resource attributes scope name body stringValue kvlistValue
arrayValue values key value bytesValue intValue timeUnixNano severityNumber severityText traceId spanId eventName
streams stream labels entries ts line index create update delete _index _id doc @timestamp message level log trace id
service host error stack_trace event time source fields exception.stacktrace service.name"""
KEYS = st.sampled_from([*NAMES.split(), ""])
LEAVES = st.none() | NUMBERS | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
PAIR = st.fixed_dictionaries({"key": KEYS | LEAVES, "value": st.dictionaries(KEYS, VALUES, max_size=1)})
PAIRS = st.lists(PAIR, max_size=3)
DAMAGE = st.tuples(st.integers(0, 300), st.binary(max_size=3))
RECORDS = st.dictionaries(KEYS, VALUES | st.fixed_dictionaries({"stringValue": VALUES}) | PAIRS, max_size=8)
REQUESTS = st.one_of(
    st.builds(
        lambda records, pairs: {
            "resourceLogs": [{"resource": {"attributes": pairs}, "scopeLogs": [{"logRecords": records}]}]
        },
        st.lists(RECORDS, max_size=4),
        PAIRS,
    ),
    st.builds(
        lambda labels, values: {"streams": [{"stream": labels, "values": values}]},
        st.dictionaries(TEXTS, LEAVES, max_size=4),
        st.lists(st.tuples(LEAVES, LEAVES, st.dictionaries(KEYS, VALUES, max_size=2)), max_size=4),
    ),
    VALUES,
)


def attack(name: str, body: bytes) -> None:
    try:
        found = DECODERS[name](body, {"index": "a", "host": "h\x00"}, LIMITS)
    except BadBody as error:
        assert 400 <= error.status < 500 and str(error)
        return
    table = arrivals_table(found.arrivals)
    assert len(table) == len(found.arrivals) <= LIMITS.records
    for arrival in found.arrivals:
        assert arrival.level is None or 1 <= arrival.level <= 24
        assert arrival.attributes is None or isinstance(orjson.loads(arrival.attributes), dict)
        assert len(arrival.stream) <= 1_100 and arrival.body.encode() is not None
        assert arrival.timestamp is None or 0 < arrival.timestamp < 253_402_300_800_000_000
        for one in (arrival.service, arrival.component, arrival.session_key):
            assert one is None or 0 < len(one) <= 256
    if name == "elasticsearch":
        assert len(orjson.loads(answer(found, 0.0))["items"]) == len(found.actions)


@pytest.mark.parametrize("name", DECODERS)
@given(body=st.binary(max_size=80))
def test_bytes(name, body):
    attack(name, body)


@pytest.mark.parametrize("name", DECODERS)
@given(
    request=REQUESTS, more=st.lists(RECORDS, max_size=3), damage=st.tuples(st.integers(0, 300), st.binary(max_size=3))
)
def test_json(name, request, more, damage):
    def dumped(value: Any) -> bytes:
        try:
            return orjson.dumps(value)
        except orjson.JSONEncodeError:  # a number that JSON of 64 bits does not have
            return b'{"event":18446744073709551616}'

    if name == "elasticsearch":
        body = b"".join(b'{"index":{}}\n' + dumped(one) + b"\n" for one in [request, *more])
    elif name.startswith("splunk"):
        body = b"".join(dumped({"event": one, "time": 5, **one}) for one in more) + dumped(request)
    else:
        body = dumped(request)
    attack(name, body)
    place, patch = damage
    attack(name, body[:place] + patch + body[place + len(patch) :])


@given(
    st.lists(st.tuples(TEXTS, TEXTS, st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1)), max_size=4),
    st.integers(0, 200),
    st.binary(max_size=3),
)
def test_pushes_of_protobuf(streams, place, patch):
    request, _ = push_requests().parse(b"")
    for labels, line, seconds, nanos in streams:
        entry = request.streams.add(labels=labels).entries.add(line=line)
        entry.timestamp.seconds, entry.timestamp.nanos = seconds, nanos
        entry.metadata.add(name=labels, value=line)
    plain = request.SerializeToString()
    for body in (plain, plain[:place] + patch + plain[place + len(patch) :]):
        attack("loki", bytes(cramjam.snappy.compress_raw(body)))


@settings(max_examples=60)
@given(st.lists(st.tuples(RECORDS, TEXTS), max_size=3), st.integers(0, 400), st.binary(max_size=3))
def test_requests_of_protobuf(rows, place, patch):
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for values, text in rows:
        record = scope.log_records.add(severity_text=text, time_unix_nano=2**64 - 1, severity_number=len(values))
        record.trace_id = record.span_id = text.encode()
        record.body.string_value = text
        for key, value in values.items():
            pair = record.attributes.add(key=key)
            if isinstance(value, str):
                pair.value.string_value = value
            else:
                pair.value.array_value.values.add().double_value = float("nan")
    plain = request.SerializeToString()
    for body in (plain, plain[:place] + patch + plain[place + len(patch) :]):
        attack("otlp", body)
