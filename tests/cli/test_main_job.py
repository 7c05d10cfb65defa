"""Train, detect, evaluate, report on a log that nobody prepared for: no flags, no config."""

from __future__ import annotations

import io
import json
import sys

import polars as pl
import pyarrow.parquet as pq
import pytest
from tests.cli.shop import write_job, write_labels, write_log

from logradar.core.tables import ALERTS, SESSIONS, TEMPLATES, check


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_job(tmp_path_factory.mktemp("job"), 300, 100, (40, 70))


@pytest.fixture
def bundle(folder, logradar):
    if not (folder / "b").exists():
        done = logradar("train", folder / "app.log", "-o", folder / "b")
        assert done.code == 0, done.err
        assert "job" in done.err
        assert "--session-key" in done.err
    return folder / "b"


def test_detect_finds_the_broken_jobs_and_says_why(bundle, folder, logradar):
    done = logradar("detect", bundle, folder / "new.log", "--json")
    assert done.code == 0
    assert set(done.json) >= {"records", "sessions", "quarantined", "unknown_templates", "alerts"}
    assert (done.json["records"], done.json["sessions"], done.json["quarantined"]) == (398, 100, 0)
    assert done.json["unknown_templates"] == 2
    assert len(done.json["alerts"]) == 2
    alert = done.json["alerts"][0]
    keys = {"alert_id", "session_id", "service", "raised_at", "detector", "score", "threshold", "severity", "evidence"}
    keys |= {"signature", "services", "started_at", "max_level", "severity_score", "severity_parts"}
    assert set(alert) == keys
    quota = [found for found in alert["evidence"] if "disk quota" in found["body"]]
    assert quota
    names = {"record_id", "source", "line", "timestamp", "level", "service", "body", "reason", "expected"}
    assert set(quota[0]) == names
    text = (folder / "new.log").read_text().splitlines()[quota[0]["line"] - 1]
    assert quota[0]["body"] in text
    expected = [item["template"] for found in alert["evidence"] for item in found["expected"]]
    assert any("loaded" in template for template in expected)


def test_alerts_are_shown_to_people(bundle, folder, logradar):
    done = logradar("detect", bundle, folder / "new.log")
    assert "disk quota exceeded" in done.out
    assert "2 alerts in 100 sessions" in done.out


@pytest.mark.parametrize("suffix", ["json", "parquet", "csv"])
def test_alerts_are_written(bundle, folder, logradar, suffix):
    path = folder / f"alerts.{suffix}"
    assert logradar("detect", bundle, folder / "new.log", "-o", path, "-q").code == 0
    if suffix == "json":
        assert len(json.loads(path.read_text())["alerts"]) == 2
    elif suffix == "parquet":
        assert check(pq.read_table(path), ALERTS).num_rows == 2
    else:
        assert pl.read_csv(path)["reason"].str.len_chars().min() > 0


def test_exit_codes(bundle, folder, logradar):
    assert logradar("detect", bundle, folder / "new.log", "--fail-on-alert").code == 3
    assert logradar("detect", bundle, folder / "app.log", "--fail-on-alert").code == 0
    assert logradar("detect", bundle, folder / "new.log", "-o", folder / "alerts.xls").code == 2


def test_a_threshold_and_a_budget_can_be_asked_for(bundle, folder, logradar):
    none = logradar("detect", bundle, folder / "new.log", "--threshold", "1e9", "--json")
    assert none.json["alerts"] == []
    some = logradar("detect", bundle, folder / "new.log", "--alerts-per-day", "100000", "--json")
    assert len(some.json["alerts"]) >= 2


