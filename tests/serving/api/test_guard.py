"""With keys on nothing answers without one; keys have scopes, can be revoked at once, and nobody may guess for long."""

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from tests.serving.api.server import running

from logradar.core.errors import ConfigError
from logradar.serving.api.cookies import COOKIE, Cookies, secret_in
from logradar.serving.api.failures import MOST, Failures
from logradar.serving.api.key_text import hash_of, new_key, number_of
from logradar.serving.app import create_app
from logradar.serving.service import Service
from logradar.serving.settings import ServiceSettings

API = "/api/v1"
OPEN = ("/livez", "/dashboard/sign-in", "/dashboard/sign-out", "/dashboard/static/")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with Service(ServiceSettings(home=tmp_path_factory.mktemp("guarded"), auth=True)) as service:
        app = create_app(service)
        with running(app) as url, httpx.Client(base_url=url, timeout=30) as client:
            yield service, app, client


@pytest.fixture(autouse=True)
def _fresh(guarded):
    guarded[1].state.guard.failures = Failures()


def key_of(service, *scopes):
    return {"Authorization": f"Bearer {new_key(service.store, '-'.join(scopes), scopes)[1]}"}


def addresses(app):
    for one in iter_route_contexts(app.routes):
        for method in one.methods or ():
            yield method, one.path.replace(":path", "").replace("{", "").replace("}", "")


def test_no_route_answers_without_a_key(guarded):
    _, app, client = guarded
    seen = 0
    for method, path in addresses(app):
        if path.startswith(OPEN):
            continue
        answer = client.request(method, path, headers={"Accept": "application/json"})
        seen += 1
        if path.startswith("/dashboard"):  # people are sent to where they show a key
            refused = answer.status_code in (303, 401, 403)
            to = answer.headers.get("location", "/dashboard/sign-in")
            assert refused and to.startswith("/dashboard/sign-in"), (method, path, answer.status_code)
        elif method != "HEAD" or answer.status_code != 405:
            assert answer.status_code == 401, (method, path, answer.text)
            if path.startswith(API):
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.headers["www-authenticate"].startswith("Bearer")
    assert seen > 60
    assert client.get("/livez").status_code == 200


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


def test_no_method_and_no_address_answers_without_a_key(guarded):
    """Ingest, API, dashboard, and addresses that do not exist: no status says that something was done or found."""
    service, app, client = guarded
    routes = {path for _, path in addresses(app)}
    assert {"/v1/logs", "/loki/api/v1/push", "/_bulk", "/services/collector/raw", "/", "/metrics"} <= routes
    more = {"/dashboard/nothing", f"{API}/nothing", "/nothing", "/docs", "/redoc", "/openapi.json", "/%2e%2e/", "//"}
    found, accepted, rows = {}, service.log.accepted, service.store.key_by_hash("0" * 64)
    for path in sorted(routes | more):
        for method in METHODS:
            app.state.guard.failures = Failures()
            answer = client.request(method, path, content=b"{}", headers={"Accept": "text/html"})
            if path.startswith(OPEN):
                continue
            refused = answer.status_code in (401, 404, 405)
            if answer.status_code in (303, 307):  # to the page where people show a key
                refused = answer.headers["location"].startswith(("/dashboard/sign-in", "/dashboard"))
            assert refused, (method, path, answer.status_code, answer.text[:200])
            found[answer.status_code] = found.get(answer.status_code, 0) + 1
    assert found[401] > 80 and set(found) <= {303, 401, 404, 405}
    assert service.log.accepted == accepted and rows is None


def test_what_is_open_without_a_key_says_nothing_of_the_logs(guarded):
    _, app, client = guarded
    for path in {path for _, path in addresses(app) if path.startswith(OPEN)}:
        for method in METHODS:
            answer = client.request(method, path.replace("name", "dashboard.css"))
            assert answer.status_code in (200, 303, 401, 404, 405, 422), (method, path, answer.status_code)
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/dashboard"), (method, path)
                assert COOKIE not in answer.cookies
    assert client.get("/livez").json() == {"alive": True}
    assert client.get("/dashboard/static/../../../etc/passwd").status_code in (401, 404)


