"""Analysis of results: alerts in three forms, RADAR's result JSON, and files that are neither."""

from __future__ import annotations

import json

import polars as pl
import pytest

from logradar.cli.show.analysis import few
from logradar.core.errors import ConfigError, InputError
from logradar.evaluation.result_analysis import FEWEST, analyze

_KEYS = ("session_id", "anomaly_score", "is_anomaly", "has_error", "has_warn", "service_name")
RADAR = [
    dict(zip(_KEYS, row, strict=True))
    for row in (
        (1, 0.1, False, False, True, "pay"),
        (2, 0.9, True, True, False, "pay"),
        (3, 0.2, False, False, False, "cart"),
        (4, 0.4, False, True, False, "cart"),
    )
]
ALERTS = [
    {"session_id": "a", "score": 3.0, "service": "pay", "severity": "high", "detector": "ensemble",
     "raised_at": "2026-03-01T10:00:00+00:00", "threshold": 2.0, "evidence": []},
    {"session_id": "b", "score": 5.0, "service": None, "severity": "low", "detector": "ensemble",
     "raised_at": "2026-03-01T09:00:00+00:00", "threshold": 2.0, "evidence": []},
]  # fmt: skip


@pytest.fixture
def written(tmp_path):
    def write(value, name="results.json"):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return write


def test_radar_results(written):
    facts = analyze(written(RADAR))
    assert (facts["kind"], facts["sessions"], facts["anomalies"], facts["share"]) == ("radar-json", 4, 1, 0.25)
    assert facts["score"]["mean"] == pytest.approx(0.4)
    assert (facts["score"]["min"], facts["score"]["max"]) == (0.1, 0.9)
    assert facts["score_of_normal"]["max"] == 0.4
    assert [(row["service"], row["sessions"], row["anomalies"], row["share"]) for row in facts["services"]] == [
        ("pay", 2, 1, 0.5),
        ("cart", 2, 0, 0.0),
    ]
    assert facts["levels"] == {
        "has_error": {"sessions": 2, "anomalies": 1},
        "has_warn": {"sessions": 1, "anomalies": 0},
    }


@pytest.mark.parametrize(
    ("count", "given"),
    [
        (1, set()),
        (9, set()),
        (10, {"p90"}),
        (19, {"p90"}),
        (20, {"p90", "p95"}),
        (99, {"p90", "p95"}),
        (100, set(FEWEST)),
    ],
)
def test_percentiles_of_few_values_are_left_out_and_it_is_said(written, count, given):
    rows = [{**RADAR[0], "session_id": number, "anomaly_score": float(number)} for number in range(count)]
    score = analyze(written(rows))["score"]
    assert score["values"] == count
    assert {name for name in FEWEST if score[name] is not None} == given
    assert all(score[name] < count - 1 for name in given)  # not the largest once more
    assert score["median"] == (count - 1) // 2
    told = few("all sessions", score)
    assert (told == "") == (given == set(FEWEST))
    if told:
        assert f"rest on {count} value" in told
        assert all((name in told) == (name not in given) for name in FEWEST)


def test_a_threshold_decides_anew(written):
    undecided = [{**row, "is_anomaly": None} for row in RADAR]
    with pytest.raises(ConfigError, match="--threshold"):
        analyze(written(undecided))
    assert analyze(written(undecided), 0.15)["anomalies"] == 3
    assert analyze(written(RADAR), 0.4)["anomalies"] == 1  # above, not at


def test_alerts_in_three_forms_say_the_same(written, tmp_path):
    document = {"records": 9, "sessions": 8, "threshold": 2.0, "detector": "ensemble", "alerts": ALERTS}
    json_ = analyze(written(document))
    table = pl.DataFrame([{k: v for k, v in alert.items() if k != "evidence"} for alert in ALERTS])
    table.write_parquet(tmp_path / "a.parquet")
    table.write_csv(tmp_path / "a.csv")
    assert (json_["sessions"], json_["anomalies"], json_["share"]) == (8, 2, 0.25)
    assert json_["severities"] == {"high": 1, "low": 1}
    assert json_["from"] == "2026-03-01T09:00:00+00:00"
    assert {row["service"]: row["anomalies"] for row in json_["services"]} == {"pay": 1, "unknown": 1}
    for name in ("a.parquet", "a.csv"):
        other = analyze(tmp_path / name)
        assert other["share"] is None
        same = ("anomalies", "threshold", "score", "services", "severities", "detectors", "from", "until")
        assert {key: other[key] for key in same} == {key: json_[key] for key in same}
    assert analyze(tmp_path / "a.csv", 4.0)["anomalies"] == 1


def test_a_run_folder_tells_all_alerts_that_were_raised(written, tmp_path):
    written({"sessions": 10_000, "threshold": 2.0, "raised": 600, "alerts": ALERTS}, "alerts.json")
    facts = analyze(tmp_path)
    assert (facts["anomalies"], facts["listed"], facts["share"]) == (600, 2, 0.06)


def test_what_python_writes_for_nan_is_read(written):
    text = json.dumps([*RADAR, {"session_id": "x", "anomaly_score": float("nan"), "is_anomaly": False}])
    facts = analyze(written(text))
    assert (facts["sessions"], facts["without_score"]) == (5, 1)
    assert facts["score"]["max"] == 0.9


@pytest.mark.parametrize("empty", [[], {"alerts": []}, {"sessions": 0, "alerts": []}])
def test_nothing_found_is_no_error(written, empty):
    facts = analyze(written(empty))
    assert (facts["anomalies"], facts["score"], facts["services"], facts["share"]) == (0, None, [], None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1, 2]",
        '[{"a": 1}]',
        '{"alerts": 3}',
        '{"alerts": [3]}',
        '[{"anomaly_score": "high"}]',
        "[" * 9999,
        "\x00",
    ],
)
def test_a_file_without_results_is_an_input_error(written, text):
    with pytest.raises(InputError, match=r"this command reads|cannot be read"):
        analyze(written(text))


def test_files_that_are_not_there_or_not_theirs(tmp_path):
    for name in ("nowhere.json", "nowhere.csv"):
        with pytest.raises(InputError, match="There is no file"):
            analyze(tmp_path / name)
    with pytest.raises(InputError, match=r"alerts\.json"):
        analyze(tmp_path)
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="cannot be read"):
        analyze(tmp_path / "x.parquet")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column 'score'"):
        analyze(tmp_path / "x.csv")
    (tmp_path / "y.csv").write_text("session_id,score\ns,high\n")
    with pytest.raises(InputError, match="cannot be read"):
        analyze(tmp_path / "y.csv")
