"""Alerts carry the raw line, the reason and what was expected, and rank by score."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pyarrow as pa
import pytest

from logradar.alerting.alerts import alert_id, anomalous, make_alerts
from logradar.alerting.files import alert_json, document_pieces, write_alerts
from logradar.core.tables import ALERTS, FINDINGS, LOG_RECORDS, SCORES, SESSIONS, UNKNOWN

END = datetime(2026, 3, 2, 8, tzinfo=UTC)
TEMPLATES = {3: "open <*>", 4: "close <*>"}
RECORDS = pa.Table.from_pylist(
    [{"record_id": i, "source": "app.log", "line": 10 + i, "body": f"line {i}"} for i in range(4)], schema=LOG_RECORDS
)


def lines(record_ids: list[int]) -> pa.Table:
    return RECORDS


@pytest.fixture
def alerts() -> list[dict]:
    sessions = pa.Table.from_pylist(
        [
            {
                "session_id": "a",
                "service": "shop",
                "end": END,
                "record_ids": [1, 2, 3],
                "template_ids": [3, 9, 3],
                "gaps": [0.0, 0.0, 0.0],
                "max_level": 17,
            },
            {"session_id": "b", "record_ids": [], "template_ids": [], "gaps": []},
        ],
        schema=SESSIONS,
    )
    scores = pa.table([["a", "b"], [2.5, 1.5], pa.array([[0, 1, 0], []], pa.list_(pa.float32()))], schema=SCORES)
    findings = pa.Table.from_pylist(
        [
            {
                "session_id": "a",
                "position": 1,
                "template_id": 9,
                "reason": "never seen",
                "weight": 2.0,
                "expected": [{"template_id": 4, "probability": 0.75}, {"template_id": 1, "probability": 0.25}],
            },
            {"session_id": "a", "template_id": 4, "reason": "is missing", "weight": 1.0, "expected": []},
        ],
        schema=FINDINGS,
    )
    return make_alerts(sessions, scores, findings, TEMPLATES, lines, detector="ngram", threshold=1.0).to_pylist()


def test_the_line_the_reason_and_the_expected(alerts):
    first, second = alerts[0]["evidence"]
    assert (first["source"], first["line"], first["body"], first["reason"]) == ("app.log", 12, "line 2", "never seen")
    assert first["expected"][0] == {"template_id": 4, "template": "close <*>", "probability": 0.75}
    assert "not in the training data" in first["expected"][1]["template"]
    assert second["reason"] == "«close <*>» is missing"
    assert second["line"] == 13


def test_a_session_without_findings_is_still_an_alert(alerts):
    assert alerts[1]["evidence"] == []


def test_ids_are_stable_and_differ_by_detector(alerts):
    assert alerts[0]["alert_id"] == alert_id("ngram", "a", None, "line 1")
    assert len({alert_id(*parts) for parts in (("ngram", "a"), ("length", "a"), ("ngram", "a", END))}) == 3


def test_two_logs_with_windows_of_one_name_have_different_ids():
    assert alert_id("ngram", "log[0]", END, "one") != alert_id("ngram", "log[0]", END, "other")


def test_an_alert_is_raised_at_event_time_never_at_the_wall_clock(alerts):
    assert [alert["raised_at"] for alert in alerts] == [END, None]  # the second session has no time at all


def test_ranking_is_by_score_and_strict():
    table = pa.table(
        [["a", "b", "c", "d"], [1.0, 3.0, 0.5, 3.0], pa.array([[]] * 4, pa.list_(pa.float32()))], schema=SCORES
    )
    assert anomalous(table, 0.5).tolist() == [1, 3, 0]


@pytest.mark.parametrize("count", [0, 1, 2500])
def test_the_document_in_pieces_is_the_whole_one(tmp_path, count):
    row = {
        "alert_id": "a",
        "session_id": 'line\nfeed "quoted"',
        "evidence": [{"record_id": 1, "reason": "odd", "body": "two\nlines", "expected": []}],
        "signature": '{"bundle": "b"}',
        "score": 1.5,
        "severity_parts": [{"name": "confidence", "value": 0.5}],
    }
    alerts = pa.Table.from_pylist([row | {"alert_id": str(number)} for number in range(count)], schema=ALERTS)
    figures = {"sessions": count, "notes": ["one\ntwo"], "drift": None}
    whole = {**figures, "alerts": [alert_json(one) for one in alerts.to_pylist()]}
    expected = orjson.dumps(whole, option=orjson.OPT_INDENT_2)
    assert b"".join(document_pieces(figures, alerts)) == expected
    write_alerts(alerts, figures, tmp_path / "a.json")
    assert (tmp_path / "a.json").read_bytes() == expected


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_a_file_of_alerts_is_there_whole_or_not_at_all(tmp_path, kind):
    before, link = tmp_path / f"old.{kind}", tmp_path / f"latest.{kind}"
    before.write_text("old")
    link.symlink_to(before)
    broken = pa.table({"alert_id": ["a"], "signature": ["no JSON"]})
    if kind != "parquet":  # which takes any table
        with pytest.raises((ValueError, KeyError)):
            write_alerts(broken, {}, link)
        assert before.read_text() == "old"
    write_alerts(ALERTS.empty_table(), {"sessions": 0}, link)
    assert link.is_symlink()
    assert before.read_bytes() != b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"latest.{kind}", f"old.{kind}"]


@pytest.mark.parametrize(
    "body, template, level, part",
    [
        ("vm crashed", UNKNOWN, None, 0.6),
        ("vm crashed", UNKNOWN, 9, 0.6),
        ("vm crashed", UNKNOWN, 21, 1.0),  # the level of a line says more
        ("vm resumed", UNKNOWN, 9, 0.25),
        ("vm crashed", 3, 9, 0.25),  # normal in training
        ("all is well\nfatal: it is not", UNKNOWN, 9, 0.25),  # the first line is the message
        (None, UNKNOWN, 9, 0.25),
    ],
)
def test_a_new_message_that_says_that_something_failed_counts_as_a_warning(body, template, level, part):
    session = {"session_id": "a", "record_ids": [0, 1], "template_ids": [3, template], "gaps": [0.0, 0.0]}
    sessions = pa.Table.from_pylist([{**session, "max_level": level}], schema=SESSIONS)
    scores = pa.table([["a"], [1.0], pa.array([[0, 1]], pa.list_(pa.float32()))], schema=SCORES)
    records = [{"record_id": 0, "body": "fatal"}, {"record_id": 1, "body": body, "level": level}]
    table = pa.Table.from_pylist([{"source": "a", "line": 1, **row} for row in records], schema=LOG_RECORDS)
    found = make_alerts(
        sessions, scores, FINDINGS.empty_table(), TEMPLATES, lambda ids: table, detector="ngram", threshold=1.0
    )
    parts = {one["name"]: one["value"] for one in found.to_pylist()[0]["severity_parts"]}
    assert parts["level"] == part
