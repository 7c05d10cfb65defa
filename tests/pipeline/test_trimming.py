"""Training on logs that contain unlabelled anomalies: `split.trim`."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from logradar.core.errors import ConfigError, DataError
from logradar.core.sequences import Sequences
from logradar.evaluation.audit import seen_in
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.continue_training import continue_training
from logradar.pipeline.detect import detect
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.simulation.day_files import DaySettings, simulate_days
from logradar.storage import grouping as on_disk

pytestmark = pytest.mark.xdist_group("trim")
BROKEN = (20, 60, 61, 99, 150, 210, 260, 290)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """300 jobs, eight of them broken in the same way, without labels."""
    lines = []
    for job in range(300):
        steps = ["accepted", f"loaded {job} rows", "wrote result", "finished"]
        if job in BROKEN:
            steps = ["accepted", "quota exceeded", "finished"]
        for number, step in enumerate(steps):
            at = job * 20 + number
            stamp = f"2026-03-01 {at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}"
            lines.append(f"{stamp} INFO worker [job={job:08x}] {step}")
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n")
    return tmp_path / "app.log"


def alerted(bundle: Path, log: Path) -> set[str]:
    return {alert["session_id"].removeprefix("job=") for alert in detect(bundle, str(log)).to_json()["alerts"]}


def test_what_is_left_out_is_an_alert_and_told(log, tmp_path, capsys):
    train(str(log), tmp_path / "plain", run_settings())
    assert alerted(tmp_path / "plain", log) == set()
    trained = train(str(log), tmp_path / "trimmed", run_settings(overrides=["split.trim=0.03"]))
    assert trained.figures["split"]["trimmed"] == len(BROKEN)
    assert "8 of 300 normal sessions" in capsys.readouterr().err
    assert {int(name[-8:], 16) for name in alerted(tmp_path / "trimmed", log)} == set(BROKEN)


def test_a_bundle_keeps_nothing_of_what_is_left_out_but_that_it_was_there(log, tmp_path):
    settings = run_settings(overrides=["split.trim=0.03"])
    train(str(log), tmp_path / "b", settings)
    fitted = Bundle.load(tmp_path / "b")
    assert fitted.settings.split.trim == 0.03
    assert len(fitted.seen.sessions) == 300 and fitted.memory is not None
    assert fitted.memory.rows.counts.sum() == 300 - len(BROKEN)
    assert all(len(scores) == 60 - sum(job >= 240 for job in BROKEN) for scores in fitted.validation.values())
    broken = Sequences.from_lists([[3, 4]])
    assert len(fitted.seen.sequences) == 1 and not seen_in(fitted.seen.sequences, broken.fingerprints()).any()


def test_without_trim_nothing_changes(log, tmp_path):
    trained = train(str(log), tmp_path / "b", run_settings(overrides=["split.trim=0"]))
    assert trained.figures["split"]["trimmed"] == 0
    assert len(trained.fitted.seen.sequences) == 2


def test_a_share_of_less_than_one_session_is_told(log, tmp_path, capsys):
    trained = train(str(log), tmp_path / "b", run_settings(overrides=["split.trim=0.001"]))
    assert trained.figures["split"]["trimmed"] == 0
    assert "leaves nothing out" in capsys.readouterr().err


def test_learning_on_trims_what_is_new(log, tmp_path):
    train(str(log), tmp_path / "b", run_settings(overrides=["split.trim=0.03"]))
    newer = tmp_path / "newer.log"
    newer.write_text(log.read_text().replace("2026-03-01", "2026-03-02").replace("[job=0", "[job=1"))
    further = continue_training(tmp_path / "b", str(newer), tmp_path / "c", run_settings())
    assert further.figures["split"]["trimmed"] == len(BROKEN)
    assert len(alerted(tmp_path / "c", newer)) == len(BROKEN)


@pytest.mark.parametrize("share", ["-0.1", "0.5", "much"])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ConfigError, match=r"split\.trim"):
        run_settings(overrides=[f"split.trim={share}"])


def test_too_many_records_are_refused(log, tmp_path, monkeypatch):
    monkeypatch.setattr(on_disk, "IN_MEMORY", 1_000)
    with pytest.raises(DataError, match=r"split\.trim .* up to 1,000 records; the input has 1,192"):
        train(str(log), tmp_path / "b", run_settings(overrides=["split.trim=0.03"]))


@pytest.fixture(scope="module")
def days(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("days")
    simulate_days(folder / "days", settings=DaySettings(days=2, faults="all", lines_per_day=6_000, seed=5))
    return folder / "days"


@pytest.mark.slow
@pytest.mark.parametrize("by", ["sessions", "files"])
def test_day_files_are_trimmed_too(days, tmp_path, by):
    whole = train(str(days), tmp_path / "whole", run_settings(overrides=["split.trim=0", f"split.by={by}"]))
    trained = train(str(days), tmp_path / "b", run_settings(overrides=["split.trim=0.02", f"split.by={by}"]))
    out, split = trained.figures["split"]["trimmed"], trained.figures["split"]
    assert 0 < out <= 0.02 * (split["train"] + split["valid"])
    assert trained.fitted.memory.rows.counts.sum() == whole.fitted.memory.rows.counts.sum() - out
    assert len(detect(tmp_path / "b", str(days)).to_json()["alerts"]) > len(
        detect(tmp_path / "whole", str(days)).to_json()["alerts"]
    )


@pytest.mark.slow
def test_day_files_that_are_too_many_are_refused(days, tmp_path, monkeypatch):
    monkeypatch.setattr(on_disk, "IN_MEMORY", 1_000)
    with pytest.raises(DataError, match=r"split\.trim"):
        train(str(days), tmp_path / "b", run_settings(overrides=["split.trim=0.02"]))


@pytest.mark.slow
def test_hdfs_without_labels(data_dir, tmp_path):
    """The earlier half of the 2 % sample contains 4 % anomalies; training gets no labels."""
    with lzma.open(data_dir / "hdfs/HDFS_2pct.log.xz", "rt") as lines:
        (tmp_path / "hdfs.log").write_text(lines.read())
    labels = {"input.labels": data_dir / "hdfs/HDFS_2pct_labels.csv.gz"}
    recall = {}
    for trim in ("0", "0.05"):
        bundle = tmp_path / f"b{trim}"
        settings = run_settings(overrides=["split.test=0.5", f"split.trim={trim}", "beside=[]"])
        train(str(tmp_path / "hdfs.log"), bundle, settings)
        found = evaluate(bundle, str(tmp_path / "hdfs.log"), given=labels)
        recall[trim] = found.document["recall"]
        notes = [note for note in found.document["audit"]["notes"] if "split.trim" in note]
        assert len(notes) == (trim != "0")
    assert recall["0"] < 0.1 < 0.9 < recall["0.05"]
