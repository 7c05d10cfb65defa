"""Metrics: Prometheus reads them without a complaint, and they say what was sent."""

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from logradar.alerting.drift import Drift
from logradar.core.tables import SEVERITIES


def figures(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return answer.text, {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_they_count_what_was_sent(client, world):
    before = figures(client)[1]
    line = {"streams": [{"stream": {"app": "other"}, "values": [["1700000000000000000", "a line"]]}]}
    for _ in range(3):
        assert client.post("/loki/api/v1/push", json=line).status_code == 204
    assert (
        client.post("/loki/api/v1/push", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    )
    after = figures(client)[1]
    assert (
        after["logradar_ingest_records_total", "loki"] - before.get(("logradar_ingest_records_total", "loki"), 0) == 3
    )
    assert after["logradar_ingest_requests_total", "loki"] == 4
    assert after["logradar_ingest_duration_seconds_count", "loki"] == 4
    assert after["logradar_arrivals_accepted_total",] >= len(world[1]) + 3
    assert sum(after["logradar_stored_alerts", name] for name in SEVERITIES) == len(world[2].alerts)
    assert sum(after["logradar_open_incidents", name] for name in SEVERITIES) >= 1
    assert after["logradar_open_sessions", "active", "hdfs"] >= 0
    assert after["logradar_part_ok", "ingest"] == 1
    assert ("process_resident_memory_bytes",) in after


def test_drift_is_a_figure(client, service, monkeypatch):
    (bundle,) = service.bundles()
    drift = Drift(500, (0.2, 0.01), None, 0.4, 0.3, None, ["Twenty times as many alerts."]).to_json()
    monkeypatch.setattr(service, "bundles", lambda: [{**bundle, "drift": drift}])
    found = figures(client)[1]
    assert found["logradar_drift", "active", "hdfs"] == 1 and found["logradar_drift_index", "active", "hdfs"] == 0.4


def test_labels_do_not_grow_with_what_logs_say(client):
    line = {"streams": [{"stream": {"app": f"app-{n}"}, "values": [["1700000000000000000", "x"]]} for n in range(200)]}
    assert client.post("/loki/api/v1/push", json=line).status_code == 204
    assert len(figures(client)[1]) < 150


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool, of Debian's prometheus")
def test_promtool_has_no_complaint(client):
    text, _ = figures(client)
    found = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert found.returncode == 0 and not found.stdout and not found.stderr, found.stdout + found.stderr
