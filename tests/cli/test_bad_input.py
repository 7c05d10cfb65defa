"""Bad input: one clear sentence and exit code 2, or a counted quarantine; never a traceback."""

from __future__ import annotations

import gzip
import json
import os

import pytest
from tests.cli.shop import write_labels, write_log

from logradar.core.bundle import FORMAT


@pytest.fixture
def log(tmp_path):
    return write_log(tmp_path / "app.log", 60, seed=1)


def refused(done, *words: str) -> None:
    """One sentence on stderr that holds these words, exit code 2, nothing on stdout."""
    assert done.code == 2, done.out + done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    said = [line for line in done.err.splitlines() if line.startswith("logradar: ")]
    assert len(said) == 1, done.err
    for word in words:
        assert word in said[0]


def test_a_missing_file(logradar, tmp_path):
    refused(logradar("train", tmp_path / "none.log", "-o", tmp_path / "b"), "none.log")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(logradar, tmp_path, log):
    log.chmod(0)
    refused(logradar("train", log, "-o", tmp_path / "b"), "app.log")


def test_a_folder_in_place_of_a_bundle(logradar, tmp_path, log):
    refused(logradar("detect", tmp_path, log), "is not a bundle")


def test_an_empty_file(logradar, tmp_path):
    (tmp_path / "empty.log").touch()
    refused(logradar("train", tmp_path / "empty.log", "-o", tmp_path / "b"), "empty")


def test_a_binary_file(logradar, tmp_path):
    (tmp_path / "program").write_bytes(bytes(range(256)) * 400)
    refused(logradar("train", tmp_path / "program", "-o", tmp_path / "b"), "program")


