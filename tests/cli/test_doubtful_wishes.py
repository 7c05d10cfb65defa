"""Wishes that make little sense are said or refused, and never obeyed in silence."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli.shop import write_log
from tests.cli.test_bad_input import refused


def test_a_training_on_one_session(logradar, tmp_path):
    log = write_log(tmp_path / "app.log", 300, seed=1)
    done = logradar("train", log, "-o", tmp_path / "b", "split.test=0.995", "detector=length", "beside=[]")
    assert done.code == 0
    assert "Only 1 session of 300 can be learnt from (split.test=0.995)" in done.err
    usual = logradar("train", log, "-o", tmp_path / "c", "detector=length", "beside=[]")
    assert "can be learnt from" not in usual.err


def test_a_folder_with_the_name_of_a_data_set(logradar, tmp_path, monkeypatch, data_dir):
    monkeypatch.chdir(tmp_path)
    Path("hdfs").mkdir()
    shutil.move(write_log(tmp_path / "app.log", 40, seed=1), "hdfs/app.log")
    done = logradar("validate", "hdfs", "--data-dir", data_dir)
    assert done.code == 0
    assert "'hdfs' is read from the current folder; the data set 'hdfs' has the same name" in done.err
    for spec in ("./hdfs", tmp_path / "hdfs"):
        assert "has the same name" not in logradar("validate", spec, "--data-dir", data_dir).err


def test_a_session_key_that_is_in_no_line(logradar, tmp_path):
    log = write_log(tmp_path / "app.log", 60, seed=1)
    refused(logradar("train", log, "-o", tmp_path / "b", "--session-key", "trace=([0-9a-f]+)"), "trace=", "no line")
