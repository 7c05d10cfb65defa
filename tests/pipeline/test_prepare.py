"""Prepare: killed at any moment and started again, it ends with the same bytes; day files come back as they were."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from logradar.core.errors import ConfigError, InputError
from logradar.model.settings import RunSettings, run_settings
from logradar.pipeline.preparation.write_day_files import write_days
from logradar.pipeline.prepare import prepare, write_as
from logradar.simulation.simulate import simulate
from logradar.sources.radar.generate import DayShape
from logradar.sources.radar.generate import write_days as generate

LOGRADAR = Path(sys.executable).with_name("logradar")


def sha256(folder: Path) -> str:
    return str(json.loads((folder / "prepared.json").read_text())["sha256"])


@pytest.mark.slow
def test_killed_and_started_again_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    generate(tmp_path / "days", 3, 40_000_000, seed=2, shape=DayShape(distinct=8 << 20))
    prepare(str(tmp_path / "days"), tmp_path / "whole", RunSettings())
    out = tmp_path / "killed"
    command = [LOGRADAR, "prepare", str(tmp_path / "days"), "-o", str(out), "--quiet"]
    kills = 0
    for shards in (1, 2):  # in the middle of the first file, and of the second
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while len(list(out.glob("days/*.parquet"))) < shards and run.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        if run.poll() is None:
            os.kill(run.pid, signal.SIGKILL)
            kills += 1
        run.wait()
    assert kills == 2, "the run ended before it could be killed"
    assert not (out / "prepared.json").exists()
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert sha256(out) == sha256(tmp_path / "whole")
    assert not list(out.rglob("*.part"))


def test_day_files_come_back_as_they_were(tmp_path: Path) -> None:
    generate(tmp_path / "days", 2, 300_000, shape=DayShape(length=40))
    prepare(str(tmp_path / "days"), tmp_path / "p", RunSettings())
    for source, target in ((tmp_path / "days", tmp_path / "a"), (tmp_path / "p", tmp_path / "b")):
        figures = write_days(str(source), target, RunSettings())
        names = sorted(path.name for path in (tmp_path / "days").iterdir())
        assert figures["files"] == 2 and sorted(path.name for path in target.iterdir()) == names
        for name in names:
            assert json.loads((target / name).read_text()) == json.loads((tmp_path / "days" / name).read_text())


def test_any_log_becomes_day_files(tmp_path: Path) -> None:
    simulate(tmp_path / "shop", days=0.05, faults="all", seed=3)
    settings = run_settings()
    prepared = prepare(str(tmp_path / "shop"), tmp_path / "p", settings)
    figures = write_days(str(tmp_path / "shop"), tmp_path / "days", settings)
    assert figures["sessions"] == prepared["sessions"]
    again = prepare(str(tmp_path / "days"), tmp_path / "q", settings)
    assert (again["sessions"], again["records"]) == (prepared["sessions"], prepared["records"])
    assert again["quarantined"] == 0
    sessions = pl.read_parquet(tmp_path / "p" / "sessions.parquet")
    names = pl.read_csv(tmp_path / "days" / "session_ids.csv", schema_overrides={"session": pl.String})
    days = pl.read_parquet(tmp_path / "q" / "days" / "*.parquet")
    days = days.with_columns(day=pl.col("session_key").str.split("/").list.first())
    named = days.join(names, on=["day", "session_id"], validate="1:1")
    both = sessions.join(named, left_on="session_id", right_on="session", validate="1:1")
    assert len(both) == len(sessions)
    assert (both["template_ids"] == both["event_sequence"]).all()
    assert (both["start"] == both["start_right"]).all() and (both["end"] == both["end_right"]).all()
    assert ((both["max_level"] >= 17) == both["has_error"]).all()
    labels = pl.read_csv(tmp_path / "days" / "labels.csv")
    assert labels["label"].sum() == sessions["label"].sum() > 0
    labelled = run_settings(None, [], {"input.labels": tmp_path / "days" / "labels.csv"})
    prepare(str(tmp_path / "days"), tmp_path / "r", labelled)
    assert pl.read_parquet(tmp_path / "r" / "days" / "*.parquet")["label"].sum() == labels["label"].sum()


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    (tmp_path / "a.log").write_text("a line\n")
    for act in (prepare, write_days):
        with pytest.raises(InputError, match="choose a new folder"):
            act(str(tmp_path / "a.log"), tmp_path / "mine", RunSettings())
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "mine"


def test_a_format_that_is_none_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'syslog' is not a format that prepare can write .* --input-format"):
        write_as("syslog")
