"""From log lines to the pager: a service with a receiver in its settings, and a real Alertmanager."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from tests.serving.api.server import running
from tests.serving.notifications.manager import running_manager
from tests.serving.notifications.rows import until
from tests.serving.senders import document

from logradar.core.config import validated
from logradar.serving.app import create_app
from logradar.serving.service import Service
from logradar.serving.settings import ServiceSettings


def post(url: str, body: str = "", kind: str = "application/json") -> int:
    request = urllib.request.Request(url, body.encode(), {"Content-Type": kind}, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        status: int = answer.status
        return status


def test_lines_that_make_an_incident_reach_alertmanager_and_it_is_over_in_time(world: Any, tmp_path: Path) -> None:
    folder, lines, found = world
    with running_manager(tmp_path) as manager:
        receiver = {"kind": "alertmanager", "name": "pager", "url": manager.url, "min_severity": "low"}
        receiver |= {"resend_seconds": 0.2, "expires_seconds": 3600}
        given = {
            "home": tmp_path / "home",
            "bundles": [{"name": "hdfs", "bundle": folder / "bundle"}],
            "notifications": {"receivers": [receiver], "external_url": "https://logs.example.com/"},
        }
        with Service(validated(ServiceSettings, given)) as service, running(create_app(service)) as url:
            for start in range(0, len(lines), 500):
                path, body, kind = document("otlp", "datanode", lines[start : start + 500])
                assert post(url + path, body, kind) == 200
            until(manager.alerts)
            assert post(f"{url}/api/v1/flush") == 200
            stored = {one["incident_id"]: one for one in service.store.incidents(limit=200).items}
            assert set(stored) == set(found.incidents["incident_id"].to_pylist())
            wanted = {id_: one for id_, one in stored.items() if one["status"] == "open"}
            assert wanted, "the last block is open: nothing has happened after it"
            until(lambda: {one["labels"]["incident_id"] for one in manager.alerts()} == set(wanted))
            for alert in manager.alerts():
                one = wanted[alert["labels"]["incident_id"]]
                assert alert["labels"]["severity"] == one["severity"] and alert["labels"]["bundle"] == "hdfs"
                assert alert["annotations"]["url"].endswith(f"/incidents/{one['incident_id']}")
                assert alert["annotations"]["summary"]
            later = [line.replace("081109 20", "081109 23") for line in lines[:200]]  # hours in which all is well
            path, body, kind = document("otlp", "datanode", later)
            assert post(url + path, body, kind) == 200
            assert post(f"{url}/api/v1/flush") == 200
            until(lambda: not manager.alerts())
            with urllib.request.urlopen(f"{url}/api/v1/incidents?status=open", timeout=60) as answer:
                assert json.load(answer)["items"] == []
