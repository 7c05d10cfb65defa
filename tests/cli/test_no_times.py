"""A log whose lines carry no times: no alert pretends to have one, in any output, and two runs say the same."""

from __future__ import annotations

import json

import polars as pl
import pytest

from logradar.reporting.evaluation_page import write_report


@pytest.fixture
def found(logradar, tmp_path):
    """The folder of a bundle, and the document of two runs over a log with one broken job."""
    steps = ("accepted", "loaded 7 rows", "wrote result", "finished")
    lines = [f"worker.jobs [job={job:08x}] {step}" for job in range(100) for step in steps]
    (tmp_path / "past.log").write_text("\n".join(lines) + "\n")
    lines[41] = "worker.jobs [job=0000000a] the disk is full"
    (tmp_path / "new.log").write_text("\n".join(lines) + "\n")
    given = ("--session-key", "job=([0-9a-f]+)", "--detector", "new_template", "beside=[]")
    assert logradar("train", tmp_path / "past.log", "-o", tmp_path / "b", *given).code == 0
    runs = [logradar("detect", tmp_path / "b", tmp_path / "new.log", "--json") for _ in range(2)]
    assert [run.code for run in runs] == [0, 0], runs[0].err
    assert runs[0].json == runs[1].json
    return runs[0].json


def test_json_has_null(found):
    (alert,) = found["alerts"]
    assert (alert["session_id"], alert["raised_at"]) == ("0000000a", None)


def test_the_terminal_says_so(found, logradar, tmp_path):
    said = logradar("detect", tmp_path / "b", tmp_path / "new.log").out
    first_incident, its_size, *_ = said.splitlines()
    assert "0000000a" in first_incident and its_size.strip().startswith("no time · 1 alert")
    assert any("· 0000000a ·" in line and "· no time ·" in line for line in said.splitlines()), "the alert"


@pytest.mark.parametrize("ending", ["json", "csv", "parquet"])
def test_files_have_an_empty_value_and_can_be_analyzed(found, logradar, tmp_path, ending):
    file = tmp_path / f"alerts.{ending}"
    assert logradar("detect", tmp_path / "b", tmp_path / "new.log", "-o", file).code == 0
    if ending == "csv":
        assert pl.read_csv(file)["raised_at"].to_list() == [None]
    if ending == "parquet":
        assert pl.read_parquet(file)["raised_at"].to_list() == [None]
    facts = logradar("analyze", file, "--json").json
    assert (facts["anomalies"], facts["from"], facts["until"]) == (1, None, None)


def test_the_results_of_every_session_are_written(found, logradar, tmp_path):
    file = tmp_path / "radar.json"
    assert logradar("detect", tmp_path / "b", tmp_path / "new.log", "-o", file, "--format", "radar-json").code == 0
    assert [row["session_id"] for row in json.loads(file.read_text()) if row["is_anomaly"]] == ["0000000a"]


def test_the_page_says_so(found, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "alerts.json").write_text(json.dumps(found))
    assert '<span class="when">no time</span>' in write_report(run).read_text()
