"""OTLP: what records become, in protobuf and JSON, and what is not lost."""

from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from logradar.serving.ingest import otlp
from logradar.serving.ingest.bad_body import BadBody
from logradar.serving.ingest.limits import Limits

LIMITS = Limits()
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(one) for one in value]}}
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue"}
    return {kinds[type(value)]: str(value) if isinstance(value, int) else value}


def document(
    *records: dict[str, Any], resource: dict[str, Any] | None = None, scope: str = "shop.cart"
) -> dict[str, Any]:
    named = {"service.name": "cart", "host.name": "h1"} if resource is None else resource
    scopes = [{"scope": {"name": scope}, "logRecords": list(records)}]
    return {"resourceLogs": [{"resource": {"attributes": pairs(named)}, "scopeLogs": scopes}]}


def both(found: dict[str, Any]) -> list[bytes]:
    """The same request in JSON and in protobuf."""
    ids = json.loads(json.dumps(found))
    for part in ids["resourceLogs"]:
        for scope in part["scopeLogs"]:
            for record in scope["logRecords"]:
                for key in ("traceId", "spanId"):  # json_format reads ids as base64
                    if key in record:
                        record[key] = base64.b64encode(bytes.fromhex(record[key])).decode()
    return [orjson.dumps(found), json_format.ParseDict(ids, ExportLogsServiceRequest()).SerializeToString()]


def decoded(found: dict[str, Any]) -> list:
    first, second = (otlp.decode(body, {}, LIMITS) for body in both(found))
    assert first == second and not first.rejected
    return first.arrivals


def test_a_whole_record():
    record = {
        "timeUnixNano": "1767225600123456789",
        "observedTimeUnixNano": "1767225601000000000",
        "severityNumber": 13,
        "severityText": "warn",
        "body": {"stringValue": "slow"},
        "traceId": TRACE,
        "spanId": SPAN,
        "eventName": "cart.slow",
        "attributes": pairs({"n": 3, "ok": True, "x": 1.5, "list": [1, "a"], "map": {"k": {"deep": 1}}}),
    }
    resource = {"service.name": "cart", "host.name": "h1", "process.pid": 7, "telemetry.sdk.name": "x", "os.type": "y"}
    (arrival,) = decoded(document(record, resource=resource))
    attributes = json.loads(arrival.attributes)
    assert arrival[:-1] == ("otlp:cart/h1", "slow", 1_767_225_600_123_456, "cart", 13, "shop.cart", TRACE)
    assert attributes == {
        "host.name": "h1",
        "process.pid": 7,
        "n": 3,
        "ok": True,
        "x": 1.5,
        "list": [1, "a"],
        "map": {"k": {"deep": 1}},
        "event.name": "cart.slow",
        "span_id": SPAN,
    }


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("text", "text"),
        ("", ""),
        (7, "7"),
        (1.5, "1.5"),
        (False, "false"),
        ([1, "a", [True]], '[1,"a",[true]]'),
        ({"message": "m", "n": {"k": 2}}, '{"message":"m","n":{"k":2}}'),
    ],
)
def test_bodies_of_all_kinds(body, text):
    assert [one.body for one in decoded(document({"body": any_value(body)}))] == [text]


def test_bodies_of_bytes():
    for wire, text in (("aGk=", "hi"), ("//8=", "//8=")):
        assert decoded(document({"body": {"bytesValue": wire}}))[0].body == text


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"severityNumber": 17}, 17),
        ({"severityNumber": 0, "severityText": "WARNING"}, 13),
        ({"severityText": "fatal"}, 21),
        ({"severityText": "blue"}, None),
        ({}, None),
    ],
)
def test_levels(fields, level):
    (arrival,) = decoded(document({"body": any_value("x"), **fields}, resource={}))
    assert arrival.level == level
    assert arrival.attributes == ('{"severity_text":"blue"}' if fields.get("severityText") == "blue" else None)


def test_levels_and_times_of_json_in_other_forms():
    records = [
        {"body": {"stringValue": "x"}, "severityNumber": number, "timeUnixNano": 1_767_225_600_000_000_000}
        for number in ("SEVERITY_NUMBER_ERROR2", "9", 40, -1, True, None, "x")
    ]
    found = otlp.decode(orjson.dumps(document(*records)), {}, LIMITS).arrivals
    assert [one.level for one in found][:4] == [18, 9, None, None]
    assert {one.timestamp for one in found} == {1_767_225_600_000_000}


def test_what_is_unknown_is_none():
    zero = {"traceId": "0" * 32, "spanId": "0" * 16, "body": any_value("x")}
    zero["observedTimeUnixNano"] = "1767225601000000000"
    (arrival,) = decoded(document(zero, resource={}, scope=""))
    assert arrival == ("otlp:", "x", 1_767_225_601_000_000, None, None, None, None, None)


