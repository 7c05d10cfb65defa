"""What the API reads is what the store has, and what `logradar detect` found in the same lines."""

import re
from collections import defaultdict

import httpx
import pytest
from tests.serving.api.server import running

from logradar.pipeline.detect import detect
from logradar.serving.app import create_app
from logradar.serving.service import Service
from logradar.serving.settings import ServiceSettings

API = "/api/v1"


def whole(client, path, **asked):
    """All entries of a list, three at a time."""
    found, cursor = [], None
    while True:
        page = client.get(f"{API}{path}", params={**asked, "limit": 3, **({"cursor": cursor} if cursor else {})})
        assert page.status_code == 200, page.text
        found += page.json()["items"]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return found


def test_lists_hold_what_detect_found(client, world):
    found = world[2]
    alerts = whole(client, "/alerts")
    assert sorted(one["alert_id"] for one in alerts) == sorted(found.alerts["alert_id"].to_pylist())
    incidents = whole(client, "/incidents")
    assert sorted(one["incident_id"] for one in incidents) == sorted(found.incidents["incident_id"].to_pylist())
    assert len({one["alert_id"] for one in alerts}) == len(alerts)
    urgent = [one["severity_score"] for one in whole(client, "/alerts", order="severity")]
    assert urgent == sorted(urgent, reverse=True)


def test_one_incident_has_its_alerts(client):
    incident = client.get(f"{API}/incidents").json()["items"][0]
    found = client.get(f"{API}/incidents/{incident['incident_id']}").json()
    assert {one["alert_id"] for one in found["alert_list"]} == set(incident["alert_ids"])
    alert = client.get(f"{API}/alerts/{incident['alert_ids'][0]}").json()
    assert alert["incident_id"] == incident["incident_id"]
    assert client.get(f"{API}/guide/{alert['alert_id']}").json()["available"] is False


def test_filters_leave_out_the_others(client):
    assert not client.get(f"{API}/incidents", params={"status": "merged"}).json()["items"]
    assert not client.get(f"{API}/alerts", params={"service": "nobody"}).json()["items"]
    assert not client.get(f"{API}/alerts", params={"since": "2024-01-01T00:00:00Z"}).json()["items"]
    assert client.get(f"{API}/alerts", params={"until": "2024-01-01T00:00:00"}).json()["items"]
    assert client.get(f"{API}/alerts", params={"since": 0, "text": "EXCEPTION writing"}).json()["items"]
    assert not client.get(f"{API}/incidents", params={"acknowledged": True}).json()["items"]


def test_a_session_shows_its_lines(client, world):
    alert = client.get(f"{API}/alerts").json()["items"][0]
    key = alert["session_id"]
    found = client.get(f"{API}/sessions/{key}").json()
    expected = [line for line in world[1] if re.search(r"blk_\d+", line)[0] == key]
    assert [line["body"] for line in found["lines"]] == [line.partition(": ")[2] for line in expected]
    assert found["alerts"][0]["alert_id"] == alert["alert_id"]
    short = client.get(f"{API}/sessions/{key}", params={"limit": 2}).json()
    assert short["truncated"] and len(short["lines"]) == 2
    assert client.get(f"{API}/sessions/blk_none").status_code == 404
    assert client.get(f"{API}/sessions/..%2F..%2Fetc%2Fpasswd").status_code == 404


def test_lines_templates_rates_and_services(client, world):
    lines = client.get(f"{API}/lines", params={"text": "exception WRITING", "service": "datanode"}).json()["items"]
    assert len(lines) == 4
    templates = whole(client, "/templates", order="count")
    counted = sum(one["count"] for one in templates)
    assert counted == len(world[1])
    one = client.get(f"{API}/templates/hdfs/{templates[0]['template_id']}").json()
    assert sum(count for _, count in one["minutes"]) == one["count"]
    asked = {"since": "2008-11-09T20:00:00Z", "until": "2008-11-09T20:10:00Z"}
    series = client.get(f"{API}/rates", params=asked).json()
    assert sum(series["services"]["datanode"]["all"]) == len(world[1])
    (service,) = client.get(f"{API}/services").json()["services"]
    assert service["records"] == len(world[1]) and service["alerts"] == len(world[2].alerts)
    assert client.get(f"{API}/rate-changes").json()["items"] == []
    assert client.get(f"{API}/rates", params={"since": 0, "minutes": 1}).status_code == 400  # too many steps


@pytest.fixture(scope="module")
def sessions(world):
    found = defaultdict(list)
    for line in world[1]:
        found[re.search(r"blk_\d+", line)[0]].append(line)
    return found


