from __future__ import annotations

import math

from logradar.reporting.alert_list import clip, top


def alert(number: int, severity: str | None = "high", score: float = 1.0, **more: object) -> dict:
    return {"alert_id": f"a{number}", "session_id": f"s{number}", "severity": severity, "score": score, **more}


def line(number: int, reason: str | None = None) -> dict:
    return {
        "record_id": number,
        "source": "/var/log/app.log",
        "line": number,
        "body": f"body {number}",
        "reason": reason,
    }


def test_the_most_urgent_first_then_the_highest_score_then_the_given_order() -> None:
    found = top(
        [
            alert(1, "low", 9.0),
            alert(2, "critical", 1.0),
            alert(3, None, 99.0),
            alert(4, "critical", math.inf),
            alert(5, "critical", 1.0),
        ]
    )
    assert [one.title for one in found] == ["s4", "s2", "s5", "s1", "s3"]
    assert [one.rank for one in found] == [1, 2, 3, 4, 5]
    assert [one.share for one in found] == [100.0, 100 / 99, 100 / 99, 900 / 99, 100.0]


def test_only_so_many() -> None:
    assert len(top([alert(i) for i in range(500)])) == 50


def test_a_long_session_shows_its_findings_and_their_neighbours() -> None:
    evidence = [line(i, "rare" if i in (100, 700) else None) for i in range(1000)]
    (one,) = top([alert(1, evidence=evidence)])
    shown = [found.where or found.skipped for found in one.lines]
    near = [f"app.log:{i}" for i in range(98, 103)], [f"app.log:{i}" for i in range(698, 703)]
    assert shown == [98, *near[0], 595, *near[1], 297]
    assert one.reason.head == "rare"
    assert one.findings == 2
    assert one.lines[1].path == "/var/log/app.log"


def test_a_long_session_without_a_finding_shows_its_beginning() -> None:
    (one,) = top([alert(1, evidence=[line(i) for i in range(100)])])
    assert (len(one.lines), one.lines[-1].skipped, one.reason) == (25, 76, None)


def test_a_missing_event_has_no_line() -> None:
    evidence = [
        {"record_id": None, "body": None, "reason": "missing", "expected": [{"template_id": 7, "probability": 0.25}]}
    ]
    (found,) = top([alert(1, evidence=evidence)])[0].lines
    (reason,) = found.reasons
    assert (found.where, found.body, reason.text.head) == ("", None, "missing")
    assert [(text.head, share, width) for text, share, width in reason.expected] == [("template 7", "25.0%", 25.0)]


def test_a_line_is_shown_once_with_all_its_reasons() -> None:
    evidence = [line(7, "missing"), line(3, "too rare"), line(7, "unknown"), line(4)]
    evidence += [{"record_id": None, "reason": "one"}, {"record_id": None, "reason": "two"}]
    (one,) = top([alert(1, evidence=evidence)])
    assert [(found.where, [reason.text.head for reason in found.reasons]) for found in one.lines] == [
        ("app.log:7", ["missing", "unknown"]),
        ("app.log:3", ["too rare"]),
        ("app.log:4", []),
        ("", ["one"]),
        ("", ["two"]),
    ]
    assert one.findings == 5


def test_malformed_alerts_do_not_break_the_list() -> None:
    nonsense = [
        {},
        {"evidence": "x"},
        {"evidence": [1, {"expected": [{"probability": 7}, 3]}]},
        alert(1, score="x", label="y"),
    ]
    found = top(nonsense)
    assert len(found) == 4
    assert {one.label for one in found} == {None}


def test_clipping() -> None:
    assert clip("short").head == "short"
    assert clip("x" * 510).rest == ""  # no button for a few characters
    long = clip("x" * 50_000)
    assert (len(long.head), len(long.rest), long.left) == (480, 11_520, 38_000)
    stack = clip("line\n" * 50)
    assert stack.head.count("\n") == 7
    assert stack.head + stack.rest == "line\n" * 50
    windows = clip("a", head=1)
    assert windows.head == "a"


def test_templates_are_shown_in_words() -> None:
    expected = [{"template_id": 9, "template": "E6 request <*> from <IP>", "probability": 0.5}]
    evidence = [{"record_id": 1, "body": "stop <*>", "reason": "«sent <*> bytes» is missing", "expected": expected}]
    line = top([{"alert_id": "a", "evidence": evidence}])[0].lines[0]
    assert line.reasons[0].text.head == "«sent … bytes» is missing"
    assert line.reasons[0].expected[0][0].head == "E6 request … from <IP>"
    assert line.body is not None
    assert line.body.head == "stop <*>"  # a log line is never changed
