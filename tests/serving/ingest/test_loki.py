"""Loki push: labels, metadata, both forms of a body, and what is not lost."""

from __future__ import annotations

import json
from typing import Any

import cramjam
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logradar.serving.ingest import loki
from logradar.serving.ingest.bad_body import BadBody
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.loki_labels import parse_labels
from logradar.serving.ingest.loki_messages import push_requests

LIMITS = Limits()
NS = 1_767_225_600_123_456_789


def text_of(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}={json.dumps(value)}" for key, value in labels.items()) + "}"


def protobuf(*streams: tuple[str, list[tuple[int, str, dict[str, str]]]]) -> bytes:
    request, _ = push_requests().parse(b"")
    for labels, entries in streams:
        stream = request.streams.add(labels=labels)
        for time, line, metadata in entries:
            entry = stream.entries.add(line=line)
            entry.timestamp.seconds, entry.timestamp.nanos = divmod(time, 10**9)
            for name, value in metadata.items():
                entry.metadata.add(name=name, value=value)
    return request.SerializeToString()


def snappy(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))


def both(labels: dict[str, str], *entries: tuple[int, str, dict[str, str]]) -> list:
    as_json = {"streams": [{"stream": labels, "values": [[str(ns), line, more] for ns, line, more in entries]}]}
    first = loki.decode(orjson.dumps(as_json), {}, LIMITS)
    second = loki.decode(snappy(protobuf((text_of(labels), list(entries)))), {}, LIMITS)
    assert first == second and not first.rejected
    return first.arrivals


def test_labels_and_metadata():
    labels = {"service_name": "cart", "level": "info", "host": "h1", "logger": "shop.cart"}
    metadata = {"trace_id": "abc", "level": "error", "n": "1"}
    first, second = both(labels, (NS, "paid", {}), (NS + 1_000, "failed", metadata))
    stream = 'loki:{host="h1", logger="shop.cart", service_name="cart"}'
    assert first == (stream, "paid", NS // 1000, "cart", 9, "shop.cart", None, '{"host":"h1"}')
    assert second == (stream, "failed", NS // 1000 + 1, "cart", 17, "shop.cart", "abc", '{"host":"h1","n":"1"}')


@pytest.mark.parametrize(
    ("labels", "service", "level"),
    [
        ({"app": "a", "job": "j", "detected_level": "warn"}, "a", 13),
        ({"container": "c", "severity": "critical"}, "c", 21),
        ({"job": "j", "level": "unknown", "severity": "debug"}, "j", 5),
        ({"filename": "/var/log/x", "level": "unknown"}, None, None),
    ],
)
def test_names_of_labels(labels, service, level):
    (arrival,) = both(labels, (NS, "x", {}))
    assert (arrival.service, arrival.level) == (service, level)
    assert (arrival.attributes is None) == ({"app", "container"} & set(labels) == set(labels) - {"severity"})


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("{}", {}),
        (' { a = "b" , } ', {"a": "b"}),
        ('{a="x,y}", b="{"}', {"a": "x,y}", "b": "{"}),
        (r'{a="\"\\\n\t\x41\u00e9\101"}', {"a": '"\\\n\tAéA'}),
        ("{a=`raw \\n`}", {"a": "raw \\n"}),
        ('{a="größe 🙂"}', {"a": "größe 🙂"}),
        (r'{a="\ud800"}', {"a": "�"}),
    ],
)
def test_labels_as_text(text, labels):
    assert parse_labels(text) == labels


@pytest.mark.parametrize("text", ["", "a", "{a}", '{a=b"}', '{a="b}', '{a="b" b="c"}', '{="x"}', '{a="b"', "{,}"])
def test_wrong_labels(text):
    with pytest.raises(BadBody, match="abels"):
        parse_labels(text)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(max_size=20), max_size=5))
def test_labels_come_back(labels):
    pairs = (f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in labels.items())
    assert parse_labels("{" + ",".join(pairs) + "}") == labels


def test_wrong_labels_cost_their_stream_only():
    wrong = ("wrong", [(NS, "y", {}), (NS, "z", {})])
    body = snappy(protobuf(('{app="a"}', [(NS, "x", {})]), wrong, ("{}", [(NS, "w", {})])))
    found = loki.decode(body, {}, LIMITS)
    assert [one.body for one in found.arrivals] == ["x", "w"]
    assert [place for place, _ in found.rejected] == [1, 2]
    parts: list[Any] = [
        {"stream": {"app": "a"}, "values": [[str(NS), "x"], "wrong", [str(NS)], [str(NS), {"a": 1}]]},
        {"labels": "wrong", "entries": [{"ts": "2026-01-01T00:00:00Z", "line": "y"}]},
        {"labels": '{app="a"}', "entries": [{"ts": "2026-01-01T00:00:00Z", "line": "z"}]},
        5,
    ]
    found = loki.decode(orjson.dumps({"streams": parts}), {}, LIMITS)
    assert sorted(one.body for one in found.arrivals) == ["x", "z", '{"a":1}']
    assert [place for place, _ in found.rejected] == [1, 2, 4, 6]
    assert min(one.timestamp for one in found.arrivals) == 1_767_225_600_000_000


def test_wrong_bytes_do_not_cost_the_batch():
    body = protobuf(('{app="QQ"}', [(NS, "good", {}), (NS, "bad QQ", {"k": "QQ"})])).replace(b"QQ", b"\xff\xe9")
    found = loki.decode(snappy(body), {}, LIMITS)
    assert [one.body for one in found.arrivals] == ["good", "bad ��"]
    assert found.repaired == 3


def test_a_snappy_block_that_begins_with_a_brace_is_no_json():
    for length in range(60, 140):
        body = snappy(protobuf(('{a="b"}', [(NS, "".join(chr(33 + n % 90) for n in range(length)), {})])))
        assert len(loki.decode(body, {}, LIMITS).arrivals) == 1


@pytest.mark.parametrize(
    "time", ['"0"', '"-5"', '"x"', '"' + "9" * 30 + '"', "1e40", "null", "[]", "1.5", "-1", "true"]
)
def test_times_that_are_none(time):
    body = f'{{"streams":[{{"stream":{{}},"values":[[{time},"x"]]}}]}}'.encode()
    assert loki.decode(body, {}, LIMITS).arrivals[0].timestamp is None


@pytest.mark.parametrize("body", [b"", b"{}", b'{"streams":5}', b"[]", b"hello", b"\x05hello", b'{"str', b"\xff" * 9])
def test_what_is_no_push_is_refused(body):
    with pytest.raises(BadBody) as caught:
        loki.decode(body, {}, LIMITS)
    assert caught.value.status == 400


def test_many_entries_and_bombs_are_refused():
    with pytest.raises(BadBody, match="exceeds 2 entries"):
        loki.decode(b'{"streams":[{"stream":{},"values":[[],[],[]]}]}', {}, Limits(records=2))
    with pytest.raises(BadBody, match="exceeds") as caught:
        loki.decode(snappy(bytes(2 << 20)), {}, Limits(inflated_bytes=1 << 20))
    assert caught.value.status == 413