def test_half_a_gzip_keeps_what_can_be_read(logradar, tmp_path, log):
    whole = gzip.compress(log.read_bytes() * 20)
    (tmp_path / "half.log.gz").write_bytes(whole[: len(whole) // 2])
    done = logradar("prepare", tmp_path / "half.log.gz", "-o", tmp_path / "p", "--json")
    assert done.code == 0
    assert done.json["quarantined"] >= 1
    assert done.json["records"] > 100
    cases = [json.loads(line) for line in (tmp_path / "p" / "quarantine.jsonl").read_text().splitlines()]
    assert cases[0]["source"].endswith("half.log.gz")
    assert cases[0]["reason"]


def test_invalid_utf8_and_control_characters_survive(logradar, tmp_path, log):
    text = log.read_bytes().replace(b"finished", b"fin\xff\xfe\x00\x1b[31mished", 3)
    (tmp_path / "odd.log").write_bytes(text)
    done = logradar("prepare", tmp_path / "odd.log", "-o", tmp_path / "p", "--json")
    assert done.code == 0
    assert done.json["records"] == 240


def test_a_ten_megabyte_line(logradar, tmp_path, log):
    with log.open("a") as file:
        file.write("2026-03-01 10:00:00,000 INFO worker.jobs [job=00000000000000ff] " + "x" * 10_000_000 + "\n")
        file.write("2026-03-01 10:00:01,000 INFO worker.jobs [job=00000000000000ff] finished\n")
    done = logradar("prepare", log, "-o", tmp_path / "p", "--json")
    assert done.code == 0
    assert done.json["records"] == 242
    assert done.json["quarantined"] >= 1


def test_unknown_settings_detector_and_source(logradar, tmp_path, log):
    refused(logradar("train", log, "-o", tmp_path / "b", "sede=3"), "'sede'", "did you mean 'seed'")
    refused(logradar("train", log, "-o", tmp_path / "b", "--detector", "deplog"), "did you mean 'deeplog'")
    refused(logradar("train", log, "-o", tmp_path / "b", "detectors.ngram.m=3"), "detectors.ngram.m")
    refused(logradar("train", log, "-o", tmp_path / "b", "--source", "lnes"), "did you mean 'lines'")
    refused(logradar("train", log, "-o", tmp_path / "b", "-c", tmp_path / "none.yaml"), "none.yaml", "does not exist")
    refused(logradar("train", log, "-o", tmp_path / "b", "--session-key", "(["), "([")


@pytest.fixture
def bundle(logradar, tmp_path, log):
    assert logradar("train", log, "-o", tmp_path / "b").code == 0
    return tmp_path / "b"


def test_a_bundle_with_a_changed_byte(logradar, bundle, log):
    path = bundle / "thresholds.json"
    path.write_text(path.read_text().replace("0", "1", 1))
    refused(logradar("detect", bundle, log), "thresholds.json", "checksum")


@pytest.mark.parametrize(("version", "way_out"), [(FORMAT + 1, "upgrade"), (1, "Train it again")])
def test_a_bundle_of_another_format(logradar, bundle, log, version, way_out):
    path = bundle / "manifest.json"
    manifest = {**json.loads(path.read_text()), "format": version}
    del manifest["sha256"]  # older versions wrote none, and newer ones may protect it in another way
    path.write_text(json.dumps(manifest, indent=2) + "\n")
    refused(logradar("detect", bundle, log), f"format {version}", way_out)


def test_a_bundle_is_not_written_over_other_files(logradar, tmp_path, log):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("dear diary")
    refused(logradar("train", log, "-o", tmp_path / "notes"), "not a bundle")
    assert (tmp_path / "notes" / "diary.txt").read_text() == "dear diary"


def test_labels_that_match_nothing(logradar, tmp_path, log):
    (tmp_path / "labels.csv").write_text("id,label\nnobody,1\nnothing,0\n")
    refused(logradar("train", log, "-o", tmp_path / "b", "--labels", tmp_path / "labels.csv"), "nobody")


def test_labels_that_are_no_labels(logradar, tmp_path, log):
    (tmp_path / "labels.csv").write_text("id,label\nabc,perhaps\n")
    refused(logradar("train", log, "-o", tmp_path / "b", "--labels", tmp_path / "labels.csv"), "perhaps")


def test_evaluating_without_labels(logradar, bundle, log):
    refused(logradar("evaluate", bundle, log), "--labels")


def test_everything_is_labelled_anomalous(logradar, tmp_path, log):
    labels = write_labels(log, tmp_path / "labels.csv")
    labels.write_text(labels.read_text().replace("Normal", "Anomaly"))
    refused(logradar("train", log, "-o", tmp_path / "b", "--labels", labels), "labelled anomalous")


def test_a_log_without_a_session_key_uses_windows(logradar, tmp_path):
    lines = [f"2026-03-01 10:{i // 60:02}:{i % 60:02} INFO tick number {i % 3} went well" for i in range(500)]
    (tmp_path / "tick.log").write_text("\n".join(lines) + "\n")
    done = logradar("train", tmp_path / "tick.log", "-o", tmp_path / "b", "--json")
    assert done.code == 0
    assert "windows" in done.err
    assert done.json["sessions"] == 10


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_handful_of_lines(logradar, tmp_path, lines):
    (tmp_path / "tiny.log").write_text("2026-03-01 10:00:00 INFO all is well\n" * lines)
    done = logradar("train", tmp_path / "tiny.log", "-o", tmp_path / "b")
    if done.code:
        refused(done, "too few")
    else:
        assert logradar("detect", tmp_path / "b", tmp_path / "tiny.log").code == 0


def test_training_data_with_one_template(logradar, tmp_path):
    (tmp_path / "one.log").write_text("".join(f"2026-03-01 10:00:{i % 60:02} INFO beat {i}\n" for i in range(400)))
    (tmp_path / "two.log").write_text(
        "".join(f"2026-03-02 10:00:{i % 60:02} ERROR pump {i} broke\n" for i in range(99))
    )
    assert logradar("train", tmp_path / "one.log", "-o", tmp_path / "b").code == 0
    assert len(logradar("detect", tmp_path / "b", tmp_path / "two.log", "--json").json["alerts"]) > 0


def test_a_run_folder_without_a_run(logradar, tmp_path):
    refused(logradar("report", tmp_path), "nothing to report")


def test_prepare_does_not_write_among_other_files(logradar, tmp_path, log):
    refused(logradar("prepare", log, "-o", tmp_path), "contains other files")


def test_json_lines_whose_first_one_is_cut(logradar, tmp_path):
    lines = [json.dumps({"level": "INFO", "msg": f"request r{i // 3} step {i % 3}"}) for i in range(300)]
    for cut in (lines[0][:20], lines[0][20:]):
        (tmp_path / "app.json").write_text("\n".join([cut, *lines[1:]]))
        done = logradar("train", tmp_path / "app.json", "-o", tmp_path / "b", "--force", "--json")
        assert done.code == 0, done.err
        assert done.json["records"] == 300
    (tmp_path / "one.json").write_text(json.dumps({"a": [1, {"b": 2}]}, indent=1))
    refused(logradar("train", tmp_path / "one.json", "-o", tmp_path / "c"), "no source recognises", "--source lines")


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_threshold_that_is_no_number(logradar, tmp_path, bundle, log, value):
    refused(logradar("detect", bundle, log, "--threshold", value, "--fail-on-alert"), "not " + value)
    (tmp_path / "alerts.json").write_text(logradar("detect", bundle, log, "--json").out)
    refused(logradar("analyze", tmp_path / "alerts.json", "--threshold", value), "not " + value)


def test_a_budget_on_few_validation_sessions_is_told(logradar, bundle, log):
    notes = logradar("detect", bundle, log, "--alerts-per-day", "100000", "--json").json["notes"]
    assert any("validation sessions; with fewer than 200" in note for note in notes)


def test_learning_on_from_other_software_is_told(logradar, tmp_path, bundle):
    other = tmp_path / "other.log"
    other.write_text("".join(f"2026-01-02 10:00:{i % 60:02} INFO moon {i % 7} rises over sea\n" for i in range(600)))
    done = logradar("train", other, "-o", tmp_path / "b2", "--from", bundle)
    assert done.code == 0, done.err
    assert "the same software?" in done.err
