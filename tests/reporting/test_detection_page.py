"""The page of a detection: incidents on a time line and as stories, alerts, and nothing that a hostile log could do."""

from __future__ import annotations

from typing import Any

from tests.reporting.test_evaluation_page import Page, closed

from logradar.reporting.detection_page import headline, render
from logradar.reporting.incident_list import stories
from logradar.reporting.incident_plots import incident_timeline

HOSTILE = '<script>alert("x")</script>\x1b[2J'


def incident(number: int, **given: Any) -> dict[str, Any]:
    """An incident of a document of ``detect --json``."""
    return {
        "incident_id": f"{number:016x}",
        "status": "resolved",
        "severity": "high",
        "severity_score": 71.0,
        "initial_severity_score": 50.0,
        "started_at": f"2026-03-02T08:{number:02}:00+00:00",
        "last_at": f"2026-03-02T09:{number:02}:00+00:00",
        "services": ["shop"],
        "alerts": 12,
        "rate_changes": 1,
        "alert_ids": ["a"],
        "rate_change_ids": ["r"],
        "kind": "k",
        "again_of": None,
        "title": f"New message in shop: «{HOSTILE}»",
        "evidence": {"record_id": 1, "source": "a.log", "line": 3, "body": HOSTILE, "reason": "new", "expected": []},
        "candidates": [{"service": HOSTILE, "reason": "first, at 08:00:00", "share": 0.7}],
        "merged_into": None,
    } | given  # fmt: skip


def document(incidents: list[dict[str, Any]]) -> dict[str, Any]:
    figures = {"records": 100, "sessions": 20, "quarantined": 0, "notes": ["one note"], "drift": None}
    return {**figures, "incidents": incidents, "alerts": []}


def test_a_page_tells_each_incident() -> None:
    text = render(document([incident(1), incident(2, status="open", again_of="0" * 16)]), "new.log", 25)
    page = Page(text)
    closed(text, page)
    assert "2 incidents, 1 of them still open" in page.text
    assert "It began at 2026-03-02 08:01:00 UTC; it went on for 60 min, and it is over." in page.text
    assert "There are 12 alerts and 1 rate change in shop." in page.text
    assert "Its severity was 50 of 100 at first and is 71." in page.text
    assert f"The same kind came before, as incident {'0' * 16}." in page.text
    assert "1 alert is in no incident." in page.text
    assert "one note" in page.text
    assert "svg" in page.tags


def test_a_page_without_incidents_says_so() -> None:
    assert headline([], 0) == "Nothing unusual was found"
    assert "No incident, 3 alerts" in Page(render(document([]), "new.log", 3)).text


def test_damaged_incidents_are_shown_as_far_as_they_go() -> None:
    broken = {"title": None, "services": 7, "candidates": [3], "started_at": "soon", "alerts": "many", "evidence": []}
    (story,) = stories([broken])
    assert (story.services, story.places, story.size, story.lines) == ([], [], "", [])
    assert incident_timeline([broken]) is None
    text = render(document([broken]), "new.log", 0)
    closed(text, Page(text))


def test_a_time_line_has_a_bar_for_each_of_the_first_incidents() -> None:
    picture = incident_timeline([incident(number) for number in range(30)])
    assert picture is not None and picture.startswith(b"<svg")
    assert incident_timeline([incident(1)]) != incident_timeline([incident(1, status="open")])


def change(**given: Any) -> dict[str, Any]:
    """A change of a rate of a document of ``detect --json``."""
    return {
        "change_id": "r", "kind": "spike", "service": "shop", "template_id": 7, "template": HOSTILE,
        "started_at": "2026-03-02T08:05:00+00:00", "reason": "90 times in 5 minutes instead of 3", **given,
    }  # fmt: skip


def test_a_page_tells_the_rate_changes_of_an_incident() -> None:
    text = render(document([incident(1)]) | {"rate_changes": [change()]}, "new.log", 12)
    page = Page(text)
    closed(text, page)
    assert "12 alerts and 1 rate change in 20 sessions" in page.text
    assert "shop: spike of «" in page.text and "from 08:05, 90 times in 5 minutes instead of 3" in page.text
    assert "Its first unusual line" in page.text


def test_what_the_title_or_the_alerts_tell_is_not_told_again() -> None:
    silent = incident(1, title="shop: silence, nothing for 20 minutes")
    rows = [change(kind="silence", template=None, reason="nothing for 20 minutes")]
    assert stories([silent], changes=rows)[0].rates == []
    new = [change(kind="new", template_id=1)]
    assert stories([incident(1)], changes=new)[0].rates == []
    assert len(stories([incident(1, alerts=0)], changes=new)[0].rates) == 1


def test_of_many_rate_changes_the_first_are_told_and_of_damaged_ones_what_there_is() -> None:
    rows = [change(change_id=str(n), kind="gone") for n in range(9)] + [change(change_id="s", kind="silence")]
    one = incident(1, rate_change_ids=[row["change_id"] for row in rows], rate_changes=10)
    (story,) = stories([one], changes=rows)
    assert "silence" in story.rates[0] and story.rates[-1] == "and 5 more, which are in the JSON document"
    (story,) = stories([one], changes=[{"change_id": "3", "template": 7, "started_at": "soon"}])
    assert len(story.rates) == 1


def test_the_line_of_what_is_missing_is_one_of_the_training() -> None:
    missing = {"record_id": None, "source": "a.log", "line": 3, "body": "beat", "reason": "silence", "expected": []}
    text = render(document([incident(1, alerts=0, evidence=missing)]), "new.log", 0)
    assert "The last line of this kind in training" in Page(text).text
