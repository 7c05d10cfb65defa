"""A webhook against a real server on loopback: signed, tried again, bounded, never in the way of detection."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import threading

import pyarrow as pa
import pytest
from tests.alerting.webhook_receiver import receiver

from logradar.alerting.endpoint import Endpoint
from logradar.alerting.webhook import TOGETHER, Webhook, WebhookPolicy
from logradar.core.errors import ConfigError
from logradar.core.redaction.redactor import Redactor
from logradar.core.tables import ALERTS

SECRET = "a secret of the receiver"
QUICK = WebhookPolicy(first_wait=0.01, longest_wait=0.05, patience=30)


def alerts(*names: str, body: str = "mail to bob@example.com") -> pa.Table:
    evidence = dict.fromkeys(ALERTS.field("evidence").type.value_type.names)
    row = dict.fromkeys(ALERTS.names) | {
        "services": ["cart"], "service": "cart", "detector": "ngram", "score": 1.0, "threshold": 0.5,
        "severity": "high", "severity_score": 50.0, "severity_parts": [], "record_ids": [1], "signature": '{"a":1}',
        "evidence": [{**evidence, "body": body, "reason": "new", "expected": []}],
    }  # fmt: skip
    return pa.Table.from_pylist([row | {"alert_id": name, "session_id": name} for name in names], schema=ALERTS)


def test_alerts_arrive_redacted_and_signed() -> None:
    with receiver() as server:
        with Webhook(Endpoint.of(server.url, SECRET), Redactor().table, {"detector": "ngram"}, QUICK) as hook:
            hook.send(early=alerts("a1"))
            hook.send(alerts("a1", "a2"))
        assert hook.figures() == {"to": hook.endpoint.name, "delivered": 3, "failed": 0, "dropped": 0}
        early, over = server.documents
        assert [(a["alert_id"], a["change"], a["session_over"]) for a in early["alerts"]] == [("a1", "new", False)]
        states = [(a["alert_id"], a["change"], a["session_over"]) for a in over["alerts"]]
        assert states == [("a1", "changed", True), ("a2", "new", True)]
        assert over["detector"] == "ngram" and over["redacted"] is True and over["incidents"] == []
        assert over["alerts"][0]["evidence"][0]["body"] == "mail to <EMAIL>" and "signature" not in over["alerts"][0]
        assert "/hook" not in hook.endpoint.name and "abc" not in hook.endpoint.name
        for headers, body in server.requests:
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            right = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
            assert headers["webhook-signature"] == f"v1,{right}"
            assert headers["content-type"] == "application/json"


def test_without_a_secret_nothing_is_signed_and_redaction_can_be_left_out() -> None:
    with receiver() as server:
        with Webhook(Endpoint.of(server.url), None, {}, QUICK) as hook:
            hook.send(alerts("a1"))
        assert "webhook-signature" not in server.requests[0][0]
        assert "bob@example.com" in server.requests[0][1].decode() and server.documents[0]["redacted"] is False


def test_a_receiver_that_fails_at_first_gets_the_same_delivery_again(capsys: pytest.CaptureFixture[str]) -> None:
    answers = {1: (503, {}), 2: (429, {"Retry-After": "0"}), 3: (500, {"Retry-After": "soon"})}
    with receiver(lambda number: answers.get(number, (200, {}))) as server:
        with Webhook(Endpoint.of(server.url), None, {}, QUICK) as hook:
            hook.send(alerts("a1"))
            server.wait_for(4)
            hook.send(alerts("a2"))
        assert hook.figures()["delivered"] == 2 and hook.figures()["failed"] == 0
        ids = [headers["webhook-id"] for headers, _ in server.requests]
        assert len(set(ids[:4])) == 1 and ids[4] != ids[0] and len(ids) == 5
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_not_tried_again_and_said_once(status: int, capsys: pytest.CaptureFixture[str]) -> None:
    with receiver(lambda number: (status, {})) as server:
        with Webhook(Endpoint.of(server.url), None, {}, QUICK) as hook:
            for name in ("a1", "a2", "a3"):
                hook.send(alerts(name))
        assert len(server.requests) == 3 and hook.figures()["failed"] == 3
    said = capsys.readouterr().err
    assert said.count("does not accept documents") == 1 and f"status {status}" in said
    assert "0 alerts and incidents delivered, 3 not" in said


def test_redirects_are_not_followed() -> None:
    with receiver() as other, receiver(lambda number: (307, {"Location": other.url})) as server:
        with Webhook(Endpoint.of(server.url), None, {}, QUICK) as hook:
            hook.send(alerts("a1"))
        assert hook.figures()["failed"] == 1 and len(server.requests) == 1 and other.requests == []


def test_nobody_listens_and_detection_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with Webhook(Endpoint.of(url), None, {}, QUICK) as hook:
        hook.send(alerts("a1", "a2"))
    assert hook.figures() == {"to": url[:-1], "delivered": 0, "failed": 2, "dropped": 0}
    assert "Detection goes on." in capsys.readouterr().err


def test_a_slow_receiver_delays_nothing_and_the_queue_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    """The receiver answers nothing until all was sent: were `send` to wait for it, this would never end."""
    go_on = threading.Event()

    def answer(number: int) -> tuple[int, dict[str, str]]:
        go_on.wait(60)
        return 200, {}

    policy = WebhookPolicy(most=5, patience=30)
    with receiver(answer) as server:
        with Webhook(Endpoint.of(server.url), None, {}, policy) as hook:
            hook.send(alerts("first"))
            server.wait_for(1)
            for number in range(20):
                hook.send(alerts(f"a{number}"))
            assert hook.figures()["dropped"] == 15
            go_on.set()
        assert hook.figures()["delivered"] == 6
        assert [row["alert_id"] for one in server.documents for row in one["alerts"]] == [
            "first",
            "a0",
            "a1",
            "a2",
            "a3",
            "a4",
        ]
    assert "15 not (0 not accepted, 15 dropped" in capsys.readouterr().err


def test_the_end_does_not_wait_for_ever(capsys: pytest.CaptureFixture[str]) -> None:
    never = threading.Event()
    with receiver(lambda number: (never.wait(300), (200, {}))[1]) as server:
        with Webhook(Endpoint.of(server.url), None, {}, WebhookPolicy(patience=0.2)) as hook:
            hook.send(alerts("a1"))
            server.wait_for(1)
            hook.send(alerts("a2"))
        assert hook.figures()["dropped"] == 2 and hook.figures()["delivered"] == 0
        never.set()
    assert "the time over" in capsys.readouterr().err


def test_bytes_are_bounded_and_many_alerts_are_several_documents() -> None:
    go_on = threading.Event()

    def answer(number: int) -> tuple[int, dict[str, str]]:
        go_on.wait(60)
        return 200, {}

    with receiver(answer) as server:
        with Webhook(Endpoint.of(server.url), None, {}, WebhookPolicy(most_bytes=200_000, patience=30)) as hook:
            hook.send(alerts("first"))
            server.wait_for(1)
            hook.send(alerts(*(f"a{number}" for number in range(TOGETHER + 1))))
            hook.send(alerts("big", body="x" * 300_000))
            assert hook.figures()["dropped"] == 1
            go_on.set()
        assert [len(one["alerts"]) for one in server.documents] == [1, TOGETHER, 1]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://example.com/x", "begins with http"),
        ("file:///etc/passwd", "begins with http"),
        ("example.com/x", "begins with http"),
        ("http://", "has no host"),
        ("http://user:pw@example.com/", "holds a login"),
        ("http://example.com:99999/", "is no URL"),
        ("http://exa mple.com/", "has spaces"),
        ("http://example.com/a\r\nHost: x", "begins with http|has spaces|no URL"),
        ("http://example.com/ü", "ASCII"),
        ("http://[::1/", "no URL"),
    ],
)
def test_a_url_that_is_not_allowed_is_one_sentence(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Endpoint.of(url)


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0.0.0.0", "224.0.0.1"])
def test_addresses_where_clouds_keep_credentials_get_nothing(host: str) -> None:
    answer = Endpoint.of(f"http://{host}/latest").post(b"{}", "msg_1")
    assert answer.status is None and "nothing is sent" in answer.problem


def test_secrets_of_the_standard_are_base64_and_short_ones_are_refused() -> None:
    key = b"0123456789abcdef0123456789"
    endpoint = Endpoint.of("https://example.com/x", "whsec_" + base64.b64encode(key).decode())
    assert endpoint.secret == key
    signed = endpoint.headers(b"{}", "msg_1", 1700000000)["webhook-signature"]
    assert signed == "v1," + base64.b64encode(hmac.new(key, b"msg_1.1700000000.{}", hashlib.sha256).digest()).decode()
    for secret, said in (("short", "needs 16"), ("whsec_!", "base64")):
        with pytest.raises(ConfigError, match=said):
            Endpoint.of("https://example.com/x", secret)