def test_a_stack_trace_is_put_below_the_message():
    stack = "Traceback:\n  File \"a\"\nKeyError: 'x'\n"
    fields = {"exception.type": "KeyError", "exception.stacktrace": stack}
    first, second, third = decoded(
        document(
            {"body": any_value("failed"), "attributes": pairs(fields)},
            {"attributes": pairs(fields)},
            {"body": any_value("failed\n" + stack), "attributes": pairs(fields)},
        )
    )
    assert first.body == third.body.rstrip("\n") == "failed\n" + stack.strip("\n")
    assert second.body == stack.strip("\n")
    rest = {"host.name": "h1", "exception.type": "KeyError"}
    assert json.loads(first.attributes) == json.loads(third.attributes) == rest


def test_a_record_without_body_is_its_event_or_its_attributes():
    first, second = decoded(document({"eventName": "started"}, {"attributes": pairs({"a": 1})}))
    assert (first.body, second.body) == ("started", '{"a":1}')


def test_the_logger_may_be_an_attribute():
    record = {"body": any_value("x"), "attributes": pairs({"log.logger": "shop.db"})}
    assert decoded(document(record, scope=""))[0].component == "shop.db"


def test_wrong_bytes_do_not_cost_the_batch():
    texts = document({"body": any_value("good")}, {"body": any_value("bad QQ"), "attributes": pairs({"k": "QQ"})})
    as_json, as_protobuf = (body.replace(b"QQ", b"\xff\xe9") for body in both(texts))
    for body in (as_json, as_protobuf):
        found = otlp.decode(body, {}, LIMITS)
        assert [one.body for one in found.arrivals] == ["good", "bad ��"]
        assert '"k":"��"' in found.arrivals[1].attributes
        assert found.repaired >= 2


def test_names_of_the_schema_in_json():
    (arrival,) = otlp.decode(
        orjson.dumps(
            {
                "resource_logs": [
                    {
                        "resource": {"attributes": [{"key": "service.name", "value": {"string_value": "cart"}}]},
                        "scope_logs": [{"log_records": [{"severity_number": 9, "body": {"string_value": "x"}}]}],
                    }
                ]
            }
        ),
        {},
        LIMITS,
    ).arrivals
    assert (arrival.body, arrival.level, arrival.service) == ("x", 9, "cart")


def test_records_that_are_none_are_rejected_alone():
    found = document({"body": any_value("x")})
    found["resourceLogs"][0]["scopeLogs"][0]["logRecords"] += [5, None]
    result = otlp.decode(orjson.dumps(found), {}, LIMITS)
    assert [one.body for one in result.arrivals] == ["x"]
    assert [place for place, _ in result.rejected] == [1, 2]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"resourceLogs":null}', b'{"resourceLogs":[{}]}'])
def test_nothing_is_no_error(body):
    assert otlp.decode(body, {}, LIMITS) == ([], [], 0)


@pytest.mark.parametrize("body", [b"{", b'{"resourceLogs":5}', b'{"resourceLogs":[5]}', b"hello", b"\x0a\xff", b"\x00"])
def test_what_is_no_request_is_refused(body):
    with pytest.raises(BadBody) as caught:
        otlp.decode(body, {}, LIMITS)
    assert caught.value.status == 400


def test_a_truncated_message_is_refused_at_every_length():
    whole = both(document({"body": any_value("x" * 50), "traceId": TRACE}))[1]
    for length in range(1, len(whole)):
        with pytest.raises(BadBody, match="cut off"):
            otlp.decode(whole[:length], {}, LIMITS)


def test_many_records_are_refused_before_they_are_parsed():
    def field(number: int, content: bytes) -> bytes:
        length, shifted = b"", len(content)
        while True:
            length += bytes([shifted & 127 | (128 if shifted > 127 else 0)])
            shifted >>= 7
            if not shifted:
                return bytes([number << 3 | 2]) + length + content

    body = field(1, field(2, b"\x12\x00" * 300_000))
    with pytest.raises(BadBody, match="exceeds 100,000 records") as caught:
        otlp.decode(body, {}, LIMITS)
    assert caught.value.status == 413
    with pytest.raises(BadBody, match="exceeds 5 records"):
        otlp.decode(orjson.dumps(document(*[{}] * 6)), {}, Limits(records=5))
    nested = field(5, b"")
    for _ in range(200):
        nested = field(5, field(1, nested))
    with pytest.raises(BadBody):
        otlp.decode(field(1, field(2, field(2, field(5, nested)))), {}, LIMITS)


def test_records_of_several_loggers_are_in_order_of_time_again():
    """Exporters group by logger, so what one program wrote comes taken apart."""
    scopes = [
        {
            "scope": {"name": name},
            "logRecords": [{"timeUnixNano": str(at * 1000), "body": {"stringValue": f"{at}"}} for at in times],
        }
        for name, times in (("a", (10, 30, 50)), ("b", (20, 40)))
    ]
    found = otlp.decode(orjson.dumps({"resourceLogs": [{"scopeLogs": scopes}]}), {}, LIMITS)
    assert [one.body for one in found.arrivals] == ["10", "20", "30", "40", "50"]
    assert [one.component for one in found.arrivals] == ["a", "b", "a", "b", "a"]