def test_stdin(bundle, folder, logradar, monkeypatch):
    class Stdin:
        buffer = io.BytesIO((folder / "new.log").read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert len(logradar("detect", bundle, "-", "--json").json["alerts"]) == 2


def test_evaluate_and_report(bundle, folder, logradar):
    run = folder / "run"
    pictures = folder / "pictures"
    args = ("--labels", folder / "labels.csv", "-o", run, "--pictures", pictures, "--json")
    done = logradar("evaluate", bundle, folder / "new.log", *args)
    assert done.code == 0, done.err
    result = done.json
    figures = {"sessions", "anomalies", "threshold", "precision", "recall", "f1", "fpr", "pr_auc", "roc_auc", "mcc"}
    figures |= {"false_alarms_per_day", "unseen_only"}
    assert set(result) >= figures | {"audit", "detectors"}
    assert (result["sessions"], result["anomalies"], result["recall"]) == (100, 2, 1.0)
    for name in ("ensemble", "new_template", "length", "count_vector", "ngram"):
        assert set(result["detectors"][name]) >= figures
    page = (run / "report.html").read_text()
    assert "disk quota exceeded" in page
    (run / "report.html").unlink()
    assert logradar("report", run).out.strip() == str(run / "report.html")
    assert (run / "report.html").read_text() == page
    drawn = {path.name: path.read_bytes() for path in pictures.iterdir()}
    assert set(drawn) >= {"roc.png", "precision-recall.png", "confusion-matrix.png", "scores.png"}
    told = logradar("report", run, "--pictures", folder / "again").out.split()
    assert set(told) == {str(run / "report.html"), *(str(folder / "again" / name) for name in drawn)}
    assert {path.name: path.read_bytes() for path in (folder / "again").iterdir()} == drawn


def test_evaluating_on_what_was_trained_on_is_refused(bundle, folder, logradar):
    write_labels(folder / "app.log", folder / "app.csv")
    done = logradar("evaluate", bundle, folder / "app.log", "--labels", folder / "app.csv")
    assert done.code == 2
    assert "All 300 sessions took part in training" in done.err


def test_a_held_back_half_is_measured_on(folder, logradar):
    write_log(folder / "both.log", 200, seed=3, broken=(20, 150, 160))
    write_labels(folder / "both.log", folder / "both.csv")
    trained = logradar(
        "train", folder / "both.log", "-o", folder / "c", "--labels", folder / "both.csv", "split.test=0.5", "--json"
    )
    assert trained.json["split"]["anomalies_left_out"] == 1
    done = logradar("evaluate", folder / "c", folder / "both.log", "--labels", folder / "both.csv", "--json")
    assert (done.json["sessions"], done.json["anomalies"], done.json["recall"]) == (100, 2, 1.0)


def test_prepare_is_an_input_itself(folder, logradar):
    done = logradar("prepare", folder / "app.log", "-o", folder / "p", "--json")
    assert set(done.json) == {"records", "templates", "sessions", "quarantined", "seconds", "peak_rss_mb", "mb_per_s"}
    assert (done.json["records"], done.json["templates"], done.json["sessions"]) == (1200, 4, 300)
    check(pq.read_table(folder / "p" / "sessions.parquet"), SESSIONS)
    check(pq.read_table(folder / "p" / "templates.parquet"), TEMPLATES)
    trained = logradar("train", folder / "p", "-o", folder / "d", "--json")
    assert trained.json["sessions"] == 300
    assert len(logradar("detect", folder / "d", folder / "new.log", "--json").json["alerts"]) == 2


def test_validate(folder, logradar):
    result = logradar("validate", folder / "app.log", "--json").json
    assert (result["records"], result["sessions"], result["templates"]) == (1200, 300, 4)
    assert result["session_length"] == {"mean": 4.0, "min": 4, "median": 4, "max": 4}
    assert result["levels"] == {"9": 1200}
    assert result["distinct_sequences"] == 1
    assert "app.log" in logradar("validate", folder / "app.log").out


def test_the_same_seed_gives_the_same_bytes(folder, logradar):
    scores = []
    for name in ("one", "two"):
        logradar("train", folder / "app.log", "-o", folder / name, "seed=3")
        logradar(
            "evaluate",
            folder / name,
            folder / "new.log",
            "--labels",
            folder / "labels.csv",
            "-o",
            folder / f"{name}-run",
        )
        scores.append((folder / f"{name}-run" / "scores.parquet").read_bytes())
    assert scores[0] == scores[1]


def test_lists(logradar):
    assert "count_vector" in logradar("detectors").out
    assert "hdfs" in logradar("sources").out
    assert logradar("--version").out.startswith("logradar 0.")
