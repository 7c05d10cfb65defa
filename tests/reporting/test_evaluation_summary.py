from __future__ import annotations

from pathlib import Path

import pytest

from logradar.reporting import evaluation_summary as summary
from logradar.reporting.run_folder import Run


def detector(f1: float | None, **more: object) -> dict:
    return {"f1": f1, "recall": f1, "precision": f1, **more}


def evaluated(**facts: object) -> Run:
    base = {"sessions": 4313, "anomalies": 117, "tp": 117, "fp": 15, "main": "deeplog", "false_alarms_per_day": 36.63}
    return Run(Path("x"), evaluation=base | facts)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({}, "Found all 117 anomalies among 4,313 sessions, with 15 false alarms, about 37 a day."),
        ({"tp": 53, "fp": 0}, "Found 53 of 117 anomalies among 4,313 sessions, with no false alarm."),
        (
            {"anomalies": 1, "tp": 1, "fp": 1, "false_alarms_per_day": 0.25},
            "Found 1 of 1 anomaly among 4,313 sessions, with 1 false alarm, about 0.25 a day.",
        ),
        ({"anomalies": None, "alerts": 7}, "4,313 sessions without labels; 7 of them raised an alarm."),
        ({"anomalies": 0, "tp": 0}, "No anomaly is labelled among 4,313 sessions; 15 of them raised an alarm."),
        (
            {"weighted": True, "fp": 2466.4, "false_alarms_per_day": None},
            "Found all 117 anomalies among 4,313 sessions, with 2,466 false alarms at natural prevalence.",
        ),
    ],
)
def test_headline_of_an_evaluation(facts: dict, sentence: str) -> None:
    assert summary.headline(evaluated(**facts)) == sentence


@pytest.mark.parametrize(
    ("alerts", "sentence"),
    [
        ({"sessions": 9000, "alerts": [{}] * 12}, "12 of 9,000 sessions are anomalous."),
        ({"sessions": 9000, "alerts": [{}]}, "1 of 9,000 sessions is anomalous."),
        ({"sessions": 9000, "alerts": []}, "No session is anomalous among 9,000 sessions."),
        ({"alerts": [{}] * 2}, "2 sessions are anomalous."),
        ({"sessions": 9000, "alerts": [{}] * 2, "raised": 700}, "700 of 9,000 sessions are anomalous."),
    ],
)
def test_headline_of_a_detection(alerts: dict, sentence: str) -> None:
    assert summary.headline(Run(Path("x"), alerts=alerts)) == sentence


DETECTORS = {
    "count_vector": detector(0.94, fpr=0.0036, oracle_f1=0.94),
    "deeplog": detector(0.91, fpr=0.001, oracle_f1=0.97),
    "ensemble": detector(0.96, fpr=0.004, oracle_f1=0.98),
    "length": detector(0.0, fpr=0.0, oracle_f1=0.1),
    "ngram": detector(0.9403, fpr=0.0036, oracle_f1=0.94),
}


def test_detectors_side_by_side() -> None:
    run = Run(Path("x"), evaluation={"main": "ensemble", "detectors": DETECTORS}, history={"deeplog": [{}]})
    columns, rows = summary.table(run)
    assert [column.key for column in columns] == ["f1", "precision", "recall", "fpr", "oracle_f1"]
    assert [row.name for row in rows] == ["ensemble", "ngram", "count_vector", "deeplog", "length"]
    assert [row.verdict for row in rows] == ["above", "equal", "reference", "below", "below"]
    assert [row.name for row in rows if row.main] == ["ensemble"]
    assert [row.name for row in rows if row.trained] == ["deeplog"]
    assert [tuple(cell) for cell in rows[0].cells] == [
        ("0.960", True, ""),
        ("96.0 %", True, ""),
        ("96.0 %", True, ""),
        ("0.40 %", False, ""),
        ("0.980", False, ""),
    ]
    # deeplog has the fewest false alarms of those that find anything; the oracle column has no best cell
    assert [row.name for row in rows if row.cells[3][1]] == ["deeplog"]
    assert not any(row.cells[4][1] for row in rows)


def test_which_detector_beats_the_reference_in_words() -> None:
    run = Run(Path("x"), evaluation={"anomalies": 117, "detectors": DETECTORS}, history={"deeplog": [{}]})
    assert summary.notes_on_detectors(run) == [
        "A new count vector alone (count_vector) reaches F1 0.940; ensemble beats it; ngram equals it.",
        "Below it: deeplog and length.",
        "Trained, but not better than this rule without training on this data: deeplog.",
        "With 117 anomalies, small differences mean little: one anomaly more or less moves recall by 0.85 %.",
    ]
    beaten = {name: DETECTORS[name] for name in ("count_vector", "length")}
    assert (
        "no other detector beats it" in summary.notes_on_detectors(Run(Path("x"), evaluation={"detectors": beaten}))[0]
    )


@pytest.mark.parametrize("names", [["deeplog", "length"], ["count_vector"], []])
def test_without_the_reference_or_without_others_nothing_is_compared(names: list[str]) -> None:
    run = Run(Path("x"), evaluation={"detectors": {name: DETECTORS[name] for name in names}})
    assert summary.notes_on_detectors(run) == []


def test_figures_that_are_not_defined_have_no_verdict() -> None:
    detectors = {"count_vector": detector(None), "deeplog": detector(None)}
    run = Run(Path("x"), evaluation={"anomalies": 0, "detectors": detectors})
    columns, rows = summary.table(run)
    assert columns == []
    assert {row.verdict for row in rows} == {""}
    assert summary.notes_on_detectors(run) == []


def test_cards_leave_out_figures_that_are_not_defined() -> None:
    names = [name for name, _, _ in summary.cards(evaluated(f1=0.94, pr_auc=None))]
    assert names == ["F1", "false alarms a day"]
    detected = Run(Path("x"), alerts={"sessions": 5, "records": 70, "alerts": [{"severity": "high"}, {}]})
    assert summary.cards(detected)[0] == ("alerts", "2", "1 high, 1 unrated")
