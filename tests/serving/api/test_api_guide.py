"""The guide of the API: code that is indexed is named by alerts, incidents and their guide, and on the dashboard."""

import httpx
import pytest
from tests.serving.api.server import fill, running, settings_of

from logradar.pipeline.code_index import index_repository
from logradar.serving.app import create_app
from logradar.serving.service import Service

pytest.importorskip("tree_sitter")
API = "/api/v1"
NODE = """\
class DataNode:
    def receive(self, block):
        log.info("Receiving block %s src: %s dest: %s", block, src, dest)
        try:
            self.write(block)
        except OSError:
            log.info("Exception writing block %s to mirror: %s", block, reason)
        log.info("PacketResponder %d for block %s terminating", who, block)
"""


@pytest.fixture(scope="module")
def client(world, tmp_path_factory):
    folder, lines, _ = world
    home = tmp_path_factory.mktemp("guided")
    (home / "repo").mkdir()
    (home / "repo" / "node.py").write_text(NODE)
    index_repository(home / "repo", home / "index", url="https://x.example/{path}#L{line}")
    settings = settings_of(home / "service", folder / "bundle").model_copy(update={"code": home / "index"})
    with Service(settings) as service:
        fill(service, lines)
        with running(create_app(service)) as url, httpx.Client(base_url=url, timeout=60) as found:
            yield found


def test_the_guide_names_the_statement_and_what_is_around_it(client, world):
    found = client.get(f"{API}/alerts").json()["items"]
    assert sorted(one["alert_id"] for one in found) == sorted(world[2].alerts["alert_id"].to_pylist())
    guide = client.get(f"{API}/guide/{found[0]['alert_id']}").json()
    assert guide["available"] and guide["reason"] == ""
    assert guide["places"][0] | {"record_id": 0} == {
        "record_id": 0, "path": "node.py", "line": 7, "function": "DataNode.receive", "basis": "message", "note": "",
        "text": 'log.info("Exception writing block %s to mirror: %s", block, reason)', "url": "https://x.example/node.py#L7",
    }  # fmt: skip
    assert [row["line"] for row in guide["lines"][0]["before"]] == [3]
    assert {one["alert_id"] for one in guide["known"]} == {one["alert_id"] for one in found[1:]}


def test_an_assistant_is_given_the_place(client):
    from logradar.serving.mcp import stories
    from logradar.serving.mcp.budget import Answer

    answer = Answer(4_000)
    stories.alert(answer, client.get(f"{API}/alerts").json()["items"][0])
    assert "node.py" in answer.text() and "line 7" in answer.text()


def test_what_people_said_of_the_same_place_comes_first(client):
    first, *_, last = client.get(f"{API}/alerts").json()["items"]
    said = client.post(f"{API}/feedback", json={"alert_ids": [last["alert_id"]], "verdict": "anomaly"})
    assert said.status_code == 200, said.text
    known = client.get(f"{API}/guide/{first['alert_id']}").json()["known"]
    assert known[0]["alert_id"] == last["alert_id"] and known[0]["verdict"] == "anomaly"


def test_incidents_and_the_dashboard_name_it(client):
    incident = client.get(f"{API}/incidents").json()["items"][0]
    assert incident["code"][0]["line"] in (3, 7, 8)
    alert = client.get(f"{API}/alerts").json()["items"][0]["alert_id"]
    page = client.get(f"/dashboard/alerts/{alert}").text
    assert 'href="https://x.example/node.py#L7"' in page
