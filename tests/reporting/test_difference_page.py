"""What a difference says in words, and its page."""

from __future__ import annotations

from logradar.reporting.difference_page import render
from logradar.reporting.difference_summary import headline, in_order, lead, short, why

SIDE = {"input": "/logs/good", "records": 10, "kinds": 3, "from": None, "until": None}
RUNS = {
    "mode": "runs",
    "created": "2024-05-01T12:00:00+00:00",
    "good": [SIDE],
    "bad": {**SIDE, "input": "/logs/bad"},
    "unusualness": 6.2,
    "new": True,
    "p_limit": 0.025,
    "groups": [
        {"name": "errors", "new": 1, "known": 2.0, "expected": 0.04, "p": 0.0001},
        {"name": "warnings or errors", "new": 2, "known": 9.0, "expected": 0.4, "p": 0.02},
    ],
    "counts": {"new": 3, "gone": 0, "more": 1, "less": 0, "cut_off": 1, "renamed": 2},
    "changes": [],
}


def change(what: str, good: list[int], bad: int, expected: float = 0.0) -> dict:
    return {"what": what, "good": good, "bad": bad, "expected": expected}


def test_the_headline_says_what_is_beyond_chance():
    assert (
        headline(RUNS) == "The bad run has 1 kind of errors that the good run has not; chance explains 0 (p < 0.001)."
    )
    may = {**RUNS, "new": False, "good": [SIDE, SIDE]}
    assert headline(may) == "3 kinds of lines are new, 2 of warnings or errors, which may be chance (p 0.02)."
    calm = {**may, "groups": [{**one, "new": 0} for one in RUNS["groups"]]}
    assert headline(calm) == "3 kinds of lines are new, no warning or error among them."
    assert headline({**calm, "counts": {**RUNS["counts"], "new": 0}}) == "No kind of line is new; 1 more."


def test_the_lead_names_sides_and_what_does_not_count():
    said = " ".join(lead(RUNS))
    assert "Good: /logs/good, 10 records of 3 kinds." in said
    assert "2 templates differ only in names" in said
    assert "1 line at the end of a file" in said
    assert "/logs" not in " ".join(lead(RUNS, brief=True))


def test_counts_in_words():
    assert why(change("new", [0, 0], 1)) == "1 time, never in 2 good runs"
    assert why(change("gone", [2, 2], 0)) == "not once, 2 times in each good run"
    assert why(change("gone", [2, 5], 0)) == "not once, 2 to 5 times in each good run"
    assert (
        why(change("more", [1, 3], 40, 2.0)) == "40 times where about 2 are expected (1 to 3 times when all was well)"
    )


def test_files_are_named_below_their_input():
    assert short("/logs/bad/node1/app.log", RUNS) == "node1/app.log"
    assert short("/logs/bad", RUNS) == "bad"


def test_lines_go_in_the_order_of_the_log_with_gaps():
    rows = [{"source": source, "line": line, "lines": 1} for source, line in (("b", 1), ("a", 9), ("a", 2), ("a", 3))]
    assert [(row["source"], row["line"], gap) for row, gap in in_order(rows)] == [
        ("a", 2, -1), ("a", 3, 0), ("a", 9, 5), ("b", 1, -1),
    ]  # fmt: skip


def test_the_page_escapes_lines_and_loads_nothing():
    row = {
        "rank": 1, "score": 2.0, "source": "/logs/bad/<b>.log", "line": 7, "lines": 1, "time": None, "service": "<i>",
        "level": "ERROR", "text": "<script>alert(1)</script>", "template": "x", "count": 1,
    }  # fmt: skip
    page = render({"mode": "lines", "created": RUNS["created"], "bad": RUNS["bad"], "lines": [row]})
    whole = {**row, **change("new", [0], 1), "q": 1.0, "trace": {"exception": "<E>", "cause": None, "frames": ["<f>"]}}
    other = render({**RUNS, "changes": [whole]})
    for text in (page, other):
        assert "<script" not in text and "&lt;script&gt;" in text and "<E>" not in text
