"""People at the pages: by keyboard, with what happens meanwhile, and what they say of incidents."""

import re
import time

import pytest
from tests.serving.dashboard import shop
from tests.serving.dashboard.conftest import send

pytestmark = pytest.mark.xdist_group("dashboard")


def focused(page):
    return page.evaluate("document.activeElement.className + ' ' + document.activeElement.id")


def test_the_keyboard_reaches_everything(visit):
    page = visit("/dashboard")
    page.keyboard.press("Tab")
    assert "skip" in focused(page)
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.href")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.href") != first
    assert page.evaluate("getComputedStyle(document.activeElement.closest('.row')).outlineStyle") == "solid"
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.href") == first
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "text"
    page.keyboard.type("?jk")
    assert page.locator("input[name=text]").input_value() == "?jk"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.locator("#keys").wait_for(state="hidden")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/**")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/dashboard/services")


def test_every_control_shows_its_focus(visit):
    page = visit("/dashboard")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        here = page.evaluate(
            """() => {
              const one = document.activeElement;
              if (one === document.body) return null;
              const place = one.matches(".row .row-link") ? one.closest(".row") : one;
              const style = getComputedStyle(place);
              return [one.outerHTML.slice(0, 80), style.outlineStyle !== "none" && style.outlineWidth !== "0px"];
            }"""
        )
        if here is None:
            break
        assert here[1], here[0]
        seen.add(here[0])
    wanted = page.locator("a:visible, button:visible, input:visible, select:visible").count()
    assert len(seen) >= min(40, wanted - 5)


@pytest.mark.parametrize("control", ["#live-top .state a", "#live-top .card a", "[data-row] .row-link"])
def test_the_focus_stays_where_it_is_when_the_page_is_renewed(visit, control):
    page = visit("/dashboard")
    page.locator("#feed-state", has_text="live").wait_for()
    page.locator(control).first.focus()
    stays = """control => new Promise((tell) => {
      const before = document.querySelector(control);
      document.addEventListener("part:arrived", () => setTimeout(() => {
        const now = document.querySelector(control);
        tell([before.isConnected, now === document.activeElement]);
      }), { once: true });
      parts.changed();
    })"""
    assert page.evaluate(stays, control) == [False, True]


def test_a_new_incident_appears_by_itself(visit, service):
    page = visit("/dashboard")
    page.evaluate("window.sameDocument = true")
    page.locator("#feed-state", has_text="live").wait_for()
    before = page.locator("[data-row]").count()
    send(service, shop.records(24, 77, time.time() - 2, 1, dict.fromkeys(range(1, 24, 2), "search")))
    page.locator("[data-row]").nth(before).wait_for()
    assert page.locator("[data-row]", has_text="index is unreadable").count()
    assert page.evaluate("window.sameDocument")
    page.locator("#spoken", has_text="New incident").wait_for(state="attached")


def test_people_look_after_an_incident_and_judge_it(visit, service):
    page = visit("/dashboard")
    page.locator("a.row-link", has_text="bank").first.click()
    page.evaluate("window.sameDocument = true")
    page.locator("#care-button").click()
    page.locator("#notice", has_text="You look after").wait_for()
    page.locator("#care-button", has_text="Nobody looks after it").wait_for()
    page.locator("#note-text").fill("<b>the bank</b> is down")
    page.locator("#note-button").click()
    page.locator(".note", has_text="<b>the bank</b> is down").wait_for()
    page.locator("#judge-real").click()
    page.locator("#notice", has_text="Noted as real").wait_for()
    assert page.locator("#judge-head + p .tag").inner_text() == "real"
    assert page.evaluate("window.sameDocument"), "no page was loaded"
    assert service.store.feedbacks(verdict="anomaly").items


def test_what_is_refused_is_said_on_the_page(visit):
    page = visit("/dashboard/bundles", expected="status of 422")
    page.locator("#work [name=folder]").fill("/there/is/no/bundle")
    page.locator("#work [name=name]").fill("other")
    with page.expect_response(lambda one: one.status == 422):
        page.locator("#work button").click()
    page.locator("#notice.bad", has_text="not a bundle").wait_for()
    assert page.locator("#work [name=folder]").input_value() == "/there/is/no/bundle"


ANSWER = """<!doctype html><title>changed</title><script>window.ran = 1</script>
<div id="figures" data-renew="/dashboard/service" data-every="5">
<h1>renewed</h1><script>window.ran = 2</script></div><div id="main">not asked for</div>"""


def test_nothing_in_an_answer_runs(visit):
    """Whatever a part of a page brings: it is parsed apart, and its scripts are taken out."""
    page = visit("/dashboard/service")
    page.route("**/dashboard/service", lambda route: route.fulfill(body=ANSWER, content_type="text/html"))
    page.locator("h1", has_text="renewed").wait_for()
    assert page.evaluate("window.ran") is None
    assert page.locator("#figures script").count() == 0
    assert page.locator("text=not asked for").count() == 0
    assert "changed" not in page.title()


@pytest.mark.slow
def test_a_service_that_does_not_answer_is_said_and_asked_again(visit):
    page = visit("/dashboard/service", expected="ERR_")
    page.route("**/dashboard/service", lambda route: route.abort())
    page.locator("#feed-state.lost", has_text="no answer").wait_for()
    page.unroute("**/dashboard/service")
    with page.expect_response(lambda one: one.url.endswith("/dashboard/service") and one.ok):
        pass


def test_a_form_is_sent_once_and_can_be_sent_again(visit, service):
    page = visit("/dashboard")
    page.locator("a.row-link", has_text="bank").first.click()
    sent = []
    page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    page.locator("#note-text").fill("twice?")
    page.evaluate("document.querySelector('#note-button').click(); document.querySelector('#note-button').click()")
    page.locator(".note", has_text="twice?").first.wait_for()
    assert len(sent) == 1
    page.locator("#note-text").fill("once more")
    page.locator("#note-button").click()
    page.locator(".note", has_text="once more").wait_for()
    assert len(sent) == 2


def test_light_and_dark_by_system_and_by_choice(visit):
    page = visit("/dashboard", scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(colour)
    page.locator("#theme-button").click()
    light = page.evaluate(colour)
    assert light != dark
    page.reload()
    assert page.evaluate(colour) == light


def test_times_are_in_the_zone_of_the_reader(visit):
    page = visit("/dashboard/lines", timezone_id="Asia/Tokyo")
    time_ = page.locator("time[data-clock]").first
    given, shown = time_.get_attribute("datetime"), time_.inner_text()
    hour = (int(re.search(r"T(\d\d)", given)[1]) + 9) % 24
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d {hour:02}:\d\d:\d\d", shown)


def test_counts_over_time_are_drawn_with_the_changes(visit):
    page = visit("/dashboard/services/payments?hours=1")
    page.locator(".uplot canvas").wait_for()
    assert page.locator(".chart .strip").count() == 0
    assert page.evaluate("document.querySelector('.uplot canvas').width") > 300
