"""RADAR's result JSON: every session once, in its own words, from logs and from day files."""

from __future__ import annotations

import json
import random

import pytest

from logradar.alerting.radar_results import RadarResults
from logradar.core.errors import ConfigError
from logradar.evaluation.result_analysis import analyze
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect_into
from logradar.pipeline.train import train

KEYS = ["session_id", "anomaly_score", "is_anomaly", "has_error", "has_warn", "service_name"]


def day_of(path, sessions: int, seed: int, failing: tuple[int, ...] = ()):
    rng = random.Random(seed)
    rows = []
    for number in range(sessions):
        events = [1, 2] + [3] * rng.randint(1, 2) + [4]
        if number in failing:
            events = [1, 77, 4, 4, 4]
        ids = events[:8] + [0] * (8 - len(events))
        rows.append(
            {
                "session_id": 1000 + number,
                "event_sequence": events,
                "token_ids": ids,
                "attention_mask": [int(value > 0) for value in ids],
                "has_error": number in failing,
                "has_warn": number % 7 == 0,
                "service_name": ("pay", "cart", '"säge"\n')[number % 3],
                "original_logs": [f"event {event}" for event in events],
            }
        )
    path.write_text(json.dumps(rows))
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("radar")
    (folder / "past").mkdir()
    day_of(folder / "past" / "preprocessed_logs_2024-05-01.json", 300, 1)
    given = {"beside": ("new_template",), "detectors.ensemble.members": ("new_template", "ngram")}
    train(str(folder / "past"), folder / "bundle", run_settings(given=given))
    return folder


def test_every_session_of_a_day_file_once_in_its_own_words(home, tmp_path):
    day = tmp_path / "preprocessed_logs_2024-05-02.json"
    rows = day_of(day, 90, 2, failing=(4, 50))
    out = tmp_path / "new" / "results.json"
    found = detect_into(out, "radar-json", home / "bundle", str(day))
    results = json.loads(out.read_text())
    assert [list(one) for one in results] == [KEYS] * 90
    for key in ("session_id", "has_error", "has_warn", "service_name"):
        assert [one[key] for one in results] == [row[key] for row in rows]
    threshold = found.figures["threshold"]
    assert all(one["is_anomaly"] is (one["anomaly_score"] > threshold) for one in results)
    assert {one["session_id"] for one in results if one["is_anomaly"]} == {1004, 1050}
    assert [path.name for path in out.parent.iterdir()] == ["results.json"]
    facts = analyze(out)
    assert (facts["sessions"], facts["anomalies"]) == (90, found.alerts.num_rows)
    assert facts["levels"]["has_error"] == {"sessions": 2, "anomalies": 2}


def test_two_days_are_one_array_and_none_is_an_empty_one(home, tmp_path):
    for day in (3, 4):
        day_of(tmp_path / f"preprocessed_logs_2024-05-0{day}.json", 20, day)
    out = tmp_path / "r.json"
    detect_into(out, "radar-json", home / "bundle", str(tmp_path))
    assert len(json.loads(out.read_text())) == 40
    with RadarResults(tmp_path / "none.json"):
        pass
    assert json.loads((tmp_path / "none.json").read_text()) == []


def test_a_run_that_fails_leaves_the_older_file(home, tmp_path):
    out = tmp_path / "r.json"
    out.write_text("old")
    with pytest.raises(ZeroDivisionError), RadarResults(out):
        _ = 1 // 0
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.parametrize(
    ("output", "kind", "message"),
    [("r.json", "syslog", "--input-format"), (None, "radar-json", "-o FILE"), ("r.xls", None, "another ending")],
)
def test_a_wrong_format_is_told_before_anything_is_read(tmp_path, output, kind, message):
    with pytest.raises(ConfigError, match=message):
        detect_into(tmp_path / output if output else None, kind, tmp_path / "no bundle", "no input")
