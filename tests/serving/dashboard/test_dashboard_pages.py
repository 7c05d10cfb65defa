"""Every page in a real browser: it complains of nothing, fits a phone, and hostile lines do nothing at all."""

from urllib.parse import quote

import pytest
from tests.serving.dashboard import shop

pytestmark = pytest.mark.xdist_group("dashboard")


@pytest.fixture(scope="module")
def paths(service):
    """The path of each page."""
    incidents = service.store.incidents(order="severity", limit=50).items
    alerts = service.store.alerts(limit=200).items
    broken = next(one for one in alerts if "template broken" in str(one["evidence"]))
    hostile = next(one for one in incidents if "<script>" in one["title"])
    template = service.store.templates(limit=1).items[0]
    return {
        "overview": "",
        "search": f"?text={quote(shop.HOSTILE[2])}&severity=high",
        "incident": f"/incidents/{incidents[0]['incident_id']}",
        "hostile": f"/incidents/{hostile['incident_id']}",
        "alert": f"/alerts/{broken['alert_id']}",
        "alerts": f"/alerts?text={quote('broken')}",
        "services": "/services",
        "service": "/services/payments?hours=1",
        "hostile-service": f"/services/{quote(shop.HOSTILE_SERVICE, safe='')}",
        "templates": "/templates?order=growth",
        "template": f"/templates/{template['bundle']}/{template['template_id']}",
        "lines": f"/lines?text={quote('template broken')}",
        "long": "/lines?text=xxxxxx",
        "session": f"/lines?session={broken['session_id']}",
        "review": "/review",
        "bundles": "/bundles",
        "health": "/service",
    }


def look_at(page, path, axe=None):
    assert page.locator("h1").count() >= 1
    if page.viewport_size["width"] < 500:
        wider = page.evaluate(
            """() => [...document.querySelectorAll("main *")].filter((one) => {
              const box = one.getBoundingClientRect();
              return box.width && box.right > innerWidth + 1 && !one.closest(".top nav, .map, svg, .uplot");
            }).map((one) => one.outerHTML.slice(0, 120))"""
        )
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, wider[:3])
    if axe:
        page.evaluate(axe)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        severe = [
            (one["id"], [node["html"][:160] for node in one["nodes"][:3]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert severe == [], path


@pytest.mark.parametrize(("width", "scheme"), [pytest.param(1400, "light", marks=pytest.mark.slow), (390, "dark")])
def test_pages_are_quiet_and_fit(visit, paths, axe, width, scheme):
    page = visit("/dashboard", width=width, scheme=scheme)
    for path in paths.values():
        page.goto(page.url.partition("/dashboard")[0] + "/dashboard" + path)
        look_at(page, path, axe)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1400, "dark"), (390, "light"), (820, "light")])
def test_pages_are_quiet_in_other_sizes_and_colours(visit, paths, axe, width, scheme):
    test_pages_are_quiet_and_fit(visit, paths, axe, width, scheme)


def test_hostile_lines_are_text(visit, paths):
    page = visit("/dashboard" + paths["hostile"])
    assert "<script>alert(document.cookie)</script>" in page.locator("h1").inner_text()
    assert page.locator("main script").count() == 0
    page.goto(page.url.partition("/dashboard")[0] + "/dashboard" + paths["lines"])
    text = page.locator(".log-lines").inner_text()
    assert "⟨U+202E⟩gnp.exe" in text and "{{ 7 * 7 }}" in text and "</pre></code><h1>" in text
    assert "red ]0;owned" in text  # intake has taken the control characters away
    assert page.locator(".log-lines a[href*='evil']").count() == 0
    assert page.locator(".log-lines img, .log-lines svg, .log-lines h1").count() == 0
    assert {one.inner_text() for one in page.locator("mark").all()} == {"template broken"}


def test_a_long_line_is_clipped_and_can_be_read(visit, paths):
    page = visit("/dashboard" + paths["long"], width=390)
    more = page.locator("details.more").first
    assert more.locator("summary").inner_text().startswith("… 5,")
    more.locator("summary").click()
    assert len(more.inner_text()) > 5_000
    look_at(page, "long")


def test_without_javascript_pages_work(visit, paths):
    page = visit("/dashboard", width=390, java_script_enabled=False)
    page.locator("a.row-link").first.click()
    assert page.locator("#story-head").inner_text() == "What happened"
    assert "UTC" in page.locator("time[data-clock]").first.inner_text()
    page.locator("#note-text").fill("without a script")
    page.locator("#note-button").click()
    assert page.locator("#notice").inner_text() == "The note is kept."
    assert "without a script" in page.locator(".note").last.inner_text()
    page.get_by_role("link", name="Services", exact=True).click()
    assert page.locator("svg.map.narrow .node").count() >= 8
    page.locator("table a", has_text="payments").click()
    assert page.locator(".chart .strip rect").count() > 0
