"""The way of a request over HTTP: answers of each protocol, limits, keys, pressure, and what a sender cannot break."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import time

import cramjam
import httpx
import orjson
import pytest
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from tests.serving.ingest.ingest_server import serving

from logradar.core.errors import LogRadarError
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.presented_key import presented_key
from logradar.serving.ingest.sink import Refused


def otlp(*lines: str) -> bytes:
    records = [{"body": {"stringValue": line}} for line in lines]
    return orjson.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})


LINES = ["line 0", "line 1", "line 2"]
OTLP = otlp(*LINES)
LOKI = orjson.dumps(
    {"streams": [{"stream": {"app": "a"}, "values": [["1767225600000000000", line] for line in LINES]}]}
)
BULK = b"".join(b'{"create":{"_index":"a"}}\n{"message":"line %d"}\n' % n for n in range(3))
HEC = b"".join(b'{"event":"line %d"}' % n for n in range(3))
RAW = b"line 0\nline 1\nline 2\n"
DOORS = {
    "/v1/logs": (OTLP, 200),
    "/loki/api/v1/push": (LOKI, 204),
    "/api/prom/push": (LOKI, 204),
    "/_bulk": (BULK, 200),
    "/logs/_bulk": (BULK, 200),
    "/services/collector": (HEC, 200),
    "/services/collector/event": (HEC, 200),
    "/services/collector/event/1.0": (HEC, 200),
    "/services/collector/raw": (RAW, 200),
    "/services/collector/raw/1.0": (RAW, 200),
}


@pytest.fixture(scope="module")
def shared():
    with serving() as server:
        yield server


@pytest.fixture
def server(shared):
    shared.sink.arrivals.clear()
    shared.counts.clear()
    shared.sink.refusal = None
    return shared


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "", "application/json", "text/plain"])
def test_the_path_alone_chooses_the_parser(server, path, kind):
    body, status = DOORS[path]
    answer = httpx.post(server.url + path, content=body, headers={"content-type": kind} if kind else {})
    assert answer.status_code == status
    assert [one.body for one in server.sink.arrivals] == LINES
    assert server.counts[0][1:] == (3, len(body), 0)


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("encoding", ["gzip", "zstd", "snappy"])
def test_compressed(server, path, encoding):
    body, status = DOORS[path]
    pack = {"gzip": gzip.compress, "zstd": zstandard.compress, "snappy": cramjam.snappy.compress}[encoding]
    answer = httpx.post(server.url + path, content=bytes(pack(body)), headers={"content-encoding": encoding})
    assert answer.status_code == status
    assert [one.body for one in server.sink.arrivals] == LINES


def test_snappy_protobuf_of_loki_with_the_header_or_without(server):
    from logradar.serving.ingest.loki_messages import push_requests

    request, _ = push_requests().parse(b"")
    request.streams.add(labels='{app="a"}').entries.add(line="x")
    body = bytes(cramjam.snappy.compress_raw(request.SerializeToString()))
    for headers in ({}, {"content-type": "application/x-protobuf"}):
        assert httpx.post(f"{server.url}/loki/api/v1/push", content=body, headers=headers).status_code == 204
    headers = {"content-encoding": "snappy"}
    assert httpx.post(f"{server.url}/loki/api/v1/push", content=body, headers=headers).status_code == 204
    assert [one.body for one in server.sink.arrivals] == ["x"] * 3


def test_answers_of_otlp(server):
    body = OTLP.replace(b'{"body":{"stringValue":"line 1"}}', b"5")
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{server.url}/v1/logs", content=body, headers=headers)
    part = answer.json()["partialSuccess"]
    assert part == {"rejectedLogRecords": "1", "errorMessage": "a log record is a JSON object"}
    assert answer.headers["content-type"] == "application/json" and server.counts == [("otlp", 2, len(body), 1)]
    answer = httpx.post(f"{server.url}/v1/logs", content=body, headers={"content-type": "application/x-protobuf"})
    assert ExportLogsServiceResponse.FromString(answer.content).partial_success.rejected_log_records == 1
    answer = httpx.post(f"{server.url}/v1/logs", content=ExportLogsServiceRequest().SerializeToString())
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("body", [b"\xff\xfe{", b'{"x":', b""])
def test_bodies_that_cannot_be_read(server, path, body):
    answer = httpx.post(server.url + path, content=body, headers={"content-type": "application/json"})
    if ("raw" in path and body) or (path == "/v1/logs" and not body):
        assert answer.status_code == 200
    else:
        assert answer.status_code == 400 and len(answer.text) > 10 and "Traceback" not in answer.text
        assert server.sink.arrivals == [] and server.counts[0][1] == 0


SENTENCE = "The log on disk is full; free some space and it goes on by itself."


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("status", [429, 503])
def test_a_refused_request(server, path, status):
    server.sink.refusal = Refused(status, 7, SENTENCE)
    assert isinstance(server.sink.refusal, LogRadarError)
    answer = httpx.post(server.url + path, content=DOORS[path][0], headers={"content-type": "application/json"})
    assert answer.status_code == (503 if "collector" in path else status)
    assert answer.headers["retry-after"] == "7" and SENTENCE in answer.text
    assert server.sink.arrivals == [] and server.counts[0][1] == 0
    server.sink.refusal = None
    assert httpx.post(server.url + path, content=DOORS[path][0]).status_code == DOORS[path][1]
    assert len(server.sink.arrivals) == 3


def test_errors_have_the_form_of_their_protocol(server):
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{server.url}/v1/logs", content=b"{", headers=headers)
    assert answer.json()["code"] == 3 and "no JSON" in answer.json()["message"]
    answer = httpx.post(f"{server.url}/v1/logs", content=b"\xff", headers={"content-type": "application/x-protobuf"})
    assert answer.content[:2] == b"\x08\x03" and b"no ExportLogsServiceRequest" in answer.content
    answer = httpx.post(f"{server.url}/_bulk", content=b"{")
    assert answer.json()["status"] == 400 and answer.json()["error"]["type"] == "illegal_argument_exception"
    assert answer.headers["x-elastic-product"] == "Elasticsearch"
    assert httpx.post(f"{server.url}/services/collector", content=b"").json() == {"text": "No data", "code": 5}
    assert "no push of Loki" in httpx.post(f"{server.url}/loki/api/v1/push", content=b"{}").text
    assert httpx.post(f"{server.url}/v1/logs", content=b"", headers={"content-encoding": "br"}).status_code == 415
    assert httpx.get(f"{server.url}/v1/logs").status_code == 405


BROWSER = {"accept": "text/html,application/xhtml+xml"}


def test_what_clients_of_elasticsearch_ask_first(server):
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/").json()["version"]["number"].startswith("8.")
        assert client.head("/").headers["x-elastic-product"] == "Elasticsearch"
        assert client.get("/_license").json()["license"]["status"] == "active"
        assert client.get("/_xpack").json()["features"]["ilm"]["enabled"] is True
        assert client.get("/_cluster/health").json()["status"] == "green"
        assert client.get("/_nodes/_all/http").json()["nodes"] == {}
        for path in ("/_ilm/policy/filebeat", "/_index_template/x", "/_ingest/pipeline/x", "/_template/x"):
            assert client.head(path).status_code == client.get(path).status_code == 200
            assert client.put(path, content=b"{}").json() == {"acknowledged": True}
        assert client.get("/", headers=BROWSER).json()["tagline"]
        assert client.get("/services/collector/health").json()["code"] == 17
        assert client.post("/services/collector/ack").json()["code"] == 14


async def page(request):
    return HTMLResponse("<h1>Incidents</h1>")


def test_a_browser_gets_a_page():
    with serving(page=page) as server:
        assert httpx.get(server.url, headers=BROWSER).text == "<h1>Incidents</h1>"
        assert httpx.get(server.url).json()["version"]


def check_key(request):
    secret = presented_key(request.headers)
    if secret is None:
        raise HTTPException(401, "A key is needed.", {"WWW-Authenticate": "Bearer"})
    if secret != "right":
        raise HTTPException(403, "The key may not send logs.")


def test_no_endpoint_answers_without_a_key():
    with serving(authorize=check_key) as server, httpx.Client(base_url=server.url) as client:
        for path, (body, status) in DOORS.items():
            bare, wrong = (client.post(path, content=body, headers=headers) for headers in ({}, {"x-api-key": "no"}))
            assert (bare.status_code, wrong.status_code) == (401, 403)
            assert bare.headers["www-authenticate"] == "Bearer"
            assert server.sink.arrivals == []
            assert client.post(path, content=body, headers={"authorization": "Splunk right"}).status_code == status
            server.sink.arrivals.clear()
        assert client.post("/services/collector", content=HEC).json()["code"] == 2
        assert client.post("/services/collector", content=HEC, headers={"x-api-key": "no"}).json()["code"] == 4
        for path in ("/", "/_license", "/_ilm/policy/x", "/services/collector/health", "/services/collector/ack"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"authorization": "ApiKey right"}).status_code in (200, 400)


async def check_key_later(request):
    await asyncio.sleep(0)
    check_key(request)


def test_authorize_may_be_a_coroutine():
    with serving(authorize=check_key_later) as server:
        assert httpx.post(f"{server.url}/v1/logs", content=OTLP).status_code == 401
        assert httpx.post(f"{server.url}/v1/logs", content=OTLP, headers={"x-api-key": "right"}).status_code == 200


SMALL = Limits(compressed_bytes=100_000, inflated_bytes=200_000, loop_bytes=50_000, body_seconds=1.0)


@pytest.fixture(scope="module")
def narrow():
    with serving(SMALL) as server:
        yield server


@pytest.mark.parametrize("path", DOORS)
def test_bombs_and_large_bodies(narrow, path):
    narrow.sink.arrivals.clear()
    bomb = gzip.compress(bytes(10_000_000))
    for body, headers in (
        (bomb, {"content-encoding": "gzip"}),
        (zstandard.compress(bytes(10_000_000)), {"content-encoding": "zstd"}),
        (b"x" * 100_001, {}),
        (b"[" * 60_000, {}),
    ):
        answer = httpx.post(narrow.url + path, content=body, headers=headers)
        if "raw" in path and body[:1] == b"[":
            assert answer.status_code == 200
        else:
            assert answer.status_code == (400 if body[:1] == b"[" else 413), (path, body[:9], answer.text)
    pieces = (b"x" * 10_000 for _ in range(20))
    answer = httpx.post(narrow.url + path, content=pieces)  # chunked: its length is not announced
    assert answer.status_code == 413
    body, status = DOORS[path]
    assert httpx.post(narrow.url + path, content=body).status_code == status


def test_a_body_that_comes_too_slowly(narrow):
    with socket.create_connection(("127.0.0.1", narrow.port)) as slow:
        slow.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert slow.recv(1_000).startswith(b"HTTP/1.1 408")


def test_a_sender_that_goes_away_costs_nothing(narrow):
    with socket.create_connection(("127.0.0.1", narrow.port)) as gone:
        gone.sendall(b"POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + BULK)
    narrow.sink.arrivals.clear()
    assert httpx.post(f"{narrow.url}/_bulk", content=BULK).status_code == 200
    assert len(narrow.sink.arrivals) == 3


def test_a_line_of_10_megabytes_arrives_whole():
    line = "größe " * 1_700_000
    bodies = {
        "/v1/logs": otlp(line),
        "/loki/api/v1/push": orjson.dumps({"streams": [{"stream": {}, "values": [["0", line]]}]}),
        "/_bulk": b'{"index":{"_index":"a"}}\n' + orjson.dumps({"message": line}),
        "/services/collector": orjson.dumps({"event": line}),
        "/services/collector/raw": line.encode(),
    }
    with serving() as server:
        for path, body in bodies.items():
            assert httpx.post(server.url + path, content=body, timeout=60).status_code in (200, 204)
            assert [one.body for one in server.sink.arrivals] == [line]
            server.sink.arrivals.clear()


def test_all_requests_together_hold_so_much():
    limits = Limits(in_flight_bytes=100_000, body_seconds=20)
    with serving(limits) as server:
        sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
        for one in sockets:
            one.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 45001\r\n\r\n" + b" " * 45_000)
        until, status = time.monotonic() + 10, 200
        while status != 429 and time.monotonic() < until:  # until the server has read what was sent
            answer = httpx.post(f"{server.url}/v1/logs", content=OTLP + b" " * 20_000)
            status = answer.status_code
        assert status == 429 and answer.headers["retry-after"] == "1"
        for one in sockets:
            one.close()
        while status == 429 and time.monotonic() < until:
            status = httpx.post(f"{server.url}/v1/logs", content=OTLP + b" " * 20_000).status_code
        assert status == 200


def test_many_senders_at_once_large_and_short(server):
    large = otlp(*(f"large {n}" for n in range(9_000)))
    assert len(large) > Limits().loop_bytes

    def send() -> None:
        with httpx.Client(timeout=60) as client:
            for body in (large, OTLP, OTLP):
                assert client.post(f"{server.url}/v1/logs", content=body).status_code == 200

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.sink.arrivals) == 6 * 9_006
    assert sum(kept for _, kept, _, _ in server.counts) == 6 * 9_006


def test_ingest_is_not_in_the_description_of_the_api(server):
    assert json.loads(httpx.get(f"{server.url}/openapi.json").content)["paths"] == {}
