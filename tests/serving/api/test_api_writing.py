"""What people do by the API: notes, feedback, reviews, bundles, jobs; each changes what is read afterwards."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from tests.serving.api.server import fill, running, settings_of

from logradar.serving import reviewing
from logradar.serving.app import create_app
from logradar.serving.service import Service

API = "/api/v1"


class Accepting(BaseHTTPRequestHandler):
    """A receiver that accepts everything."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def mine(world, tmp_path):
    """A service of its own for each test, with data, a receiver, and a client."""
    folder, lines, _ = world
    server = HTTPServer(("127.0.0.1", 0), Accepting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver = {"kind": "webhook", "name": "hook", "url": f"http://127.0.0.1:{server.server_port}/"}
    settings = settings_of(tmp_path / "home", folder / "bundle", notifications={"receivers": [receiver]})
    with Service(settings) as service:
        fill(service, lines)
        with running(create_app(service)) as url, httpx.Client(base_url=f"{url}{API}", timeout=60) as client:
            yield service, client, lines
    server.shutdown()
    server.server_close()


def test_incidents_are_acknowledged_and_noted(mine):
    _, client, _ = mine
    (incident,) = client.get("/incidents").json()["items"]
    path = f"/incidents/{incident['incident_id']}"
    assert client.post(f"{path}/acknowledge", json={"note": "I look"}).status_code == 200
    number = client.post(f"{path}/notes", json={"note": "<b>disk</b>"})
    assert number.status_code == 201
    found = client.get(path).json()
    assert found["acknowledged"]["by"] == "local" and found["acknowledged"]["note"] == "I look"
    assert [one["note"] for one in found["notes"]] == ["<b>disk</b>"]
    assert client.get("/incidents", params={"acknowledged": "true"}).json()["items"]
    assert client.delete(f"{path}/acknowledge").status_code == 200
    assert client.get(path).json()["acknowledged"] is None
    assert client.post(f"{path}/notes", json={"note": "x" * 10_001}).status_code == 422
    assert client.post(f"{path}/notes", json={}).status_code == 422


def test_feedback_is_heeded_and_can_be_withdrawn(mine):
    service, client, lines = mine
    alerts = client.get("/alerts").json()["items"]
    refused = client.post("/feedback", json={"verdict": "anomaly", "alert_ids": [alerts[0]["alert_id"], "none"]})
    assert refused.status_code == 404
    given = client.post("/feedback", json={"verdict": "anomaly", "alert_ids": [alerts[0]["alert_id"]], "note": "yes"})
    assert given.status_code == 200, given.text
    assert given.json()["confirmed"] == 1
    assert client.get(f"/alerts/{alerts[0]['alert_id']}").json()["verdict"] == "anomaly"
    (row,) = client.get("/feedback").json()["items"]
    assert row["subject_id"] == alerts[0]["alert_id"] and row["note"] == "yes"
    again = [line.replace("blk_2", "blk_7") for line in lines]
    fill(service, again)
    newest = client.get("/alerts").json()["items"]
    assert any("confirmed before" in one["evidence"][0]["reason"] for one in newest)
    assert client.delete(f"/feedback/{row['id']}").status_code == 200
    assert client.get("/feedback").json()["items"] == []
    assert client.delete(f"/feedback/{row['id']}").status_code == 404
    plan = service.worker.routes.plans[0]
    assert not (plan.bundle / "feedback.json").exists()
    incident = client.get("/incidents").json()["items"][-1]
    whole = client.post("/feedback", json={"verdict": "anomaly", "incident_id": incident["incident_id"]})
    assert whole.status_code == 200 and whole.json()["alerts"] == incident["alerts"]


def test_a_review_changes_a_copy_that_goes_to_work(mine, world):
    service, client, _ = mine
    before = client.get("/bundles/hdfs/review").json()
    kind = before["questions"][0]["kind"]
    assert client.post("/bundles/hdfs/review", json={"answers": {"none": "normal"}}).status_code == 400
    after = client.post("/bundles/hdfs/review", json={"answers": {kind: "normal"}})
    assert after.status_code == 200, after.text
    assert after.json()["fitted_anew"] and after.json()["answers"][0]["answer"] == "normal"
    assert client.get("/bundles/hdfs/review").json()["answers"][0]["kind"] == kind
    assert not (world[0] / "bundle" / "review.json").exists()
    (stored,) = service.store.bundles()
    assert stored["document"]["from"] == str(world[0] / "bundle")  # a restart keeps the answers
    undone = client.post("/bundles/hdfs/review", json={"undo": [kind]})
    assert undone.status_code == 200 and undone.json()["answers"] == []
    assert client.get("/bundles/nobody/review").status_code == 404


def test_bundles_come_go_and_are_compared(mine, world):
    service, client, lines = mine
    path = str(world[0] / "bundle")
    shadow = client.post("/bundles", json={"path": path, "name": "next", "role": "shadow"})
    assert shadow.status_code == 201, shadow.text
    resting = client.post("/bundles", json={"path": path, "name": "old", "role": "resting"})
    assert resting.status_code == 201
    fill(service, [line.replace("blk_2", "blk_8") for line in lines])
    found = client.get("/comparison").json()
    assert found["both"] == 4 and found["only_active"] == 4 and found["only_shadow"] == 0 and found["complete"]
    assert len(found["examples"]["active"]) == 4
    assert {one["role"] for one in client.get("/alerts", params={"role": "shadow"}).json()["items"]} == {"shadow"}
    scored = client.post("/detect", json={"bundle": "old", "sessions": [{"lines": lines[:3]}]})
    assert scored.json()["sessions"][0]["bundle"] == "old"
    assert client.delete("/bundles/next", params={"role": "shadow"}).status_code == 200
    assert client.delete("/bundles/next", params={"role": "shadow"}).status_code in (200, 404)  # it may still drain
    for wrong in (str(world[0]), "/nowhere", "x" * 4000, "a\0b"):
        assert client.post("/bundles", json={"path": wrong, "name": "a"}).status_code == 400, wrong[:20]
    assert client.post("/bundles", json={"path": path, "name": "../a"}).status_code == 422


def test_jobs_wait_for_their_turn(mine):
    service, client, _ = mine
    client.headers["Accept"] = "application/json"
    service.learning._ending.set()  # nobody takes the job: a training takes longer than a test
    service.learning._thread.join()
    asked = client.post("/jobs", json={"name": "shop", "overrides": ["seed=3"], "since": "2020-01-01T00:00:00Z"})
    assert asked.status_code == 202
    job = client.get(asked.headers["location"].removeprefix(API)).json()
    assert job["state"] == "waiting" and job["settings"]["overrides"] == ["seed=3"]
    assert client.post("/jobs", json={}).status_code == 409
    assert [one["job_id"] for one in client.get("/jobs", params={"state": "waiting"}).json()["items"]] == [
        job["job_id"]
    ]
    for wrong in ("--json", "seed", "a=b\n--x", "../x=1"):
        assert client.post("/jobs", json={"overrides": [wrong]}).status_code == 422
    assert client.get("/jobs/none").status_code == 404


def test_receivers_are_listed_and_tested(mine):
    _, client, _ = mine
    (receiver,) = client.get("/receivers").json()["items"]
    assert receiver["name"] == "hook" and receiver["kind"] == "webhook" and "url" not in receiver
    found = client.post("/receivers/hook/test").json()
    assert found["accepted"], found
    assert client.post("/receivers/none/test").status_code == 404


def test_withdrawing_what_nobody_said_is_an_error(mine):
    service, _, _ = mine
    with pytest.raises(Exception, match="no feedback with the number 99"):
        reviewing.withdraw(service, 99, by="mia")
