"""Hostile lines through every protocol, and then every page in a real browser: nothing happens, and all are counted."""

import http.client
import json
import random
import time
from urllib.parse import quote

import pytest
from tests.serving.api.server import running
from tests.serving.dashboard import hostile, shop
from tests.serving.dashboard.conftest import settings_of
from tests.serving.senders import HTTP, PROTOCOLS, document, send, wait_for

from logradar.serving.app import create_app
from logradar.serving.service import Service

pytestmark = pytest.mark.xdist_group("dashboard")
FORBIDDEN = (
    ":is(script, iframe, base, meta, style, object)",
    "a:is([href^='javascript:' i], [href^='data:' i])",
    ":is([data-renew^='http'], form[action^='http'])",
)


def post(url, path, body):
    """Send bytes, with those that are no UTF-8 in place of their mark; they are acknowledged."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    raw = body.encode(errors="surrogateescape").replace(hostile.MARK.encode(), hostile.NO_UTF8)
    connection.request("POST", path, raw, {"Content-Type": "text/html"})
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    assert answer.status in (200, 204) and b"<script" not in said.replace(b"\\u003cscript", b""), (path, said[:500])
    assert b'"errors":true' not in said and b"rejectedLogRecords" not in said, said[:500]


def requests_of_a_shop(now):
    """Traces with hostile lines as an SDK sends them: they become alerts and incidents."""
    faults = {40 + 3 * place: (text,) for place, text in enumerate(hostile.TEXTS)}
    rows = shop.records(40 + 3 * len(faults) + 20, 3, now - 3_600, 3_400, faults)
    for place, service in enumerate(hostile.SERVICES):
        rows.append({**rows[-1], "service": service, "trace": f"{place:016x}", "text": hostile.TEXTS[place]})
    for one in rows:
        keyed = {"key": "service.name", "value": {"stringValue": one["service"]}}
        record = {"timeUnixNano": str(one["at"] * 1_000), "severityNumber": one["level"], "traceId": one["trace"] * 2}
        record |= {"body": {"stringValue": one["text"]}, "severityText": hostile.TEXTS[0]}
        scope = {"scope": {"name": one["logger"]}, "logRecords": [record]}
        yield {"resource": {"attributes": [keyed]}, "scopeLogs": [scope]}


def attack(service, url, protocol, folder):
    """Send all by one protocol; returns how many lines that were."""
    texts, before = [*hostile.TEXTS, hostile.HUGE], service.log.accepted
    if protocol not in HTTP:
        lines = [text.replace(hostile.MARK, "no UTF-8: \udcff\udcfe\udcc3(") for text in texts]
        send(service, protocol, {"attacked": lines}, 1, folder)
        ends = sum(text.count("\0") for text in lines) if protocol == "syslog" else 0  # NUL ends a message there
        wait_for(lambda: service.log.accepted >= before + len(lines) + ends)
        return len(lines) + ends
    sent = 0
    for place, name in enumerate(["attacked", *hostile.SERVICES]):
        lines = texts if place == 0 else random.Random(place).sample(hostile.TEXTS, 4)
        path, body, _ = document(protocol, quote(name, safe="") if protocol == "raw" else name, lines)
        post(url, "/logs/_bulk" if protocol == "bulk" else path, body)
        sent += len(lines)
        assert service.log.accepted == before + sent, (protocol, name)
    return sent


@pytest.fixture(
    scope="module",
    params=[pytest.param(("otlp",), id="otlp"), pytest.param(PROTOCOLS, id="all", marks=pytest.mark.slow)],
)
def attacked(request, shop_bundle, tmp_path_factory):
    """A service that was sent all of it, its address, and how many lines were acknowledged."""
    folder = tmp_path_factory.mktemp("attacked")
    with Service(settings_of(folder / "home", shop_bundle)) as service, running(create_app(service)) as url:
        resources = list(requests_of_a_shop(time.time()))
        post(url, "/v1/logs", json.dumps({"resourceLogs": resources}))
        sent = len(resources) + sum(attack(service, url, protocol, folder) for protocol in request.param)
        service.close_input()
        yield service, url, sent


@pytest.fixture(scope="module")
def address(attacked):
    return attacked[1]


def test_every_line_is_counted_and_the_service_is_well(attacked):
    service, _, sent = attacked
    assert service.log.accepted == service.worker.records == sent
    assert sum(one["records"] for one in service.store.services(0)) == sent
    assert [part for part in service.health() if not part.ok] == []
    assert service.worker.left_out == 0


def pages(service, all_of_them):
    """The paths of all pages, those of services and searches by their hostile names and words."""
    most = 200 if all_of_them else 2
    yield from ("", "/alerts", "/services", "/templates?order=new", "/templates?order=count", "/lines", "/review")
    yield from ("/bundles", "/service")
    for one in service.store.incidents(limit=most).items:
        yield f"/incidents/{one['incident_id']}"
    alerts = service.store.alerts(limit=most).items
    yield from (f"/alerts/{one['alert_id']}" for one in alerts)
    yield from (f"/lines?session={quote(one['session_id'], safe='')}" for one in alerts[:most])
    services = [one["service"] or "" for one in service.store.services(0)]
    yield from (f"/services/{quote(name, safe='')}?hours=24" for name in (services if all_of_them else services[-3:]))
    for one in service.store.templates(limit=most).items:
        yield f"/templates/{one['bundle']}/{one['template_id']}"
    for text in hostile.TEXTS if all_of_them else hostile.TEXTS[2:4]:
        word = quote(text[:60].encode(errors="surrogatepass"), safe="")
        yield from (f"/lines?text={word}", f"?text={word}", f"/alerts?text={word}", f"/templates?text={word}")


def test_no_page_does_anything(attacked, visit, request):
    service, url, _ = attacked
    all_of_them = "all" in request.node.callspec.id
    page = visit("/dashboard", width=390 if all_of_them else 1400)
    seen = 0
    for path in pages(service, all_of_them):
        answer = page.goto(f"{url}/dashboard{path}")
        assert answer.status == 200, path
        assert page.url.startswith(url) and page.locator("h1").count() == 1, path
        for one in FORBIDDEN:
            assert page.locator(f"main {one}").count() == 0, (path, one)
        assert page.evaluate("window.violations") == []
        seen += 1
    assert seen > (150 if all_of_them else 20)
    assert service.worker.alive
