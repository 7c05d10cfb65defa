"""What the pages answer, without a browser: who may see and do what, empty states, and wrong wishes."""

import re
from urllib.parse import quote

import httpx
import pytest
from tests.serving.api.server import running
from tests.serving.dashboard.conftest import filled, settings_of

from logradar.serving.api.key_text import new_key
from logradar.serving.app import create_app
from logradar.serving.service import Service

pytestmark = pytest.mark.xdist_group("dashboard")
ALL = ("", "/alerts", "/services", "/templates", "/lines", "/review", "/bundles", "/service")


@pytest.fixture(scope="module")
def client(address):
    with httpx.Client(base_url=address, timeout=60) as found:
        yield found


@pytest.fixture(scope="module")
def locked(shop_bundle, tmp_path_factory):
    """The address of a service that wants keys, and keys by their scopes."""
    with filled(tmp_path_factory.mktemp("locked"), shop_bundle, auth=True) as service:
        keys = {scope: new_key(service.store, scope, [scope])[1] for scope in ("read", "write", "admin", "ingest")}
        with running(create_app(service)) as url:
            yield url, keys, service


def signed_in(url, key):
    client = httpx.Client(base_url=url, timeout=60, headers={"accept": "text/html"})
    answer = client.post("/dashboard/sign-in", data={"key": key, "to": "/dashboard/lines?text=a"})
    return client, answer


@pytest.fixture
def empty(tmp_path):
    """A client of a service that has no bundle and no line, and the service."""
    with Service(settings_of(tmp_path, None)) as service, running(create_app(service)) as url:
        with_timeout = httpx.Client(base_url=url, timeout=60)
        yield with_timeout, service
        with_timeout.close()


def test_an_empty_service_says_what_to_do_next(empty):
    client, service = empty
    pages = {path: client.get(f"/dashboard{path}") for path in ALL}
    assert {one.status_code for one in pages.values()} == {200}
    assert f"curl {client.base_url}/loki/api/v1/push" in pages[""].text
    assert "No logs have arrived yet" in pages[""].text
    assert "No bundle is at work" in pages["/review"].text
    assert "Every line was read" in pages["/service"].text
    stream = {"stream": {"service": "shop"}, "values": [["1772355850000000000", "order 17 accepted"]]}
    assert client.post("/loki/api/v1/push", json={"streams": [stream]}).status_code == 204
    service.close_input()
    text = client.get("/dashboard").text
    assert "No incident is open" in text and "1 line was read in the last day of the log" in text
    assert "train one on them" in text


def test_browsers_are_forbidden_everything_else(client):
    for path in ALL:
        answer = client.get(f"/dashboard{path}")
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.text)
        assert not re.search(r"<script(?![^>]*src=)", answer.text)


def test_files_are_those_of_the_package(client):
    page = client.get("/dashboard").text
    names = re.findall(r'(?:src|href)="(/dashboard/static/[^"]+)"', page)
    assert len(names) >= 5
    for name in names:
        answer = client.get(name)
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    for name in ("../router.py", "%2e%2e/router.py", "nothing.js"):
        assert client.get(f"/dashboard/static/{name}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/incidents/none",
        "/alerts/none",
        "/services/none",
        "/templates/shop/99999",
        "/templates/none/1",
        "/nothing/here",
        "/incidents/%00%ff",
    ],
)
def test_what_is_not_there_is_a_page(client, path):
    answer = client.get(f"/dashboard{path}")
    assert answer.status_code == 404
    assert "<h1>This page does not exist</h1>" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "?severity=none",
        "?cursor=damaged",
        "/lines?since=yesterday",
        "/alerts?severity=none",
        "/templates?cursor=damaged",
        "/templates/shop/none",
        "?text=" + "x" * 2000,
    ],
)
def test_a_wish_that_makes_no_sense_is_a_page(client, path):
    answer = client.get(f"/dashboard{path}")
    assert answer.status_code == 422
    assert "That was not done" in answer.text


def test_the_root_sends_browsers_here(client):
    answer = client.get("/", headers={"accept": "text/html"})
    assert answer.status_code == 303 and answer.headers["location"] == "/dashboard"


