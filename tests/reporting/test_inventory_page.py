"""The page of an inventory: hostile names stay text, unknown facts are left out, nothing is loaded."""

from __future__ import annotations

import copy
import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from test_evaluation_page import Page, closed

from logradar.reporting import inventory_plots as plots
from logradar.reporting.inventory_page import cards, headline, lead, render, size, write_inventory
from logradar.reporting.inventory_summary import remarks


def day(name: str, sessions: int = 40, **more: Any) -> dict[str, Any]:
    """A row of ``by_day``."""
    return {
        "day": name,
        "services": {"gateway": sessions // 2, "billing": sessions - sessions // 2},
        "files": 1,
        "bytes": 4_000,
        "sessions": sessions,
        "records": 9 * sessions,
        "with_error": 1,
        "with_warn": 2,
        "error_share": 1 / sessions if sessions else None,
        "warn_share": 2 / sessions if sessions else None,
        "lost": 0,
        "new_templates": 3,
        **more,
    }


def service(name: str, sessions: int = 40, errors: int | None = 1) -> dict[str, Any]:
    """A row of ``by_service``."""
    share = None if errors is None else errors / sessions
    figures = {"with_error": errors, "with_warn": errors, "error_share": share, "warn_share": share}
    return {"service": name, "sessions": sessions, "records": 9 * sessions, **figures}


@pytest.fixture
def facts() -> dict[str, Any]:
    """An inventory of 40 days."""
    days = [day((date(2024, 5, 1) + timedelta(number)).isoformat()) for number in range(40)]
    return {
        "input": "days",
        "source": "radar_json",
        "records": 14_400,
        "quarantined": 0,
        "lost": 0,
        "faults": {},
        "fault_kinds": [],
        "filled": {},
        "from": "2024-05-01",
        "until": "2024-06-09",
        "services": {"gateway": 7_200, "billing": 7_200},
        "levels": {"9": 14_000, "13": 300, "17": 100},
        "files": {},
        "file_count": 40,
        "bytes": 160_000,
        "templates": 120,
        "sessions": 1_600,
        "distinct_sequences": 900,
        "session_length": {"mean": 9.0, "min": 2, "median": 8, "max": 90},
        "length_quantiles": {"p90": 20, "p99": 70},
        "length_histogram": [[2, 2, 100], [8, 8, 1_400], [88, 91, 100]],
        "days": 40.0,
        "missing_days": 0,
        "first_missing_days": [],
        "labels": {"normal": 0, "anomalous": 0, "unknown": 1_600},
        "with_error": 40,
        "error_share": 0.025,
        "with_warn": 80,
        "warn_share": 0.05,
        "duplicate_sessions": 7,
        "repeated_session_ids": 0,
        "counted_exactly": True,
        "by_service": [service("gateway", 800, 20), service("billing", 800, 20)],
        "by_day": days,
        "by_file": [],
        "vocabulary": {
            "of": "event ids",
            "over": "sessions",
            "size": 120,
            "full": False,
            "growth": [[1, 9], [100, 90], [1_400, 120], [1_600, 120]],
        },
        "keys": [{"key": "session_id", "type": "integer of 64 bits", "needed": True, "sessions": 1_600}],
        "padded_length": {"512": 1_600},
        "session_key": None,
        "version": "1",
        "created": "2026-11-21T12:00:00+00:00",
        "seconds": 1.5,
    }


def page_of(facts: dict[str, Any]) -> Page:
    text = render(facts)
    page = Page(text)
    closed(text, page)
    return page


def test_the_page(facts, tmp_path):
    page = page_of(facts)
    assert "1,600 sessions of 2 services in 40 files, without a fault." in page.text
    assert "From 2024-05-01 to 2024-06-09, 160 kB on disk." in page.text
    assert page.tags.count("figure") == 7
    assert "the whole input could be read" in page.text
    assert remarks(facts) == []
    assert write_inventory(facts, tmp_path) == tmp_path / "report.html"
    assert json.loads((tmp_path / "validate.json").read_text()) == facts
    assert write_inventory(facts, tmp_path / "page.html").read_text() == (tmp_path / "report.html").read_text()


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[31mred\u202egnp",
    "{{ 7 * 7 }}",
    "$\\frac{a}{b}$",
    "]]>&lt;</svg><script>",
    "x" * 5_000,
    "주문\t처리\n",
    "\ud800",
    "",
]


def test_hostile_names_and_texts_stay_text(facts):
    facts["input"] = HOSTILE[0]
    facts["by_service"] = [service(name, 60 - place) for place, name in enumerate(HOSTILE)]
    facts["by_day"] = [day(name, services=dict.fromkeys(HOSTILE, 4)) for name in HOSTILE]
    example = {"offset": 1_234, "place": 2_345, "text": HOSTILE[0], "near": HOSTILE[1]}
    facts["fault_kinds"] = [
        {"reason": name, "count": 3, "kept": False, "examples": [{"source": name, **example}]} for name in HOSTILE
    ]
    facts["by_file"] = [{"file": name, "bytes": 3, "sessions": 1, "lost": 2, "faults": 3} for name in HOSTILE]
    facts["lost"] = 30
    facts["keys"] = [{"key": name, "type": name, "needed": False, "sessions": 1} for name in HOSTILE]
    facts["session_key"] = HOSTILE[1]
    text = render(facts)
    page = Page(text)
    closed(text, page)
    assert "<script>alert(1)</script>" in page.text
    assert "⟨ESC⟩[31mred⟨U+202E⟩gnp" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert "byte 1,234 (fault at 2,345)" in page.text
    assert len(text) < 1_000_000


def test_facts_that_are_not_known_are_left_out(facts):
    for name in ("with_error", "error_share", "with_warn", "warn_share"):
        facts[name] = None
        for row in [*facts["by_day"], *facts["by_service"]]:
            row[name] = None
    for row in facts["by_day"]:
        del row["bytes"], row["lost"]
    facts |= {"from": None, "until": None, "days": None, "levels": {"none": 3}, "bytes": None}
    for name in ("keys", "padded_length", "by_file"):
        del facts[name]
    page = page_of(facts)
    assert page.tags.count("figure") == 4
    assert "with warnings" not in page.text.split("Services")[-1]
    assert "dates not known" in lead(facts)[0]
    assert remarks(facts) == ["The input does not say which sessions have errors."]


def test_nothing_at_all(facts):
    empty = copy.deepcopy(facts)
    empty |= {"sessions": 0, "by_service": [], "by_day": [], "length_histogram": [], "error_share": None, "days": None}
    empty |= {"lost": 2, "file_count": 1, "duplicate_sessions": 0, "levels": {}}
    empty["vocabulary"] |= {"size": 0, "growth": [[1, 0]]}
    empty["fault_kinds"] = [{"reason": "session that is not valid JSON", "count": 2, "kept": False, "examples": []}]
    assert headline(empty) == "No session could be read from 1 file: 2 faults."
    assert page_of(empty).tags.count("figure") == 0


def test_one_session(facts):
    facts["by_day"] = [day("2024-05-01", 1, services={"gateway": 1})]
    facts["by_service"] = [service("gateway", 1)]
    facts["length_histogram"] = [[8, 8, 1]]
    facts["vocabulary"]["growth"] = [[1, 8]]
    facts |= {"sessions": 1, "file_count": 1, "distinct_sequences": 1, "from": "2024-05-01", "until": "2024-05-01"}
    page = page_of(facts)
    assert "1 session of 1 service in 1 file, without a fault. From 2024-05-01" in page.text
    assert page.tags.count("figure") == 3  # volume, lengths, levels


def test_remarks_say_what_to_check(facts):
    facts["by_day"][3] = day("2024-05-04", 2)
    facts["by_day"][4] = day("2024-05-05", 900)
    facts["by_service"] = [service("gateway", 1_500, 20), service("pay", 100, 20), service("rare", 5, 5)]
    facts |= {"missing_days": 5, "first_missing_days": [f"2024-07-0{number}" for number in range(1, 6)]}
    facts |= {"duplicate_sessions": 1_000, "repeated_session_ids": 2, "lost": 3}
    facts["by_file"] = [{"file": "a", "lost": 3, "faults": 3, "bytes": 1, "sessions": 1}]
    facts["padded_length"] = {"64": 1_600}
    facts["vocabulary"]["growth"] = [[1, 9], [100, 90], [1_400, 100], [1_600, 120]]
    sentences = " ".join(remarks(facts))
    for words in (
        "3 pieces of the input could not be used in 1 of 40 files",
        "5 days between the first and the last have no data: 2024-07-01, 2024-07-02, 2024-07-03 and 2 more.",
        "2024-05-04 has less than a fifth of the sessions of the median day (40)",
        "2024-05-05 has more than five times",
        "Errors are far more frequent than in all sessions (2.5 %) in pay (20.0 %).",
        "2 session ids occur more than once",
        "The last tenth of the sessions still has 20 new event ids",
        "62.5 % of the sessions repeat",
        "100 sessions are longer than the 64 places of token_ids",
    ):
        assert words in sentences
    assert "rare" not in sentences


def test_days_far_away_do_not_squeeze_the_picture(facts):
    days = [day("1970-01-01", 1), *facts["by_day"], day("9999-12-31", 1), day("later", 1)]
    assert plots.volume(days) == plots.volume(facts["by_day"])
    assert plots.volume([day("0001-01-01"), day("0001-01-02")])
    assert plots.volume([day("9999-12-31"), day("9999-12-30")])
    assert plots.volume([day("one"), day("two")]) != plots.volume(facts["by_day"])
    assert plots.volume([]) is None
    long = [day((date(2015, 1, 1) + timedelta(step)).isoformat()) for step in range(3_000)]
    assert plots.volume(long, kind="png").startswith(b"\x89PNG")
    assert len(plots.trouble(long)) < 400_000


def test_long_and_short_lengths_have_an_axis():
    ends = {"median": 3, "max": 200_000}
    drawn = plots.lengths([[0, 0, 5], [3, 3, 900], [190_000, 200_000, 1]], ends, {"p90": 4, "p99": 9})
    assert drawn.startswith(b"<svg")
    assert plots.lengths([[0, 0, 5]], {"median": 0, "max": 0}, {"p90": 0, "p99": 0})
    assert plots.lengths([], ends, {"p90": 4, "p99": 9}) is None


def test_cards_say_what_is_estimated(facts):
    facts["counted_exactly"] = False
    notes = {title: note for title, _, note in cards(facts)}
    assert notes["sessions"] == "900 distinct sequences, estimated"
    assert [size(count) for count in (0, 999, 1_500, 12_345_678, 1.5e12, None)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "12.3 MB",
        "1,500 GB",
        "–",
    ]


@pytest.mark.parametrize("count", [2, 3, 4, 30])
def test_the_bars_of_services_fill_their_picture(count: int) -> None:
    from matplotlib.figure import Figure

    axes, rows = Figure().subplots(), [service(f"s{number}") for number in range(count)]
    plots._names(axes, np.arange(count), rows)
    low, high = axes.get_ylim()
    assert high - low == pytest.approx(count + 0.2)
    assert plots.services(rows)
    assert plots.troubled_services(rows)


def test_ticks_of_shares_say_what_they_are() -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    axes.set_xlim(0, 0.1)
    axes.set_xticks([0, 0.025, 0.05, 0.0005])
    plots._per_cent(axes, "x")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0%", "2.5%", "5%", "0.05%"]
