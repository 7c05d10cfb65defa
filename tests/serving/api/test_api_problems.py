"""Hostile and mistaken requests: each gets a problem with a sentence, and none a traceback."""

from urllib.parse import quote

import httpx
import pytest
from tests.serving.api.server import running

from logradar.core.errors import LogRadarError
from logradar.serving.api.doorway import HEADERS
from logradar.serving.app import create_app

API = "/api/v1"
NAUGHTY = [
    "<script>alert(1)</script>",
    "'; DROP TABLE alerts; --",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "\u202etxt.exe",
    "𝕊𝕠𝕞𝕖",
    "a" * 199,
    "{{7*7}}",
    "${jndi:ldap://x}",
    "\x1b[31mred",
    "nan",
    "%F0%9F",
    "true",
    "-1",
]


def require_problem(answer, *statuses):
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code and found["title"] and found["type"] == "about:blank"
    assert len(found["detail"]) > 10 and "Traceback" not in answer.text and "logradar/serving" not in answer.text
    return found


@pytest.mark.parametrize("text", NAUGHTY)
def test_naughty_ids_and_words_find_nothing(client, text):
    for path in ("/incidents", "/alerts", "/jobs", "/guide", "/sessions"):
        found = client.get(f"{API}{path}/{quote(text, safe='%')}")
        if found.status_code != 200:  # httpx takes dots out of paths, so a list may answer
            require_problem(found, 404, 422)
    for path in ("/incidents", "/alerts", "/templates", "/lines", "/rate-changes"):
        answer = client.get(f"{API}{path}", params={"text": text, "service": text})
        assert answer.status_code == 200 and answer.json()["items"] == []
    require_problem(client.get(f"{API}/incidents", params={"cursor": text}), 400)
    note = client.post(f"{API}/incidents/{'0' * 16}/notes", json={"note": text})
    require_problem(note, 404)


def test_mistakes_are_named(client):
    found = require_problem(client.get(f"{API}/incidents", params={"limit": 0, "status": "closed"}), 422)
    assert {one["where"] for one in found["errors"]} == {"query.limit", "query.status.0"}
    require_problem(client.get("/nothing/here"), 404)
    require_problem(client.get(f"{API}/incidents/"), 404)
    wrong = client.put(f"{API}/feedback")
    require_problem(wrong, 405)
    assert wrong.headers["allow"] == "GET, POST"
    require_problem(client.get(f"{API}/incidents", params={"since": "yesterday"}), 422)
    require_problem(client.get(f"{API}/lines", params={"level": 10**400}), 422)
    require_problem(client.get(f"{API}/templates/hdfs/{10**30}"), 422)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"sessions": [{"lines": ["\\ud800"]}]}',
        b'{"sessions": ' + b"9" * 10_000 + b"}",
        b'{"sessions": [{"event_sequence": [99999999999999999999]}]}',
        b'{"sessions": NaN}',
        b'{"sessions": null}',
        b"\xff\xfe\x00",
        b'"text"',
    ],
)
def test_wrong_bodies_are_refused(client, body):
    answer = client.post(f"{API}/detect", content=body, headers={"Content-Type": "application/json"})
    require_problem(answer, 400, 422)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "a/b; c=d"])
def test_other_kinds_of_content_are_refused(client, kind):
    body = b'{"sessions": []}'
    require_problem(client.post(f"{API}/detect", content=body, headers={"Content-Type": kind}), 400, 422)


def test_a_body_without_end_is_cut_off(client):
    def endless():
        for _ in range(20):
            yield b" " * (1 << 20)

    answer = client.post(f"{API}/detect", content=endless(), headers={"Content-Type": "application/json"})
    require_problem(answer, 413)


def test_every_answer_has_the_headers_that_protect_browsers(client):
    for path in ("/livez", "/readyz", f"{API}/incidents", "/nothing", f"{API}/openapi.json", "/metrics"):
        found = client.get(path).headers
        for name, value in HEADERS.items():
            assert found[name] == value, (path, name)
        assert "access-control-allow-origin" not in found


def test_other_hosts_and_sites_are_refused(client, address):
    port = address.rpartition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "0x7f.1", "10.0.0.1"):
        require_problem(client.get(f"{API}/incidents", headers={"Host": host}), 421)
    for host in ("localhost", f"LOCALHOST:{port}", "[::1]", "127.0.0.2"):
        assert client.get(f"{API}/incidents", headers={"Host": host}).status_code == 200
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        require_problem(client.post(f"{API}/flush", headers=headers), 403)
        assert client.post("/v1/logs", headers=headers, content=b"{}").status_code == 403
    assert client.post(f"{API}/severity", headers={"Origin": address}, json={"alert_id": "a"}).status_code == 404
    require_problem(client.options(f"{API}/incidents", headers={"Origin": "https://evil.example"}), 405)


def test_faults_say_nothing_of_the_inside(service, monkeypatch, caplog):
    def fails(**asked):
        raise RuntimeError("secret of the inside")

    app = create_app(service)
    with running(app) as url, httpx.Client(base_url=url) as client:
        monkeypatch.setattr(service.store, "incidents", fails)
        found = require_problem(client.get(f"{API}/incidents"), 500)
        assert "secret" not in str(found)
        assert any("secret of the inside" in str(one.exc_info) for one in caplog.records)

        def waits(**asked):
            raise TimeoutError

        monkeypatch.setattr(service.store, "incidents", waits)
        answer = client.get(f"{API}/incidents")
        require_problem(answer, 503)
        assert answer.headers["retry-after"]

        def refuses(**asked):
            raise LogRadarError("That makes no sense here.")

        monkeypatch.setattr(service.store, "incidents", refuses)
        assert require_problem(client.get(f"{API}/incidents"), 400)["detail"] == "That makes no sense here."
