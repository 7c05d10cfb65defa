"""Elasticsearch bulk: actions and documents, a status for each, and where the fields of a document stand."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from logradar.serving.ingest import elasticsearch
from logradar.serving.ingest.bad_body import BadBody
from logradar.serving.ingest.documents import arrival_of_document
from logradar.serving.ingest.limits import Limits

LIMITS = Limits()


def bulk(*rows: Any, index: str | None = None) -> tuple[elasticsearch.Bulk, dict[str, Any]]:
    """What a body of these lines becomes, and its answer."""
    body = b"".join((row if isinstance(row, bytes) else orjson.dumps(row)) + b"\n" for row in rows)
    found = elasticsearch.decode(body, {"index": index} if index else {}, LIMITS)
    return found, json.loads(elasticsearch.answer(found, 0.0))


def test_actions_have_their_own_status():
    found, answer = bulk(
        {"index": {"_index": "logs"}},
        {"message": "a"},
        {"create": {"_index": "logs", "_id": 'id "7"'}},
        {"message": "b"},
        {"delete": {"_index": "logs", "_id": "8"}},
        {"update": {"_index": "logs", "_id": "9"}},
        {"doc": {"message": "c"}},
        {"index": {}},
        {"message": "d"},
        {"index": {"_index": "logs"}},
        b"{wrong",
        {"index": {"_index": "logs"}},
        [1],
        {"index": {"_index": "logs"}},
        b'{"message": "e \xff"}',
    )
    assert [one.body for one in found.arrivals] == ["a", "b", "e �"]
    assert found.repaired == 1
    items = [(operation, item["status"]) for one in answer["items"] for operation, item in one.items()]
    assert items == [
        *(("index", 201), ("create", 201), ("delete", 400), ("update", 400)),
        *(("index", 400), ("index", 400), ("index", 400), ("index", 201)),
    ]
    assert answer["errors"] is True and isinstance(answer["took"], int)
    assert answer["items"][1]["create"]["_id"] == 'id "7"' and answer["items"][0]["index"]["_id"]
    assert "index is missing" in answer["items"][4]["index"]["error"]["reason"]
    assert "no JSON" in answer["items"][5]["index"]["error"]["reason"]


def test_the_index_of_the_path():
    found, answer = bulk({"index": {}}, {"message": "a"}, {"create": {"_index": "own"}}, {"message": "b"}, index="logs")
    assert [one.stream for one in found.arrivals] == ["elasticsearch:logs", "elasticsearch:own"]
    assert answer["errors"] is False and answer["items"][0]["index"]["_index"] == "logs"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "request body is required"),
        (b"\n \n", "request body is required"),
        (b"x\n{}\n", "no JSON"),
        (b"{}\n{}\n", r"Malformed action/metadata line \[1\]"),
        (b'{"index":{"_index":"a"}}\n{}\n{"search":{}}\n{}\n', r"line \[3\]"),
        (b'{"index":5}\n{}\n', r"line \[1\]"),
        (b'{"index":{"_index":"a"}}\n', "line 1 has no document"),
    ],
)
def test_what_is_no_bulk_body_is_refused(body, reason):
    with pytest.raises(BadBody, match=reason):
        elasticsearch.decode(body, {}, LIMITS)


def test_line_ends_and_depth():
    action, deep = b'{"index":{"_index":"a"}}', b'{"a":' * 2_000 + b"1" + b"}" * 2_000
    found = elasticsearch.decode(action + b'\r\n{"message":"x"}\r\n\r\n' + action + b"\n" + deep, {}, LIMITS)
    assert [one.body for one in found.arrivals] == ["x"]
    assert [reason for _, reason in found.rejected] == ["The JSON is nested deeper than 64 levels; send flat records."]
    with pytest.raises(BadBody, match="exceeds 2 actions"):
        elasticsearch.decode((action + b"\n{}\n") * 3, {}, Limits(records=2))
    with pytest.raises(BadBody, match="exceeds 2 actions"):
        elasticsearch.decode(b"\n" * 1_000, {}, Limits(records=2))


CASES = [
    (  # Elastic Common Schema, nested
        {
            "@timestamp": "2026-01-01T00:00:00.123Z",
            "message": "m",
            "log": {"level": "warn", "logger": "a.b", "file": {"path": "/x"}},
            "service": {"name": "cart"},
            "trace": {"id": "abc"},
            "host": {"name": "h1"},
        },
        ("cart/h1", "m", 1_767_225_600_123_000, "cart", 13, "a.b", "abc"),
        {"log": {"file": {"path": "/x"}}, "host": {"name": "h1"}},
    ),
    (  # the same with dots
        {"@timestamp": 1_767_225_600_123, "message": "m", "log.level": "WARN", "app": "cart", "trace.id": "abc"},
        ("cart", "m", 1_767_225_600_123_000, "cart", 13, None, "abc"),
        None,
    ),
    (  # Fluent Bit in Kubernetes
        {"@timestamp": "2026-01-01T00:00:00Z", "log": "m", "kubernetes": {"container_name": "cart", "pod_name": "p"}},
        ("cart", "m", 1_767_225_600_000_000, "cart", None, None, None),
        {"kubernetes": {"pod_name": "p"}},
    ),
    (  # a logger of JSON lines
        {"ts": 1767225600.5, "severity": 3, "msg": "m", "logger": "x", "traceId": "t", "user": 7},
        ("", "m", 1_767_225_600_500_000, None, 17, "x", "t"),
        {"user": 7},
    ),
    (  # a time that only log files write, and a level that is none
        {"time": "Jan 05 2026 10:00:00", "level": "none", "message": {"a": [1]}},
        ("", '{"a":[1]}', None, None, None, None, None),
        {"time": "Jan 05 2026 10:00:00", "level": "none"},
    ),
    ({"a": 1, "level": "info"}, ("", '{"a":1}', None, None, 9, None, None), None),
    ({}, ("", "", None, None, None, None, None), None),
    (
        {"message": "m", "error": {"stack_trace": "E: x\n\tat y\n", "type": "E"}, "trace.id": "0" * 32},
        ("", "m\nE: x\n\tat y", None, None, None, None, None),
        {"error": {"type": "E"}},
    ),
    ({"message": "m", "service": {"name": {"a": 1}}, "log": 5}, ("", "m", None, None, None, None, None),
     {"service": {"name": {"a": 1}}, "log": 5}),
    ({"message": 5, "@timestamp": True, "level": [], "stack_trace": "x"}, ("", "5\nx", None, None, None, None, None),
     {"@timestamp": True, "level": []}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "fields", "rest"), CASES)
def test_fields_of_documents(document, fields, rest):
    arrival, late = arrival_of_document(dict(document), "elasticsearch", "")
    stream = f"elasticsearch:{fields[0]}"
    assert arrival[:-1] == (stream, *fields[1:])
    assert (arrival.attributes and json.loads(arrival.attributes)) == rest
    assert (late is not None) == ("time" in document)


def test_times_in_layouts_of_log_files_are_read_together():
    rows: list[Any] = []
    for second in range(3):
        rows += [{"index": {"_index": "a"}}, {"time": f"05/Jan/2026:10:00:0{second} +0000", "message": "x"}]
        rows += [{"index": {"_index": "a"}}, {"time": f"2026-01-05 10:00:0{second},500", "message": "y"}]
    found, _ = bulk(*rows, {"index": {"_index": "a"}}, {"time": "soon 1", "message": "z"})
    seconds = [one.timestamp and one.timestamp / 1e6 - 1_767_607_200 for one in found.arrivals]
    assert seconds == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, None]
