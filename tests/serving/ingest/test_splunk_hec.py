"""Splunk HEC: events that follow each other, raw lines, and the answers with their codes."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from logradar.serving.ingest import splunk
from logradar.serving.ingest.bad_body import BadBody
from logradar.serving.ingest.limits import Limits

LIMITS = Limits()


def events(*rows: Any, between: bytes = b"") -> Any:
    return splunk.decode_events(between.join(orjson.dumps(row) for row in rows), {}, LIMITS)


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n\t ", b","])
def test_events_follow_each_other(between):
    found = events({"event": "a"}, {"event": "b}{"}, {"event": "c"}, between=between)
    assert [one.body for one in found.arrivals] == ["a", "b}{", "c"]


def test_a_whole_event():
    (arrival,) = events(
        {
            "time": 1767225600.125,
            "host": "h1",
            "source": "cart.log",
            "sourcetype": "json",
            "index": "main",
            "event": {"message": "paid", "severity": "WARN", "logger": "shop", "amount": 7},
            "fields": {"service.name": "cart", "trace_id": "abc", "zone": "a"},
        }
    ).arrivals
    assert arrival[:-1] == ("splunk:h1/cart.log/json", "paid", 1_767_225_600_125_000, "cart", 13, "shop", "abc")
    assert json.loads(arrival.attributes) == {
        "host": "h1",
        "source": "cart.log",
        "sourcetype": "json",
        "index": "main",
        "zone": "a",
        "amount": 7,
    }


@pytest.mark.parametrize(
    ("time", "microseconds"),
    [
        ("1767225600.125", 1_767_225_600_125_000),
        (1767225600125, 1_767_225_600_125_000),
        ("2026-01-01T00:00:00.125Z", 1_767_225_600_125_000),
        ("01/Jan/2026:00:00:00 +0000", 1_767_225_600_000_000),
        ("", None),
        ("soon", None),
        (None, None),
        ({}, None),
        (True, None),
        (-5, None),
    ],
)
def test_times(time, microseconds):
    assert events({"time": time, "event": "x"}).arrivals[0].timestamp == microseconds


@pytest.mark.parametrize(("event", "body"), [(5, "5"), ([1, "a"], '[1,"a"]'), (True, "true"), ({"line": "x"}, "x")])
def test_events_of_all_kinds(event, body):
    assert events({"event": event}).arrivals[0].body == body


def test_one_wrong_event_does_not_cost_the_batch():
    body = (
        b'{"event":"a \xff"}{"time":1}{"event":""}{"event":{}}[{"event":"b"},{"event":"\\ud800"}]5\n'
        b'{"event":"c", wrong}\n{"event":"d"}{"event":'
    )
    found = splunk.decode_events(body, {}, LIMITS)
    assert [one.body for one in found.arrivals] == ["a �", "b", "�", "d"]
    assert [reason for _, reason in found.rejected] == [
        *("Event field is required", "Event field cannot be blank", "Event field cannot be blank"),
        *("Invalid data format", "Invalid data format", "Invalid data format"),
    ]
    assert found.repaired == 2
    answer = json.loads(splunk.success(None, found).body)
    assert answer == {"text": "Success", "code": 0, "rejected": 6, "invalid-event-number": 1}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'{"time":1}', {"text": "Event field is required", "code": 12, "invalid-event-number": 0}),
        (b'{"event":""}', {"text": "Event field cannot be blank", "code": 13, "invalid-event-number": 0}),
        (b"hello", {"text": "Invalid data format", "code": 6, "invalid-event-number": 0}),
        (b'{"event":"a"}', {"text": "Success", "code": 0}),
    ],
)
def test_answers(body, answer):
    reply = splunk.success(None, splunk.decode_events(body, {}, LIMITS))
    assert json.loads(reply.body) == answer
    assert reply.status_code == (400 if answer["code"] else 200)


def test_raw_lines():
    target = {"host": "h1", "source": "x", "channel": "c"}
    found = splunk.decode_raw(b"one \xff\r\n\n  two\n \nthree", target, LIMITS)
    assert [one.body for one in found.arrivals] == ["one �", "  two", "three"]
    assert {(one.stream, one.attributes) for one in found.arrivals} == {("splunk:h1/x", '{"host":"h1","source":"x"}')}
    assert found.repaired == 1


@pytest.mark.parametrize("decode", [splunk.decode_events, splunk.decode_raw])
@pytest.mark.parametrize("body", [b"", b" \n \r\n"])
def test_no_data(decode, body):
    with pytest.raises(BadBody, match="No data") as caught:
        decode(body, {}, LIMITS)
    assert json.loads(splunk.failure(None, 400, str(caught.value)).body) == {"text": "No data", "code": 5}


def test_too_many_and_too_deep():
    for decode, body in (
        (splunk.decode_events, b'{"event":"a"}' * 3),
        (splunk.decode_raw, b"a\n" * 3),
        (splunk.decode_events, b'[{"event":"a"},{"event":"a"},{"event":"a"}]{"event":"a"}'),
    ):
        with pytest.raises(BadBody, match="exceeds 2"):
            decode(body, {}, Limits(records=2))
    with pytest.raises(BadBody, match="deeper than 64"):
        splunk.decode_events(b'{"event":' + b"[" * 1_000, {}, LIMITS)