def test_no_route_reads_a_body_before_the_key(guarded):
    client = guarded[2]
    answer = client.post(f"{API}/feedback", content=b"{{{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 401


def test_scopes_open_what_they_name(guarded):
    service, _, client = guarded
    asked = {
        "read": ("GET", f"{API}/incidents", 200),
        "write": ("DELETE", f"{API}/feedback/77", 404),
        "admin": ("GET", f"{API}/keys", 200),
        "ingest": ("POST", "/v1/logs", 200),
    }
    for scope in asked:
        headers = key_of(service, scope)
        for needed, (method, path, status) in asked.items():
            answer = client.request(method, path, headers={**headers, "Content-Type": "application/json"})
            expected = status if scope in (needed, "admin") else 403
            assert answer.status_code == expected, (scope, path, answer.text)


def test_a_revoked_key_opens_nothing_at_once(guarded):
    service, _, client = guarded
    admin = key_of(service, "admin")
    made = client.post(f"{API}/keys", json={"name": "mia", "scopes": ["read"]}, headers=admin)
    assert made.status_code == 201
    key, number = made.json()["key"], made.json()["key_id"]
    assert number_of(key) == number
    mine = {"X-API-Key": key}
    assert client.get(f"{API}/incidents", headers=mine).status_code == 200
    listed = client.get(f"{API}/keys", headers=admin)
    assert key.rpartition("_")[2] not in listed.text and hash_of(key) not in listed.text
    (row,) = [one for one in listed.json()["items"] if one["key_id"] == number]
    assert row["used_at"] is not None and row["revoked_at"] is None and row["name"] == "mia"
    cookie = client.post("/dashboard/sign-in", data={"key": key}).cookies
    assert client.get("/dashboard", cookies=cookie).status_code == 200
    assert client.delete(f"{API}/keys/{number}", headers=admin).status_code == 200
    assert client.get(f"{API}/incidents", headers=mine).status_code == 401
    assert client.get("/dashboard", cookies=cookie).status_code == 303
    assert client.delete(f"{API}/keys/{10**9}", headers=admin).status_code == 404
    client.cookies.clear()


def test_only_a_hash_of_a_key_is_stored(tmp_path):
    with Service(ServiceSettings(home=tmp_path, auth=True)) as service:
        _, key = new_key(service.store, "mia", ["read"])
    secret = key.rpartition("_")[2].encode()
    assert all(secret not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_wrong_keys_are_slowed_down_and_right_ones_are_not(guarded):
    service, app, client = guarded
    app.state.guard.failures = Failures(clock=lambda: 0.0)
    good = key_of(service, "read")
    assert client.get(f"{API}/incidents", headers=good).status_code == 200
    found = [
        client.get(f"{API}/incidents", headers={"X-API-Key": f"lr_1_{number:064x}"}).status_code
        for number in range(MOST + 5)
    ]
    assert found[:MOST] == [401] * MOST and set(found[MOST:]) == {429}
    late = client.get(f"{API}/incidents", headers={"X-API-Key": "lr_1_0"})
    assert late.status_code == 429 and int(late.headers["retry-after"]) >= 1
    assert client.get(f"{API}/incidents", headers=good).status_code == 200


@pytest.mark.parametrize("key", ["", "lr_", "lr_1_", "lr_0_" + "0" * 64, "a" * 10_000, "lr_1_" + "g" * 64, "é", "'--"])
def test_a_strange_key_opens_nothing(guarded, key):
    answer = guarded[2].get(f"{API}/incidents", headers=[("X-API-Key", key.encode())])
    assert answer.status_code in (401, 429)


def test_failures_are_forgiven_with_time():
    now = [0.0]
    failures = Failures(clock=lambda: now[0])
    for _ in range(MOST):
        assert failures.wait("::1") == 0
        failures.add("2001:db8::1")
    assert failures.wait("2001:db8::ffff") > 0  # the same network
    assert failures.wait("2001:db8:1::1") == 0
    now[0] += 7
    assert failures.wait("2001:db8::1") == 0
    for number in range(20_000):
        failures.add(f"10.0.{number >> 8}.{number & 255}")
    assert len(failures._until) <= 10_000


def test_cookies_are_of_this_service_and_end(monkeypatch):
    mine, other = Cookies(b"a" * 32), Cookies(b"b" * 32)
    cookie = mine.new(7)
    assert mine.number_of(cookie) == 7 and other.number_of(cookie) is None
    for wrong in ("", ".", "..", cookie[:-1], cookie + "0", "8" + cookie[1:], "é" * 9, "x" * 5_000):
        assert mine.number_of(wrong) is None
    assert mine.fits(cookie, mine.token(cookie)) and not mine.fits(cookie, other.token(cookie))
    assert not mine.fits(cookie, "é")
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert mine.number_of(cookie) is None


def test_a_form_needs_its_token(guarded):
    service, app, client = guarded
    _, key = new_key(service.store, "mia", ["admin"])
    signed = client.post("/dashboard/sign-in", data={"key": key})
    cookie = signed.cookies[COOKIE]
    said = signed.headers["set-cookie"].lower()
    assert "httponly" in said and "samesite=strict" in said
    path, body = f"{API}/keys", {"name": "b", "scopes": ["read"]}
    client.cookies.clear()
    mine = {"Cookie": f"{COOKIE}={cookie}"}
    assert client.post(path, json=body, headers=mine).status_code == 403
    token = app.state.guard._cookies.token(cookie)
    assert client.post(path, json=body, headers={**mine, "X-CSRF-Token": token}).status_code == 201
    assert client.get(path, headers=mine).status_code == 200
    assert client.get(path, headers={"Cookie": f"{COOKIE}={cookie}0"}).status_code == 401


def test_the_secret_of_cookies_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "session.key"
    first = secret_in(path)
    assert secret_in(path) == first and len(first) == 32
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"short")
    assert secret_in(path) != first


@pytest.mark.parametrize(("name", "scopes"), [("", ["read"]), ("a", []), ("a", ["root"])])
def test_a_key_needs_a_name_and_known_scopes(guarded, name, scopes):
    with pytest.raises(ConfigError):
        new_key(guarded[0].store, name, scopes)
