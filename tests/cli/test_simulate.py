"""`logradar simulate` in its formats, and that what it writes can be used."""

from __future__ import annotations

import json
import re

import pytest


def test_day_files_train_and_are_measured(logradar, tmp_path):
    days = tmp_path / "days"
    faults = "slow_dependency,bad_deploy,retry_storm,missing_step,silent_drop,auth_failures"  # which counts can tell
    given = ("--days", 3, "--size", "2MB", "--faults", faults, "episodes_per_day=12", "--json")
    done = logradar("simulate", "-o", days, "--format", "radar-json", *given)
    assert done.code == 0, done.err
    assert done.json["files"][-1] == "preprocessed_logs_2026-03-04.json"
    assert done.json["anomalies"] > 20
    labels = ("--labels", days / "session_labels.csv")
    plain = ("detector=count_vector", "beside=[]")
    done = logradar("train", days, "-o", tmp_path / "b", "--until", "2026-03-03", *labels, *plain, "--json")
    assert done.code == 0, done.err
    done = logradar("evaluate", tmp_path / "b", days, "--since", "2026-03-04", *labels, "--json")
    assert done.code == 0, done.err
    assert done.json["roc_auc"] > 0.9
    assert len(done.json["faults"]) > 3


def test_raw_logs_of_a_size(logradar, tmp_path):
    done = logradar("simulate", "-o", tmp_path, "--size", "1MB", "lines_per_day=3000")
    assert done.code == 0, done.err
    assert done.out.startswith("Wrote ")
    done = logradar("validate", tmp_path, "--labels", tmp_path / "session_labels.csv", "--json")
    assert done.json["source"] == "simulated"
    assert done.json["labels"]["unknown"] == 0
    assert json.loads((tmp_path / "simulation.json").read_text())["times"] > 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--size", "many"), "'size' is 'many'"),
        (("--format", "parquet"), "--format"),
        (("--format", "radar-json", "tokens=-1"), "'tokens' is -1"),
        (("--size", "1MB", "pretty=true"), "'pretty' is not known"),
        (("--size", "900000TB"), "GB free, .* are needed"),
    ],
)
def test_mistakes_are_sentences(logradar, tmp_path, words, told):
    done = logradar("simulate", "-o", tmp_path / "out", *words)
    assert done.code == 2
    assert re.search(told, " ".join(done.err.split())), done.err


def test_two_days_are_two_days(logradar, tmp_path):
    for place, start in enumerate(("2026-03-02", "2026-03-03T06:00:00")):
        done = logradar("simulate", "-o", tmp_path / str(place), "--start", start, "--days", "0.01", "--faults", "none")
        assert done.code == 0, done.err
    first, second = ((tmp_path / str(place) / "gateway.log").read_text() for place in (0, 1))
    assert first.startswith("2026-03-02") and second.startswith("2026-03-03 06:")
    done = logradar("simulate", "-o", tmp_path / "bad", "--start", "tomorrow")
    assert done.code == 2