def test_detect_scores_as_the_command_does(client, world, sessions):
    scores = {}

    def keep(table, scored, limit, dated):
        scores.update(zip(table["session_id"].to_pylist(), scored["score"].to_pylist(), strict=True))

    detect(world[0] / "bundle", str(world[0] / "test.log"), on_scores=keep)
    chosen = list(sessions)[30:70]
    asked = [{"session_id": key, "lines": sessions[key]} for key in chosen] + [{"lines": []}]
    answer = client.post(f"{API}/detect", json={"sessions": asked})
    assert answer.status_code == 200, answer.text
    found = answer.json()["sessions"]
    alerts = {row["session_id"]: row for row in world[2].alerts.to_pylist()}
    for one in found[:-1]:
        assert one["anomaly_score"] == pytest.approx(scores[one["session_id"]], abs=1e-9)
        assert one["is_anomaly"] == (one["session_id"] in alerts)
        if one["is_anomaly"]:
            assert one["severity_score"] == alerts[one["session_id"]]["severity_score"]
            assert [each["body"] for each in one["evidence"]] == [
                each["body"] for each in alerts[one["session_id"]]["evidence"]
            ]
    assert sum(one["is_anomaly"] for one in found) == 3
    assert found[-1]["anomaly_score"] is None and found[-1]["parts"] == 0 and found[-1]["bundle"] == "hdfs"


def test_detect_has_bounds_and_names_what_is_missing(client):
    assert client.post(f"{API}/detect", json={"sessions": [], "bundle": "none"}).status_code == 200
    assert client.post(f"{API}/detect", json={"sessions": [{"lines": ["a"]}], "bundle": "none"}).status_code == 404
    events = client.post(f"{API}/detect", json={"sessions": [{"event_sequence": [3, 4]}]})
    assert events.status_code == 400 and "lines" in events.json()["detail"]
    many = client.post(f"{API}/detect", json={"sessions": [{"lines": ["a"] * 15_000}] * 2})
    assert many.status_code == 413 and "several" in many.json()["detail"]
    assert client.post(f"{API}/detect", json={"sessions": [{}] * 501}).status_code == 422
    assert client.post(f"{API}/detect", json={"sessions": [{"lines": ["x" * (9 << 20)]}]}).status_code == 413


def test_severity_of_signs_alerts_and_incidents(client):
    signs = {"confidence": 1.0, "level": 21, "services": ["a", "b"], "all_services": ["a"], "errors": 10}
    found = client.post(f"{API}/severity", json={"signs": signs}).json()
    assert found["logradar"]["parts"]["level"] == 1.0 and found["radar"]["parts"]["errors"] == 1.0
    assert found["logradar"]["exact"] and found["radar"]["exact"]
    incident = client.get(f"{API}/incidents").json()["items"][0]
    alert = client.get(f"{API}/alerts/{incident['alert_ids'][0]}").json()
    found = client.post(f"{API}/severity", json={"alert_id": alert["alert_id"]}).json()
    assert found["logradar"] == {
        "score": alert["severity_score"],
        "band": alert["severity"],
        "parts": alert["severity_parts"],
        "exact": True,
    }
    assert not found["radar"]["exact"] and found["radar"]["score"] > 0
    found = client.post(f"{API}/severity", json={"incident_id": incident["incident_id"]}).json()
    assert found["now"]["score"] == incident["severity_score"] and found["logradar"]["exact"]
    assert client.post(f"{API}/severity", json={"alert_id": "none"}).status_code == 404
    for wrong in ({}, {"signs": signs, "alert_id": "a"}, {"signs": signs | {"confidence": "NaN"}}, {"alert_id": None}):
        assert client.post(f"{API}/severity", json=wrong).status_code == 422


def test_health_and_bundles(client):
    assert client.get("/livez").json() == {"alive": True}
    ready = client.get("/readyz")
    assert ready.status_code == 200, ready.text
    assert {one["name"] for one in ready.json()["parts"]} >= {"ingest", "detection", "lag", "bundles", "notifications"}
    (bundle,) = client.get(f"{API}/bundles").json()["at_work"]
    assert bundle["name"] == "hdfs" and bundle["role"] == "active"
    assert client.get(f"{API}/receivers").json() == {"items": []}


def test_a_service_without_a_bundle_is_not_ready_and_says_why(tmp_path):
    with Service(ServiceSettings(home=tmp_path)) as service, running(create_app(service)) as url:
        ready = httpx.get(f"{url}/readyz")
        assert ready.status_code == 503 and not ready.json()["ready"]
        (part,) = [one for one in ready.json()["parts"] if not one["ok"]]
        assert part["name"] == "bundles" and "No bundle is at work" in part["sentence"]
        assert httpx.get(f"{url}/livez").status_code == 200
        answer = httpx.post(f"{url}{API}/detect", json={"sessions": [{"lines": ["a"]}]})
        assert answer.status_code == 409 and "train or activate" in answer.json()["detail"]
