"""The feed brings changes as they come, goes on where a listener was, is bounded, and ends with the service."""

import threading
import time

import httpx
import orjson
import pytest
from tests.serving.api.server import running

from logradar.serving.api.feeds import Feeds
from logradar.serving.api.key_text import new_key
from logradar.serving.app import create_app
from logradar.serving.service import Service
from logradar.serving.settings import ServiceSettings

API = "/api/v1"


@pytest.fixture
def empty(tmp_path):
    with Service(ServiceSettings(home=tmp_path)) as service:
        yield service


def row(number):
    """The document of a rate change, which the store puts into its feed through an incident."""
    return {
        "incident_id": f"{number:016x}",
        "status": "open",
        "severity": "low",
        "severity_score": 1.0,
        "initial_severity_score": 1.0,
        "started_at": "2026-03-01T09:00:00+00:00",
        "last_at": "2026-03-01T09:00:00+00:00",
        "services": ["pay"],
        "alerts": 1,
        "rate_changes": 0,
        "alert_ids": [],
        "rate_change_ids": [],
        "kind": f"{number:016x}",
        "again_of": None,
        "title": "pay: \u2028 refused\nevent: evil",
        "evidence": None,
        "candidates": [],
        "merged_into": None,
    }


def add(service, number, role="active"):
    with service.store.writing() as writing:
        writing.incidents([row(number)], role, "shop")


def events(lines):
    """Events of a stream, as a browser reads them (WHATWG HTML 9.2.6)."""
    found = {}
    for line in lines:
        if not line:
            if "data" in found:
                yield found
            found = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            found[name] = value


def test_changes_come_and_nothing_is_missed_after_a_break(empty):
    add(empty, 1)
    with running(create_app(empty)) as url, httpx.Client(base_url=url, timeout=30) as client:
        with client.stream("GET", f"{API}/feed") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            stream = events(answer.iter_lines())
            threading.Timer(0.3, lambda: [add(empty, 2, "shadow"), add(empty, 3)]).start()
            first = next(stream)
        assert first["event"] == "incident" and orjson.loads(first["data"])["subject_id"] == f"{3:016x}"
        add(empty, 4)
        with client.stream("GET", f"{API}/feed", headers={"Last-Event-ID": first["id"]}) as answer:
            second = next(events(answer.iter_lines()))
        assert orjson.loads(second["data"])["subject_id"] == f"{4:016x}"
        assert orjson.loads(second["data"])["document"]["title"] == row(4)["title"]
        with client.stream("GET", f"{API}/feed", params={"after": 0}) as answer:
            stream = events(answer.iter_lines())
            assert [orjson.loads(next(stream)["data"])["subject_id"] for _ in range(3)] == [
                f"{number:016x}" for number in (1, 3, 4)
            ]


def test_who_missed_too_much_loads_everything_again(empty):
    for number in (1, 2):
        add(empty, number)
    empty.store.forget(2**50)
    with empty.store.changing() as connection:
        connection.exec_driver_sql("DELETE FROM feed")
    add(empty, 3)
    with running(create_app(empty)) as url, httpx.Client(base_url=url, timeout=30) as client:
        for seen in ("1", "999999"):
            with client.stream("GET", f"{API}/feed", headers={"Last-Event-ID": seen}) as answer:
                assert next(events(answer.iter_lines()))["event"] == "reset"
        with client.stream("GET", f"{API}/feed", params={"after": 0}, headers={"Last-Event-ID": "no number"}) as answer:
            assert next(events(answer.iter_lines()))["event"] == "reset"


def test_listeners_are_bounded_and_let_go(empty):
    app = create_app(empty)
    feeds = app.state.feeds
    feeds._most = 2
    with running(app) as url, httpx.Client(base_url=url, timeout=30) as client:
        with client.stream("GET", f"{API}/feed") as one, client.stream("GET", f"{API}/feed") as other:
            streams = [one.iter_lines(), other.iter_lines()]
            assert [next(stream) for stream in streams] == ["retry: 3000"] * 2
            full = client.get(f"{API}/feed")
            assert full.status_code == 503 and full.headers["retry-after"]
        until = time.monotonic() + 30
        while feeds.listeners and time.monotonic() < until:
            time.sleep(0.02)
        assert not feeds.listeners


def test_a_quiet_feed_says_so_and_ends_when_the_service_does(empty):
    app = create_app(empty)
    app.state.feeds._heartbeat = 0.05
    with running(app) as url:  # leaving asserts that the server ends
        client = httpx.Client(base_url=url, timeout=30)
        answer = client.send(client.build_request("GET", f"{API}/feed"), stream=True)
        lines = answer.iter_lines()
        assert next(one for one in lines if one.startswith(":")) == ": all is quiet"
    rest = list(lines)
    assert all(not one or one.startswith(":") for one in rest)
    client.close()


def test_a_feed_ends_when_its_key_is_revoked(tmp_path):
    with Service(ServiceSettings(home=tmp_path, auth=True)) as service:
        key, text = new_key(service.store, "mia", ["read"])
        app = create_app(service)
        app.state.feeds._heartbeat = 0.05
        with (
            running(app) as url,
            httpx.Client(base_url=url, timeout=30) as client,
            client.stream("GET", f"{API}/feed", headers={"X-API-Key": text}) as answer,
        ):
            lines = answer.iter_lines()
            next(one for one in lines if one.startswith(":"))
            service.store.revoke_key(key.key_id)
            app.state.guard.forget()
            list(lines)  # it ends


def test_a_closed_feed_takes_nobody():
    feeds = Feeds(lambda: None)
    feeds.close()
    assert feeds.full