def test_forms_of_other_sites_and_forms_without_end_are_refused(client, service):
    (one, *_) = service.store.incidents(limit=1).items
    path = f"/dashboard/incidents/{one['incident_id']}/note"
    assert client.post(path, data={"note": "a"}, headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post(path, data={"note": "a" * 70_000}).status_code == 413
    assert client.post(path, data={"note": "  "}).status_code == 422
    assert service.store.incident(one["incident_id"])["notes"] == []


def test_answers_of_a_review_wait_and_are_learnt_together(client, service):
    page = client.get("/dashboard/review").text
    kinds = re.findall(r'name="kind" value="([0-9a-f]{16})"', page)
    assert kinds
    answer = client.post("/dashboard/review", data={"bundle": "shop", "kind": kinds[0], "answer": "normal"})
    assert answer.status_code == 303
    page = client.get(answer.headers["location"]).text
    assert "Learn from 1 answer" in page
    answer = client.post("/dashboard/review/learn", data={"bundle": "shop"})
    assert answer.status_code == 303, answer.text
    page = client.get(answer.headers["location"]).text
    assert "The bundle has learnt" in page and "Learn from" not in page
    (plan,) = service.worker.routes.plans
    assert kinds[0] in (plan.bundle / "review.json").read_text()


def test_a_shadow_stands_beside_the_active_one_and_takes_its_place(client, service, shop_bundle):
    wish = {"folder": str(shop_bundle), "name": "next", "role": "shadow", "services": ""}
    assert client.post("/dashboard/bundles/work", data=wish).status_code == 303
    page = client.get("/dashboard/bundles").text
    assert "Put to work" in page and "What they found since" in page
    answer = client.post("/dashboard/bundles/promote", data={"name": "next", "place": "shop"})
    assert answer.status_code == 303, answer.text
    assert [(one.name, one.role) for one in service.worker.routes.plans] == [("shop", "active")]
    assert client.post("/dashboard/bundles/train", data={"hours": "5", "name": "x"}).status_code == 422
    assert client.post("/dashboard/bundles/work", data={**wish, "name": "../x"}).status_code == 422


def test_with_keys_nobody_sees_anything_without_one(locked):
    url, _, _ = locked
    with httpx.Client(base_url=url, timeout=60) as client:
        for path in ALL:
            answer = client.get(f"/dashboard{path}")
            assert answer.status_code == 303
            assert answer.headers["location"] == "/dashboard/sign-in?to=" + quote(f"/dashboard{path}", safe="")
        part = client.get("/dashboard", headers={"x-logradar-part": "1"})
        assert part.status_code == 204 and part.headers["x-logradar-location"].startswith("/dashboard/sign-in")
        assert client.get("/dashboard/sign-in").status_code == 200
        wrong = client.post("/dashboard/sign-in", data={"key": "lr_1_wrong"})
        assert wrong.status_code == 401 and "no key of this service" in wrong.text
        assert client.post("/dashboard/bundles/end", data={"name": "shop", "role": "active"}).status_code == 303


def test_a_key_opens_what_its_scope_allows(locked):
    url, keys, service = locked
    client, answer = signed_in(url, keys["read"])
    assert answer.status_code == 303 and answer.headers["location"] == "/dashboard/lines?text=a"
    assert (
        "httponly" in answer.headers["set-cookie"].lower() and "samesite=strict" in answer.headers["set-cookie"].lower()
    )
    (one, *_) = service.store.incidents(limit=1).items
    path = f"/dashboard/incidents/{one['incident_id']}"
    assert "note-button" not in client.get(path).text
    assert client.post(path + "/note", data={"note": "a"}).status_code == 403
    writer, _ = signed_in(url, keys["write"])
    assert writer.get(path).status_code == 403, "write alone does not read"
    admin, _ = signed_in(url, keys["admin"])
    token = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', admin.get(path).text)[1]
    assert admin.post(path + "/note", data={"note": "a"}).status_code == 403, "no token"
    answer = admin.post(path + "/note", data={"note": "a note", "csrf_token": token})
    assert answer.status_code == 303
    assert service.store.incident(one["incident_id"])["notes"][-1]["by"] == "admin"
    answer = admin.post("/dashboard/sign-out", data={"csrf_token": token})
    assert answer.status_code == 303
    assert admin.get(path).status_code == 303
    for one in (client, writer, admin):
        one.close()


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/dashboard/\\evil.example", "/dashboardx"])
def test_after_signing_in_nobody_is_sent_elsewhere(locked, to):
    url, keys, _ = locked
    with httpx.Client(base_url=url, timeout=60) as client:
        answer = client.post("/dashboard/sign-in", data={"key": keys["read"], "to": to})
        assert answer.headers["location"] == "/dashboard"
